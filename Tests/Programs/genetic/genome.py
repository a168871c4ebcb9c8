"""Genomes for a travelling salesman, and how they change."""

import functools
import heapq
import itertools
import math
import random

rng = random.Random(17)
CITIES = tuple((rng.random(), rng.random()) for _ in range(24))
serial = itertools.count(1)


@functools.lru_cache(maxsize=None)
def distance(a, b):
    return math.dist(CITIES[a], CITIES[b])


class Genome:
    __slots__ = ("order", "parents", "number", "_length", "__weakref__")

    def __init__(self, order, parents=()):
        self.order = order
        self.parents = parents
        self.number = next(serial)
        self._length = None

    @property
    def length(self):
        if self._length is None:
            self._length = sum(distance(a, b) for a, b in zip(self.order, self.order[1:] + self.order[:1]))
        return self._length

    def __lt__(self, other):
        return (self.length, self.number) < (other.length, other.number)

    def __getstate__(self):
        return {"order": self.order, "number": self.number}

    def __setstate__(self, state):
        self.order, self.number = state["order"], state["number"]
        self.parents, self._length = (), None


def cross(one, other):
    start, stop = sorted(rng.sample(range(len(one.order)), 2))
    middle = one.order[start:stop]
    rest = [city for city in other.order if city not in middle]
    return Genome(rest[:start] + middle + rest[start:], (one.number, other.number))


def mutate(genome):
    i, j = rng.sample(range(len(genome.order)), 2)
    order = genome.order[:]
    order[i], order[j] = order[j], order[i]
    return Genome(order, (genome.number,))


class HallOfFame:
    """The shortest tours, in a heap of negative lengths."""

    def __init__(self, size):
        self.size = size
        self.heap = []
        self.known = set()

    def offer(self, genome):
        key = frozenset(zip(genome.order, genome.order[1:] + genome.order[:1]))
        if key in self.known:
            return False
        self.known.add(key)
        entry = (-genome.length, genome.number, genome)
        if len(self.heap) < self.size:
            heapq.heappush(self.heap, entry)
        else:
            heapq.heappushpop(self.heap, entry)
        return True
