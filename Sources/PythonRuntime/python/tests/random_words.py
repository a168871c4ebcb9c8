"""What random programs are made of: definitions, expressions and statements over shared state."""

from __future__ import annotations

LIBRARY = '''\
"""The second module of a random program."""
import collections

total = 0
table = {"a": [1, 2], "b": [3]}
stack = [4, 5, 6]
calls = collections.Counter()


class Box:
    made = 0

    def __init__(self, value):
        Box.made += 1
        self.value = value

    @property
    def twice(self):
        return 2 * self.value

    @twice.setter
    def twice(self, amount):
        self.value = amount % 41


box = Box(2)


def spin(count):
    """A loop that may be too short to be observed, or long enough."""
    result = 1
    for turn in range(count):
        result = (result * 31 + turn) % 10007
    return result


def remember(function):
    def wrapper(*args):
        calls[function.__name__] += 1
        wrapper.last = args
        return function(*args)

    wrapper.last = ()
    return wrapper

'''

HEADER = '''\
import collections
import contextlib
import dataclasses
import heapq
import itertools
import logging
import os
import random
import sys
import time
import uuid
import warnings
import weakref

import lib
from lib import spin

random.seed({seed})
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s", level=logging.INFO)
logger = logging.getLogger("train")
dice = random.Random({seed} + 1)
data = [random.randint(0, 9) for _ in range(5)]
shared = {{"n": 0, "log": []}}
alias = shared["log"]
recent = collections.deque(maxlen=4)
seen = set()
heap = [5, 7, 9]
counts = collections.Counter()
groups = collections.defaultdict(list)
ordered = collections.OrderedDict(a=1, b=2, c=3)
Pair = collections.namedtuple("Pair", "left right")
pair = Pair([1], {{"x": 1}})


class Node:
    count = 0

    def __init__(self, value):
        self.value = value
        self.next = self
        self.tags = {{}}

    def step(self, amount):
        Node.count += 1
        self.value = (self.value * 7 + amount) % 101
        self.tags[amount % 3] = self.value
        return self.value


class Slotted:
    __slots__ = ("value", "peer", "__weakref__")

    def __init__(self, value):
        self.value = value

    def step(self, amount):
        self.value = (self.value + amount) % 53
        return self.value


@dataclasses.dataclass
class Point:
    x: int = 0
    trail: list = dataclasses.field(default_factory=list)

    def move(self, amount):
        self.x = (self.x + amount) % 29
        self.trail.append(self.x)
        del self.trail[:-3]
        return self.x


first, second, third, point = Node(1), Node(2), Slotted(3), Point(4)
first.next, third.peer = second, first
watched = weakref.ref(first)
cached = weakref.WeakValueDictionary(first=first)


class Scope:
    """A context manager that leaves traces."""

    def __init__(self, mark):
        self.mark = mark

    def __enter__(self):
        shared["n"] += 1
        return self

    def __exit__(self, kind, error, trace):
        alias.append(self.mark % 7)
        return kind is KeyError


@contextlib.contextmanager
def guarded(mark):
    lib.stack.append(mark % 5)
    try:
        yield mark
    finally:
        del lib.stack[:-4]


def make_counter():
    total = 0

    def count(amount):
        nonlocal total
        total += amount
        return total

    return count


counter = make_counter()


def numbers(limit):
    for index in range(limit):
        yield index * index
        shared["n"] += 1


@lib.remember
def marked(amount):
    return amount % 6


def tick(amount):
    tick.calls += 1
    return (tick.calls + amount) % 8


tick.calls = 0
held = numbers(3)
drawn = iter([8, 6, 4, 2])
turns = itertools.cycle((1, 2, 3))
places = itertools.count(2, 3)

'''

#: Names of the main module that random code may bind again.
GLOBALS = "first, second, shared, alias, counter, held, drawn, point, watched, pair, turns"

NUMBERS = (
    "random.randint(0, 9)",
    "dice.randrange(10)",
    "len(alias)",
    "shared['n'] % 11",
    "first.value % 13",
    "second.step(1) % 7",
    "third.value % 5",
    "point.move(2) % 6",
    "sum(data) % 17",
    "int(random.random() * 10)",
    "int(random.gauss(0, 1) * 5) % 9",
    "counter(1) % 9",
    "Node.count % 10",
    "len(seen) + len(recent)",
    "lib.total % 7",
    "lib.box.twice % 9",
    "len(lib.table)",
    "next(drawn, 3)",
    "next(held, 1) % 8",
    "next(turns)",
    "next(places) % 12",
    "tick(2)",
    "marked(lib.total)",
    "heap[0] % 10",
    "(watched().value if watched() else 0) % 7",
    "len(cached)",
    "spin(6) % 10",
    "len(pair.left) % 4",
    "sum(counts.values()) % 9",
    "(lambda x: x * x + 1)(len(data)) % 8",
    "sum(x * x for x in data) % 19",
)

#: The operating system's numbers and clocks, as the program's own sources read them.
ENTROPY = (
    "time.time_ns() % 10",
    "uuid.uuid4().int % 10",
    "os.urandom(1)[0] % 10",
)

