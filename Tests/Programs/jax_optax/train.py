"""Training in JAX with Optax: jitted steps, split keys, donated buffers, an average of the weights."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from network import forward, initialise


class State(NamedTuple):
    layers: Any
    average: Any
    optimizer: Any
    key: jax.Array
    step: int


schedule = optax.cosine_decay_schedule(3e-3, 600)
optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule))


def loss_of(layers, rows, labels, key):
    scores = forward(layers, rows, key)
    return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()


@partial(jax.jit, donate_argnums=0)
def update(state, rows, labels):
    key, own = jax.random.split(state.key)
    loss, gradient = jax.value_and_grad(loss_of)(state.layers, rows, labels, own)
    changes, moments = optimizer.update(gradient, state.optimizer, state.layers)
    layers = optax.apply_updates(state.layers, changes)
    average = optax.incremental_update(layers, state.average, 0.02)
    return State(layers, average, moments, key, state.step + 1), loss


@jax.jit
def accuracy(layers, rows, labels):
    return jnp.mean(jnp.argmax(forward(layers, rows), axis=1) == labels)


data = np.random.default_rng(0)
centres = data.normal(size=(4, 16)).astype(np.float32)
labels = data.integers(0, 4, 1200)
rows = centres[labels] + 1.5 * data.normal(size=(1200, 16)).astype(np.float32)

key = jax.random.key(42)
key, own = jax.random.split(key)
layers = initialise(own, (16, 32, 4))
state = State(layers, jax.tree.map(jnp.copy, layers), optimizer.init(layers), key, 0)
losses = []
for epoch in range(12):
    order = data.permutation(1000)
    for batch in range(50):
        chosen = order[batch * 20 : batch * 20 + 20]
        state, loss = update(state, rows[chosen], labels[chosen])
        losses.append(float(loss))
    score = accuracy(state.average, rows[1000:], labels[1000:])
    print(f"epoch {epoch} loss {np.mean(losses[-50:]):.6f} accuracy {score:.4f}")
print(f"{int(state.step)} steps, {len(jax.tree.leaves(state.optimizer))} leaves")
