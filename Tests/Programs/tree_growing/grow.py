"""Boosting with recursively grown trees, in pure Python."""

import random

from trees import Node, grow, predict

rng = random.Random(8)
data = []
for _ in range(300):
    x = [rng.uniform(-2, 2) for _ in range(5)]
    data.append((*x, x[0] * x[1] + abs(x[2]) - x[3] + rng.gauss(0, 0.2)))
train, test = data[:220], data[220:]
forest = []


def boosted(row):
    return sum(0.3 * predict(tree, row) for tree in forest)


errors = []
for turn in range(30):
    rest = [(*row[:-1], row[-1] - boosted(row)) for row in train]
    root = Node(rest)
    leaves = grow(root, 5, rng, limit=4)
    forest.append(root)
    error = sum((row[-1] - boosted(row)) ** 2 for row in test) / len(test)
    errors.append(error)
    print(f"turn {turn} leaves {leaves} error {error:.6f}")
print("nodes", Node.count, "best", min(errors))
