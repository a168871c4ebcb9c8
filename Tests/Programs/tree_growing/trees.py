"""A regression tree that grows by recursion; nodes know their parents."""

import weakref


class Node:
    count = 0

    def __init__(self, rows, parent=None):
        Node.count += 1
        self.rows = rows
        self._parent = weakref.ref(parent) if parent else None
        self.children = ()
        self.value = sum(r[-1] for r in rows) / len(rows)

    @property
    def depth(self):
        parent = self._parent and self._parent()
        return 0 if parent is None else parent.depth + 1

    def loss(self):
        return sum((r[-1] - self.value) ** 2 for r in self.rows)


def best_split(node, features, rng):
    best = (node.loss(), None, None)
    for feature in rng.sample(range(features), 3):
        rows = sorted(node.rows, key=lambda r: r[feature])
        for cut in range(5, len(rows) - 5, 3):
            left, right = rows[:cut], rows[cut:]
            loss = Node.spread(left) + Node.spread(right)
            if loss < best[0]:
                best = (loss, feature, (left, right))
    return best


def _spread(rows):
    mean = sum(r[-1] for r in rows) / len(rows)
    return sum((r[-1] - mean) ** 2 for r in rows)


Node.spread = staticmethod(_spread)


def grow(node, features, rng, limit):
    """Splits a node and, one after the other, its children."""
    if node.depth >= limit or len(node.rows) < 20:
        return 1
    loss, feature, parts = best_split(node, features, rng)
    if feature is None:
        return 1
    node.feature, node.threshold = feature, parts[1][0][feature]
    node.children = tuple(Node(part, node) for part in parts)
    leaves = 0
    for child in node.children:
        leaves += grow(child, features, rng, limit)
    return leaves


def predict(node, row):
    while node.children:
        node = node.children[row[node.feature] >= node.threshold]
    return node.value
