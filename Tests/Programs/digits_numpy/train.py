# Two-layer network for the digits data set, plain NumPy, momentum SGD.
import sys

import numpy as np
from sklearn.datasets import load_digits

rng = np.random.default_rng(7)

X, y = load_digits(return_X_y=True)
X = X / 16.0
order = rng.permutation(len(X))
X, y = X[order], y[order]
n_test = 360
X_train, y_train = X[n_test:], y[n_test:]
X_test, y_test = X[:n_test], y[:n_test]
Y_train = np.eye(10)[y_train]

hidden = 384
lr = 0.15
momentum = 0.9
l2 = 1e-4
batch_size = 16
epochs = 30
keep = 0.9

params = {
    "W1": rng.normal(0, np.sqrt(2 / 64), (64, hidden)),
    "b1": np.zeros(hidden),
    "W2": rng.normal(0, np.sqrt(2 / hidden), (hidden, 10)),
    "b2": np.zeros(10),
}
velocity = {name: np.zeros_like(value) for name, value in params.items()}

print(f"train {X_train.shape} test {X_test.shape}")

best = 0.0
patience = 0
losses = []
for epoch in range(epochs):
    perm = rng.permutation(len(X_train))
    running = 0.0
    n_batches = 0
    for start in range(0, len(perm), batch_size):
        idx = perm[start : start + batch_size]
        xb, yb = X_train[idx], Y_train[idx]
        xb = xb + rng.normal(0, 0.02, xb.shape)

        # forward
        z1 = xb @ params["W1"] + params["b1"]
        a1 = np.maximum(z1, 0)
        mask = (rng.random(a1.shape) < keep) / keep
        h = a1 * mask
        logits = h @ params["W2"] + params["b2"]
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        p /= p.sum(axis=1, keepdims=True)
        loss = -np.mean(np.sum(yb * np.log(p + 1e-12), axis=1))

        # backward
        d = (p - yb) / len(xb)
        grads = {"W2": h.T @ d, "b2": d.sum(axis=0)}
        dh = (d @ params["W2"].T) * mask * (z1 > 0)
        grads["W1"] = xb.T @ dh
        grads["b1"] = dh.sum(axis=0)

        for name in params:
            g = grads[name] + l2 * params[name]
            velocity[name] = momentum * velocity[name] - lr * g
            params[name] += velocity[name]

        running += loss
        n_batches += 1

    losses.append(running / n_batches)
    hidden_out = np.maximum(X_test @ params["W1"] + params["b1"], 0)
    predicted = (hidden_out @ params["W2"] + params["b2"]).argmax(axis=1)
    accuracy = float((predicted == y_test).mean())
    print(f"epoch {epoch:2d}  loss {losses[-1]:.5f}  test accuracy {accuracy:.4f}")

    if accuracy > best:
        best = accuracy
        patience = 0
    else:
        patience += 1
    if patience >= 4:
        lr *= 0.5
        patience = 0
        print(f"lowering the learning rate to {lr}", file=sys.stderr)

print(f"done: best test accuracy {best:.4f}, last loss {losses[-1]:.5f}")
