"""Things of every kind that Python programs hold on to."""

import array
import collections
import functools
import itertools
import random
import weakref
from dataclasses import dataclass, field


class Registry(type):
    """A metaclass that knows its classes."""

    members = {}

    def __init__(cls, name, bases, names):
        super().__init__(name, bases, names)
        Registry.members[name] = cls


@dataclass
class Particle(metaclass=Registry):
    name: str
    position: array.array
    peers: "weakref.WeakSet" = field(default_factory=weakref.WeakSet, repr=False)
    trail: collections.deque = field(default_factory=lambda: collections.deque(maxlen=8))

    alive = 0

    def __post_init__(self):
        Particle.alive += 1
        self.peers.add(self)

    __hash__ = object.__hash__

    @functools.cached_property
    def origin(self):
        return tuple(self.position)

    def distance(self):
        return sum((a - b) ** 2 for a, b in zip(self.position, self.origin)) ** 0.5


class Swarm:
    def __init__(self, size, seed):
        self.rng = random.Random(seed)
        self.names = map("p{}".format, itertools.count())
        self.members = collections.OrderedDict()
        self.index = weakref.WeakValueDictionary()
        self.events = collections.Counter()
        for _ in range(size):
            self.add([self.rng.gauss(0, 1) for _ in range(3)])

    def add(self, position):
        particle = Particle(next(self.names), array.array("d", position))
        particle.swarm = self
        self.members[particle.name] = particle
        self.index[particle.name] = particle
        return particle

    def remove(self, name):
        del self.members[name]
        self.events["removed"] += 1
        Particle.alive -= 1


@functools.lru_cache(maxsize=64)
def force(distance):
    """Rounded distances come again and again."""
    return 1.0 / (0.1 + distance**2)


def counted(function):
    @functools.wraps(function)
    def wrapper(*arguments, **keywords):
        wrapper.calls += 1
        return function(*arguments, **keywords)

    wrapper.calls = 0
    return wrapper
