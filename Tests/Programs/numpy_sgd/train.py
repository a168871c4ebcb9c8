"""Softmax regression by stochastic gradient descent with momentum, in NumPy."""

import argparse

import numpy as np

from sampling import Sampler

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--rate", type=float, default=0.1)
parser.add_argument("--seed", type=int, default=7)
options = parser.parse_args()


def make_data(seed, rows=3000, features=30, classes=5):
    rng = np.random.default_rng(seed)
    centres = rng.normal(0.0, 1.2, (classes, features))
    labels = rng.integers(0, classes, rows)
    return centres[labels] + rng.normal(0.0, 1.0, (rows, features)), labels


def softmax(scores):
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def loss_and_gradient(weights, rows, labels):
    shares = softmax(rows @ weights)
    picked = np.arange(len(labels)), labels
    loss = -np.log(shares[picked]).mean()
    shares[picked] -= 1.0
    return loss, rows.T @ shares / len(labels)


def accuracy(weights, rows, labels):
    return float((np.argmax(rows @ weights, axis=1) == labels).mean())


rows, labels = make_data(options.seed)
train, test = slice(0, 2400), slice(2400, None)
sampler = Sampler(2400, 20, options.seed + 1)
weights = np.zeros((rows.shape[1], 5))
velocity = np.zeros_like(weights)
best = {"accuracy": 0.0, "weights": weights.copy(), "epoch": -1}
print(f"{options.epochs} epochs, rate {options.rate}")
for epoch in range(options.epochs):
    rate = options.rate * 0.9**epoch
    total = 0.0
    for batch in sampler.epoch():
        noisy = sampler.jitter(rows[batch], 0.1)
        loss, gradient = loss_and_gradient(weights, noisy, labels[batch])
        velocity *= 0.9
        velocity -= rate * gradient
        weights += velocity
        total += loss
    score = accuracy(weights, rows[test], labels[test])
    if score > best["accuracy"]:
        best.update(accuracy=score, weights=weights.copy(), epoch=epoch)
    print(f"epoch {epoch} loss {total / 120:.6f} accuracy {score:.4f}")
print(f"best {best['accuracy']:.4f} at epoch {best['epoch']}")
