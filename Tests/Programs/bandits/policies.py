"""Policies over arms, and what is known of each arm."""

import math
import random


class Arm:
    """Counts and sums; its mean is a property, and a pickle of it would leave the last rewards out."""

    __slots__ = ("name", "pulls", "total", "last")

    def __init__(self, name):
        self.name = name
        self.pulls = 0
        self.total = 0.0
        self.last = []

    @property
    def mean(self):
        return self.total / self.pulls if self.pulls else 0.0

    def reward(self, value):
        self.pulls += 1
        self.total += value
        self.last = (self.last + [value])[-20:]

    @property
    def trend(self):
        return sum(self.last) / len(self.last) - self.mean if self.last else 0.0

    def __getstate__(self):
        return {"name": self.name, "pulls": self.pulls, "total": self.total}

    def __setstate__(self, state):
        self.name, self.pulls, self.total, self.last = *state.values(), []


class Boltzmann:
    def __init__(self, arms, temperature):
        self.arms = [Arm(name) for name in arms]
        self.temperature = temperature

    def shares(self):
        scores = [math.exp((arm.mean + 0.1 * arm.trend) / self.temperature) for arm in self.arms]
        total = math.fsum(scores)
        return [score / total for score in scores]

    def choose(self, rng: random.Random):
        shares = self.shares()
        index = rng.choices(range(len(self.arms)), shares)[0]
        return index, shares[index]

    def __reduce__(self):
        return Boltzmann, ([arm.name for arm in self.arms], self.temperature)
