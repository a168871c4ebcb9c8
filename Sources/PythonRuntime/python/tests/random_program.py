"""Small random programs: nested loops, shared containers, aliases, random numbers, and probes for them."""

from __future__ import annotations

import random

HEADER = '''\
import collections
import random

random.seed({seed})
data = [random.randint(0, 9) for _ in range(5)]
shared = {{"n": 0, "log": []}}
alias = shared["log"]
recent = collections.deque(maxlen=4)
seen = set()


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
    __slots__ = ("value", "peer")

    def __init__(self, value):
        self.value = value

    def step(self, amount):
        self.value = (self.value + amount) % 53
        return self.value


first, second, third = Node(1), Node(2), Slotted(3)
first.next, third.peer = second, first


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

'''

NUMBERS = (
    "random.randint(0, 9)",
    "len(alias)",
    "shared['n'] % 11",
    "first.value % 13",
    "second.step(1) % 7",
    "third.value % 5",
    "sum(data) % 17",
    "int(random.random() * 10)",
    "counter(1) % 9",
    "Node.count % 10",
    "len(seen) + len(recent)",
)

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
    "seen.add({n})",
    "seen.discard({n})",
    "data.sort()",
    "random.shuffle(data)",
    "shared = dict(shared)",
    "alias = shared['log']",
    "shared['log'] = list(alias)",
    "data.append(data.pop(0))",
    "counter = make_counter()",
)

PROBES = (
    "data",
    "alias",
    "shared",
    "first.value, first.next.value, sorted(first.tags.items())",
    "second.value, first is second, first.next is second",
    "third.value, third.peer is first, third.peer is second",
    "sorted(seen), list(recent), Node.count",
    "random.getstate()[1][:3], random.getstate()[1][-1]",
    "shared['log'] is alias, len(data)",
    "counter.__closure__[0].cell_contents",
)


class Generator:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.seed = seed
        self.lines: list[str] = []
        self.names = 0
        self.depth = 0

    def number(self) -> str:
        return self.random.choice(NUMBERS)

    def program(self) -> str:
        self.lines = HEADER.format(seed=self.seed).splitlines()
        for index in range(2):
            self.lines += [f"def work{index}(amount):", "    global first, second, shared, alias, counter"]
            self.block("    ", 5, functions=index, returns=True)
            self.lines += ["    return amount", "", ""]
        self.block("", 12, functions=2, returns=False)
        self.lines.append('print("end", shared["n"], len(alias), sum(data))')
        return "\n".join(self.lines) + "\n"

    def block(self, indent: str, size: int, functions: int, returns: bool, in_loop: bool = False) -> None:
        for _ in range(self.random.randint(2, size)):
            self.statement(indent, functions, returns, in_loop)

    def statement(self, indent: str, functions: int, returns: bool, in_loop: bool) -> None:
        kind = self.random.random()
        if kind < 0.30:
            self.lines.append(indent + self.random.choice(ACTIONS).format(n=self.number()))
        elif kind < 0.38:
            self.lines.append(f'{indent}print("own", {self.number()})')
        elif kind < 0.46 and functions:
            self.lines.append(f"{indent}work{self.random.randrange(functions)}({self.number()})")
        elif kind < 0.56 and self.depth < 4:
            self.lines.append(f"{indent}if {self.number()} % 3 == {self.random.randint(0, 2)}:")
            self.nested(indent, 2, functions, returns, in_loop)
            if self.random.random() < 0.4:
                self.lines.append(indent + "else:")
                self.nested(indent, 2, functions, returns, in_loop)
        elif kind < 0.60 and self.depth < 4:
            self.lines += [indent + "try:", f"{indent}    if {self.number()} % 2: raise KeyError(1)"]
            self.nested(indent, 2, functions, returns, in_loop)
            self.lines += [indent + "except KeyError:", indent + "    shared['n'] += 1"]
            if self.random.random() < 0.5:
                self.lines += [indent + "finally:", indent + "    alias.append(0)"]
        elif kind < 0.92 and self.depth < 3:
            self.loop(indent, functions, returns)
        elif in_loop:
            word = self.random.choice(("break", "continue"))
            self.lines.append(f"{indent}if {self.number()} == 3: {word}")
        elif returns:
            self.lines.append(f"{indent}if {self.number()} == 8: return 0")
        else:
            self.lines.append(f"{indent}shared['n'] += 1")

    def loop(self, indent: str, functions: int, returns: bool) -> None:
        self.names += 1
        name = f"i{self.names}"
        if self.random.random() < 0.25:
            self.lines += [f"{indent}{name} = 0", f"{indent}while {name} < {self.random.randint(2, 3)}:"]
            self.lines.append(f"{indent}    {name} += 1")
        else:
            source = self.random.choice(
                ("range({k})", "range({k})", "list(data)[:{k}]", "enumerate(data[:{k}])", "numbers({k})")
            )
            header = source.format(k=self.random.randint(2, 4))
            self.lines.append(f"{indent}for {name} in {header}:")
        self.nested(indent, 4, functions, returns, True)
        if self.random.random() < 0.15:
            self.lines += [indent + "else:", indent + "    shared['n'] += 2"]

    def nested(self, indent: str, size: int, functions: int, returns: bool, in_loop: bool) -> None:
        self.depth += 1
        self.block(indent + "    ", size, functions, returns, in_loop)
        self.depth -= 1

    def with_probes(self, text: str) -> str:
        """The program with one to three log statements put in before random statements."""
        lines = text.splitlines()
        start = next(n for n, line in enumerate(lines) if line.startswith("def work0"))
        places = [
            n
            for n in range(start, len(lines))
            if lines[n].strip()
            and not lines[n].lstrip().startswith(("else", "except", "finally", "def", "global"))
        ]
        for place in sorted(self.random.sample(places, self.random.randint(1, 3)), reverse=True):
            indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
            lines.insert(place, f'{indent}print("P", {self.random.choice(PROBES)})')
        return "\n".join(lines) + "\n"
