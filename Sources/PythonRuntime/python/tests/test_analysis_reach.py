"""Which loops have to be executed for a probe, and which without a jump."""

from __future__ import annotations

import unittest
from typing import Sequence

from hindsight_runtime.analysis.carried import loops_with_carried_values
from hindsight_runtime.analysis.moves import match_file
from hindsight_runtime.analysis.reach import loops_to_execute
from hindsight_runtime.analysis.recorded import RecordedProgram
from hindsight_runtime.analysis.source import Source

RECORDED = """\
import torch
from engine import evaluate as test, helper

class Net(torch.nn.Module):
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def encode(self, x):
        return x

class Plain:
    def __init__(self):
        self.n = 0

    def bump(self):
        self.n += 1

def batches(n):
    for i in range(n):
        yield i

def step(net, x):
    return net(x)

def train(net):
    for epoch in range(3):
        for x in batches(4):
            step(net, x)
        while test(net) > 3:
            net.encode(1)
        for k in range(2):
            plain = Plain()
    return net

def callback(x):
    return x

def main():
    net = Net()
    net.register(callback)
    for seed in range(2):
        train(net)

main()
"""

LAYERS, BATCH_LOOP, EPOCHS, INNER, WHILE, PLAIN, SEEDS = (
    "6:8",
    "21:4",
    "28:4",
    "29:8",
    "31:8",
    "33:8",
    "43:4",
)
ENGINE = """\
def evaluate(net):
    for x in [1]:
        helper(x)
    return 1

def helper(x):
    return x

@some.registry
def registered(x):
    return x

def unused(x):
    return x
"""


class Reach(unittest.TestCase):
    def execute(self, replacements: dict, engine: dict = {}) -> list[str]:
        program, additions = _match(replacements, engine)
        return [loop.replace("train.py:", "") for loop in loops_to_execute(program, additions)]

    def check(self, old: str, new: str, expected: Sequence[str]) -> None:
        self.assertEqual(self.execute({old: new}), list(expected))

    def test_lexical(self) -> None:
        self.check(
            "    return net\n\ndef callback",
            "    print(1)\n    return net\n\ndef callback",
            [SEEDS],
        )
        self.check("    for epoch", "    print(1)\n    for epoch", [SEEDS])
        self.check("        while test", "        print(1)\n        while test", [EPOCHS, SEEDS])
        self.check(
            "            step(net, x)\n",
            "            step(net, x)\n            print(1)\n",
            [BATCH_LOOP, EPOCHS, INNER, SEEDS],
        )

    def test_outside_all_loops(self) -> None:
        self.assertEqual(self.execute({"\nmain()\n": "\nmain()\nprint(1)\n"}), [])
        self.assertEqual(self.execute({"    net = Net()\n": "    net = Net()\n    print(1)\n"}), [])

    def test_through_calls(self) -> None:
        self.check(
            "    return net(x)\n",
            "    print(1)\n    return net(x)\n",
            [BATCH_LOOP, EPOCHS, INNER, SEEDS],
        )
        self.check(
            "    def encode(self, x):\n",
            "    def encode(self, x):\n        print(1)\n",
            [EPOCHS, WHILE, SEEDS],
        )
        self.check(
            "        self.n = 0\n", "        self.n = 0\n        print(1)\n", [EPOCHS, PLAIN, SEEDS]
        )

    def test_in_another_file_under_another_name(self) -> None:
        found = self.execute({}, {"    return 1\n": "    print(1)\n    return 1\n"})
        self.assertEqual(found, [EPOCHS, WHILE, SEEDS])
        found = self.execute({}, {"def helper(x):\n": "def helper(x):\n    print(1)\n"})
        self.assertEqual(found, [EPOCHS, WHILE, SEEDS, "engine.py:2:4"])

    def test_anything_may_call(self) -> None:
        every = [LAYERS, BATCH_LOOP, EPOCHS, INNER, WHILE, PLAIN, SEEDS, "engine.py:2:4"]
        for old, new in (
            ("    def forward(self, x):\n", "    def forward(self, x):\n        print(1)\n"),
            ("def callback(x):\n", "def callback(x):\n    print(1)\n"),
            ("    net = Net()\n", "    net = Net()\n    net.hook(lambda *a: print(a))\n"),
        ):
            with self.subTest(new):
                self.check(old, new, every)
        for name in ("registered", "unused"):
            with self.subTest(name):
                found = self.execute({}, {f"def {name}(x):\n": f"def {name}(x):\n    print(1)\n"})
                self.assertEqual(found, every)

    def test_generators(self) -> None:
        self.check(
            "        yield i\n",
            "        print(i)\n        yield i\n",
            [BATCH_LOOP, EPOCHS, INNER, SEEDS],
        )

    def test_a_stored_generator_runs_anywhere(self) -> None:
        recorded = "def g():\n    for i in range(3):\n        yield i\n\nit = g()\nfor j in range(3):\n    next(it)\n"
        program = RecordedProgram([("a.py", recorded)])
        edited = recorded.replace("        yield i", "        print(i)\n        yield i")
        match = match_file(program, "a.py", Source("a.py", edited))
        self.assertEqual(loops_to_execute(program, match.additions), ["a.py:2:4", "a.py:6:0"])

    def test_helpers_count_where_they_are_called(self) -> None:
        helper = "def gn(net):\n    print(net)\n\ndef main():\n"
        self.check("def main():\n", helper, [])
        self.assertEqual(
            self.execute(
                {
                    "def main():\n": helper,
                    "        train(net)\n": "        train(net)\n        gn(net)\n",
                }
            ),
            [SEEDS],
        )


