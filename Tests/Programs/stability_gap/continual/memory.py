"""A reservoir of examples of earlier tasks."""

import random


class Reservoir:
    def __init__(self, capacity, seed=0):
        self.capacity = capacity
        self.items = []
        self.seen = 0
        self.rng = random.Random(seed)

    def add(self, inputs, labels):
        for x, y in zip(inputs, labels):
            self.seen += 1
            if len(self.items) < self.capacity:
                self.items.append((x, y))
                continue
            slot = self.rng.randrange(self.seen)
            if slot < self.capacity:
                self.items[slot] = (x, y)

    def sample(self, count):
        return self.rng.sample(self.items, min(count, len(self.items)))