#: An installed package which makes the operating system's numbers ones that foresight can have, too: they
#: count from what a variable says. A replay is given another start, so that only what was recorded helps it.
SOURCE_OF_ENTROPY = '''\
import itertools
import os
import time
import uuid

_numbers = itertools.count(int(os.environ.get("ENTROPY", "0")))


def time_ns():
    return next(_numbers) * 7919


def uuid4():
    return uuid.UUID(int=next(_numbers) * 104729)


def urandom(count):
    return bytes([next(_numbers) * 31 % 256] * count)


time.time_ns, uuid.uuid4, os.urandom = time_ns, uuid4, urandom
'''

USE_OF_ENTROPY = "sys.path.append(os.path.dirname(os.path.abspath(__file__)) + '/site-packages'); import entropy"

ACTIONS = (
    "alias.append({n})",
    "del alias[:-6]",
    "data[{n} % len(data)] = {n}",
    "shared['n'] += {n}",
    "first, second = second, first",
    "first.step({n})",
    "third.step({n})",
    "third.peer = second",
    "first.next = Node({n})",
    "second.tags.clear()",
    "recent.append({n})",
    "recent.rotate(1)",
    "seen.add({n})",
    "seen.discard({n})",
    "data.sort()",
    "random.shuffle(data)",
    "dice.shuffle(data)",
    "shared = dict(shared)",
    "alias = shared['log']",
    "shared['log'] = list(alias)",
    "data.append(data.pop(0))",
    "counter = make_counter()",
    "heapq.heappush(heap, {n}); del heap[6:]",
    "heapq.heapreplace(heap, {n})",
    "counts[{n}] += 1",
    "groups[{n} % 3].append({n}); del groups[{n} % 3][:-3]",
    "ordered.move_to_end(random.choice('abc'))",
    "ordered['b'] = {n}",
    "point = Point({n})",
    "point.trail = alias[-2:]",
    "held = numbers({n} % 4)",
    "drawn = iter(list(data))",
    "drawn = reversed(data)",
    "turns = itertools.cycle([{n}, 5])",
    "watched = weakref.ref(second)",
    "cached['second'] = second",
    "cached['made'] = lib.box",  # what is in no cycle: it is not the collector that decides when it goes
    "lib.total += {n}",
    "lib.table.setdefault('c', []).append({n})",
    "lib.table['a'] = lib.table['b']",
    "lib.box.twice = {n}",
    "lib.box = lib.Box({n})",
    "lib.stack.append(lib.stack.pop(0))",
    "lib.calls.clear()",
    "pair.left.append({n}); del pair.left[:-3]",
    "pair = pair._replace(left=[{n}])",
    "pair.right['x'] = first",
    "tick.calls = {n}",
    "spin(400)",
    "spin(6000)",
    "setattr(first, 'extra', {n})",
    "first.__dict__.pop('extra', None)",
    "Node.count = {n}",
    "Node.mark = {n}",
    "data[:] = sorted(data, key=lambda x: (x + {n}) % 5)",
    "alias += [x for x in data if x > 4][:2]",
    "dice.seed({n})",
)

LIBRARY_NUMBERS = (
    "total % 7",
    "len(stack)",
    "box.twice % 9",
    "Box.made % 6",
    "sum(map(len, table.values())) % 8",
    "calls['marked'] % 5",
    "spin(5) % 9",
)

LIBRARY_ACTIONS = (
    "total += {n}",
    "stack.append({n} % 5)",
    "del stack[:-4]",
    "table['d'] = [{n}]",
    "table.pop('d', None)",
    "box.twice = {n}",
    "calls.update(['x'])",
    "spin(500)",
    "stack.sort()",
)

#: What the program itself says.
LOGS = (
    'print("own", {n})',
    'print("own", {n}, "and", {n}, sep="|")',
    'print("own", end="; "); print({n})',
    'print("own error", {n}, file=sys.stderr)',
    'sys.stdout.write(f"own {{{n}}}\\n")',
    'logger.info("own %s", {n})',
    'logging.warning("own %d of %s", {n}, "all")',
)

LOOKS = (
    "data",
    "alias",
    "shared",
    "first.value, first.next.value, sorted(first.tags.items())",
    "second.value, first is second, first.next is second",
    "third.value, third.peer is first, third.peer is second",
    "sorted(seen), list(recent), Node.count",
    "seen, recent",
    "random.getstate()[1][:3], random.getstate()[1][-1]",
    "dice.getstate()[1][-1]",
    "shared['log'] is alias, len(data)",
    "counter.__closure__[0].cell_contents",
    "heap, counts, dict(groups)",
    "list(ordered.items())",
    "point, point.trail is alias",
    "pair.left, pair.right.keys()",
    "watched() is first, watched() is second, watched() is None, sorted(cached)",
    "lib.total, lib.table, lib.stack, lib.calls",
    "lib.box.value, lib.Box.made, lib.table['a'] is lib.table.get('b')",
    "tick.calls, marked.last",
    "vars(first).keys(), Node.__dict__.get('mark')",
)

LIBRARY_LOOKS = ("total, stack", "table, calls", "box.value, Box.made")

#: What no probe may do and be believed.
DISTURBING = (
    "random.random()",
    "dice.randrange(9)",
    "next(places)",
    "next(turns)",
    "first.step(1)",
    "tick(1)",
    "counter(1)",
    "alias.append(9)",
    "heapq.heappush(heap, 8)",
    "groups[7].append(7)",
    "setattr(Node, 'count', -5)",
    "lib.stack.append(9)",
)