class Carried(unittest.TestCase):
    def carried(self, before: str, inside: str, inner: str = "", top: str = "") -> list[str]:
        replacements = {}
        if top:
            replacements["def main():\n"] = top + "def main():\n"
        if before:
            replacements["    for epoch"] = f"    {before}\n    for epoch"
        if inside:
            replacements["        while test"] = f"        {inside}\n        while test"
        if inner:
            replacements["            step(net, x)\n"] = (
                f"            step(net, x)\n            {inner}\n"
            )
        program, additions = _match(replacements, {})
        execute = loops_to_execute(program, additions)
        found = loops_with_carried_values(program, additions, execute)
        if found == execute and len(execute) > 3:
            return ["all"]
        return [loop.replace("train.py:", "") for loop in found]

    def test_nothing_carried(self) -> None:
        self.assertEqual(self.carried("", "g = net.norm(); print(g)"), [])
        self.assertEqual(self.carried("start = net.clone()", "print((net.w - start).norm())"), [])
        self.assertEqual(self.carried("start = list(net.ps())", "for a in start: print(a)"), [])
        self.assertEqual(self.carried("", "norms = []; norms.append(1); print(norms)"), [])
        helper = "def dist(a, b):\n    return sum((x - y).norm() for x, y in zip(a, b))\n\n"
        self.assertEqual(
            self.carried("start = list(net.ps())", "print(dist(start, net.ps()))", top=helper), []
        )

    def test_values_over_iterations(self) -> None:
        self.assertEqual(self.carried("n = 0", "n += 1; print(n)"), [EPOCHS])
        self.assertEqual(self.carried("seen = []", "seen.append(1); print(len(seen))"), [EPOCHS])
        self.assertEqual(self.carried("prev = None", "print(prev); prev = net.clone()"), [EPOCHS])
        self.assertEqual(self.carried("g = iter([1, 2, 3])", "print(next(g))"), [EPOCHS])
        self.assertEqual(self.carried("ps = net.ps()", "for p in ps: print(p)"), [EPOCHS])
        self.assertEqual(self.carried("d = {}", "d['a'] = 1; print(d)"), [EPOCHS])

    def test_values_over_an_inner_loop(self) -> None:
        # The loop might not run at all; then the value is that of the epoch before.
        self.assertEqual(self.carried("", "print(total)", "total = x"), [EPOCHS])
        self.assertEqual(self.carried("", "print(1)", "total = x; print(total)"), [])
        self.assertEqual(self.carried("total = 0", "print(total)", "total += x"), [EPOCHS, INNER])

    def test_values_of_functions_and_objects(self) -> None:
        counter = "calls = []\ndef count(x):\n    calls.append(x)\n    print(len(calls))\n\n"
        program_wide = self.carried("", "count(1)", top=counter)
        self.assertEqual(program_wide, [EPOCHS, SEEDS])
        self.assertEqual(self.carried("net.zz = 0", "print(net.zz)"), [EPOCHS, SEEDS])
        hook = "def hook(*a):\n    print(a)\n\n"
        self.assertEqual(self.carried("net.register_forward_hook(hook)", "", top=hook), ["all"])

    def test_values_past_a_yield(self) -> None:
        """From any loop that it is drawn from in, a generator may be brought to another of its iterations."""
        self.assertEqual(self.carried_in_generator("g = net.norm(); print(g)"), [])
        self.assertEqual(self.carried_in_generator("g = net.norm()", within="print(g)"), [])
        self.assertEqual(self.carried_in_generator("g = 0", within="g += 1; print(g)"), INNERMOST)
        self.assertEqual(self.carried_in_generator(behind="h = 1; print(h)"), [])
        self.assertEqual(self.carried_in_generator("g = net.norm()", behind="print(g)"), ALL)
        self.assertEqual(self.carried_in_generator(start="n = 0", behind="n += 1; print(n)"), ALL)
        self.assertEqual(self.carried_in_generator(start="n = net.norm()", behind="print(n)"), [])

    def carried_in_generator(
        self, epoch: str = "", within: str = "", behind: str = "", start: str = ""
    ) -> list[str]:
        edited = GENERATOR
        for place, addition in (
            ("for epoch", start), ("for x", epoch), ("step(x)", within), ("net.end()", behind)
        ):  # fmt: skip
            if addition:
                line = next(x for x in edited.splitlines(True) if x.strip().startswith(place))
                indent = line[: len(line) - len(line.lstrip())]
                edited = edited.replace(line, f"{indent}{addition}\n{line}", 1)
        program = RecordedProgram([("train.py", GENERATOR)])
        additions = match_file(program, "train.py", Source("train.py", edited)).additions
        execute = loops_to_execute(program, additions)
        found = loops_with_carried_values(program, additions, execute)
        return [loop.replace("train.py:", "") for loop in found]


GENERATOR = """\
def train(net, xs):
    for epoch in range(3):
        for x in xs:
            step(x)
        yield epoch
        net.end()
for epoch in train(net, xs):
    print(epoch)
"""
INNERMOST, ALL = ["3:8"], ["2:4", "7:0"]


def _match(replacements: dict, engine: dict) -> tuple:
    program = RecordedProgram([("train.py", RECORDED), ("engine.py", ENGINE)])
    additions = []
    for path, text, changes in (
        ("train.py", RECORDED, replacements),
        ("engine.py", ENGINE, engine),
    ):
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new, 1)
        additions += match_file(program, path, Source(path, text)).additions
    return program, additions


if __name__ == "__main__":
    unittest.main()
