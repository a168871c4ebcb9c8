"""Least squares from a stream: generators and iterators held in variables, drawn from by hand."""

import itertools
import math

from reader import pipeline

weights = [0.0] * 6
batches = pipeline(13)
rates = itertools.cycle([0.05, 0.05, 0.02])
warmup = iter([0.001, 0.005, 0.01])
numbered = enumerate(batches)
averages = []


def update(batch, rate):
    gradient = [0.0] * 6
    loss = 0.0
    for x, y in batch:
        error = sum(w * v for w, v in zip(weights, x)) - y
        loss += error * error
        for i, v in enumerate(x):
            gradient[i] += 2 * error * v / len(batch)
    for i, g in enumerate(gradient):
        weights[i] -= rate * g
    return loss / len(batch), math.hypot(*gradient)


for epoch in range(60):
    total = 0.0
    for number, batch in itertools.islice(numbered, 80):
        rate = next(warmup, None) or next(rates)
        loss, norm = update(batch, rate)
        total += loss
    validation = next(batches)
    held = sum((sum(w * v for w, v in zip(weights, x)) - y) ** 2 for x, y in validation) / len(validation)
    averages.append(total / 80)
    if epoch % 6 == 5:
        print(f"epoch {epoch} batch {number} loss {total / 80:.8f} held {held:.8f}")
for phase, (count, rate) in enumerate(zip((40, 40), (0.01, 0.002))):
    losses = [update(batch, rate)[0] for batch in itertools.islice(batches, count)]
    print(f"phase {phase} loss {sum(losses) / count:.8f}")
print("weights", [round(w, 6) for w in weights])
