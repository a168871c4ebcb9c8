"""A windy grid, and what an agent remembers of it."""

import enum
import random
from collections import deque
from typing import NamedTuple


class Action(enum.Enum):
    NORTH = (0, -1)
    EAST = (1, 0)
    SOUTH = (0, 1)
    WEST = (-1, 0)


class Step(NamedTuple):
    state: tuple
    action: Action
    reward: float
    following: tuple
    done: bool


class Grid:
    goals = frozenset({(6, 5)})
    pits = frozenset({(2, 2), (4, 3), (5, 1)})

    def __init__(self, seed):
        self._random = random.Random(seed)
        self.place = (0, 0)
        self.visits = {}

    def reset(self):
        self.place = (0, 0)
        return self.place

    def step(self, action):
        dx, dy = action.value
        if self._random.random() < 0.1:
            dx, dy = dy, dx
        x, y = self.place
        self.place = min(max(x + dx, 0), 6), min(max(y + dy, 0), 5)
        self.visits.setdefault(self.place, [0])[0] += 1
        if self.place in self.goals:
            return self.place, 1.0, True
        return self.place, (-1.0 if self.place in self.pits else -0.02), self.place in self.pits


class Memory:
    """The last steps, and a uniform sample of all steps ever (a reservoir)."""

    def __init__(self, recent, size, rng):
        self.recent = deque(maxlen=recent)
        self.reservoir = []
        self._size = size
        self._rng = rng
        self.seen = 0

    def add(self, step):
        self.recent.append(step)
        self.seen += 1
        if len(self.reservoir) < self._size:
            self.reservoir.append(step)
        elif (slot := self._rng.randrange(self.seen)) < self._size:
            self.reservoir[slot] = step

    def draw(self, count):
        pool = list(self.recent) + self.reservoir
        return [pool[self._rng.randrange(len(pool))] for _ in range(count)]
