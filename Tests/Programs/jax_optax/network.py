"""A two-layer network as pure functions over a dictionary of parameters."""

import jax
import jax.numpy as jnp


def initialise(key, sizes):
    layers = []
    for number, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
        key, own = jax.random.split(key)
        weights = jax.random.normal(own, (fan_in, fan_out)) * jnp.sqrt(2.0 / fan_in)
        layers.append({"weights": weights, "bias": jnp.zeros(fan_out)})
    return layers


def forward(layers, rows, key=None, rate=0.1):
    for number, layer in enumerate(layers):
        rows = rows @ layer["weights"] + layer["bias"]
        if number < len(layers) - 1:
            rows = jax.nn.relu(rows)
            if key is not None:
                kept = jax.random.bernoulli(key, 1.0 - rate, rows.shape)
                rows = jnp.where(kept, rows / (1.0 - rate), 0.0)
    return rows
