"""Probes in code that stands in another file than the recorded program had it in."""

from __future__ import annotations

import ast
import unittest
from typing import Optional

from hindsight_runtime.analysis.moves import match_program
from hindsight_runtime.analysis.probes import FileMatch
from hindsight_runtime.analysis.recorded import RecordedProgram
from hindsight_runtime.analysis.source import Source
from hindsight_runtime.analysis.splice import PROBE_LINE, splice_program

TRAIN = """\
import math
import random

RATE = 0.1
history = []

def loss_of(w, x, y):
    error = w * x - y
    square = error * error
    return square, 2 * error * x

class Model:
    def __init__(self):
        self.w = 0.0

    def step(self, x, y):
        loss, gradient = loss_of(self.w, x, y)
        self.w -= RATE * gradient
        history.append(loss)
        return loss

def train(model, epochs):
    for epoch in range(epochs):
        total = 0.0
        for index in range(3):
            total += model.step(index, math.sin(index))
        print("epoch", epoch, total)

train(Model(), 3)
"""
FUNCTION = TRAIN[TRAIN.index("def loss_of") : TRAIN.index("class Model")]
CLASS = TRAIN[TRAIN.index("class Model") : TRAIN.index("def train")]


class MoveCase(unittest.TestCase):
    def match(
        self, edited: dict[str, str], recorded: Optional[dict[str, str]] = None
    ) -> list[FileMatch]:
        program = RecordedProgram((recorded or {"train.py": TRAIN}).items())
        texts = [Source.edited(path, text) for path, text in edited.items()]
        return match_program(program, texts)

    def spliced(
        self, edited: dict[str, str], recorded: Optional[dict[str, str]] = None
    ) -> dict[str, str]:
        """The recorded files with what was added, as text."""
        recorded = recorded or {"train.py": TRAIN}
        paths = [*recorded, *(path for path in edited if path not in recorded)]
        sources = [(path, recorded.get(path), edited.get(path)) for path in paths]
        return {path: ast.unparse(found.tree) for path, found in splice_program(sources).items()}

    def assert_placed(
        self, edited: dict[str, str], line: str, before: str, recorded: Optional[dict[str, str]] = None
    ) -> None:
        """The only probe stands right before this line of the recorded program."""
        probes = [probe for match in self.match(edited, recorded) for probe in match.probes]
        self.assertEqual(
            len(probes), 1, [c.message for m in self.match(edited, recorded) for c in m.changes]
        )
        path, number, _ = probes[0].id.split(":")
        self.assertIn(line, edited[path].splitlines()[int(number) - 1])
        lines = [
            text.strip() for t in self.spliced(edited, recorded).values() for text in t.splitlines()
        ]
        self.assertEqual(lines.count(line), 1, lines)
        self.assertEqual(lines[lines.index(line) + 1], before)

    def assert_refused(self, edited: dict[str, str], line: int, words: str) -> None:
        matches = self.match(edited)
        self.assertEqual([probe.id for match in matches for probe in match.probes], [])
        changes = [change for match in matches for change in match.changes if change.line == line]
        self.assertTrue(any(words in c.message for c in changes), [c.message for c in changes])
        self.assertTrue(any(c.kind in ("unplaced", "conflict", "unloaded") for c in changes))


class Moves(MoveCase):
    def test_a_function_in_a_new_file(self) -> None:
        lib = FUNCTION.replace("    return", "    print(square)\n    return")
        train = TRAIN.replace(FUNCTION, "from lib import loss_of\n")
        edited = {"train.py": train, "lib.py": lib}
        self.assert_placed(edited, "print(square)", "return (square, 2 * error * x)")
        # Nothing is said against the import of it, nor of a function that is missing.
        self.assertEqual([c.message for match in self.match(edited) for c in match.changes], [])

    def test_its_hits_are_those_of_the_new_file(self) -> None:
        lib = "\n\n" + FUNCTION.replace("    return", "    print(square)\n    return")
        sources = [("train.py", TRAIN, TRAIN.replace(FUNCTION, "")), ("lib.py", None, lib)]
        tree = splice_program(sources)["train.py"].tree
        added = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and n.lineno > PROBE_LINE]
        self.assertEqual([(n.edited_path, n.lineno - PROBE_LINE) for n in added], [("lib.py", 6)])

    def test_a_class_in_another_recorded_file(self) -> None:
        recorded = {"train.py": TRAIN, "lib.py": "def other(a):\n    return a\n"}
        moved = CLASS.replace("        return loss", "        print(gradient)\n        return loss")
        edited = {"train.py": TRAIN.replace(CLASS, ""), "lib.py": recorded["lib.py"] + "\n" + moved}
        self.assert_placed(edited, "print(gradient)", "return loss", recorded)

    def test_with_renamed_variables(self) -> None:
        lib = FUNCTION.replace("error", "difference")
        lib = lib.replace("    return", "    print(difference)\n    return")
        edited = {"train.py": TRAIN.replace(FUNCTION, ""), "lib.py": lib}
        self.assertIn("print(error)", self.spliced(edited)["train.py"])
        # With another name besides there is too little to know it by.
        edited["lib.py"] = lib.replace("loss_of", "squared")
        self.assert_refused(edited, 4, "did not load lib.py")

    def test_a_renamed_module(self) -> None:
        net = TRAIN.replace("    for index", "    print(epoch)\n        for index")
        net = net.replace("        total = 0.0\n    print", "        total = 0.0\n        print")
        self.assert_placed({"train.py": "", "learn.py": net}, "print(epoch)", "for index in range(3):")

    def test_a_module_that_became_a_package(self) -> None:
        recorded = {"train.py": "import model\nmodel.Model().step(1, 2)\n", "model.py": TRAIN}
        loss = FUNCTION.replace("    return", "    print(square)\n    return")
        net = TRAIN.replace(FUNCTION, "from .losses import loss_of\n")
        edited = {"model.py": "", "model/net.py": net, "model/losses.py": loss, "model/__init__.py": ""}
        self.assert_placed(edited, "print(square)", "return (square, 2 * error * x)", recorded)

    def test_an_import_of_the_new_file_comes_along(self) -> None:
        lib = "import cmath\n\n" + FUNCTION.replace(
            "    return", "    print(cmath.sqrt(error))\n    return"
        )
        edited = {"train.py": TRAIN.replace(FUNCTION, ""), "lib.py": lib}
        self.assertIn("import cmath", self.spliced(edited)["train.py"])
        self.assert_placed(edited, "print(cmath.sqrt(error))", "return (square, 2 * error * x)")

    def test_a_name_that_means_something_else_there(self) -> None:
        lib = "from cmath import sin as math\n" + FUNCTION.replace(
            "    return", "    print(math(1))\n    return"
        )
        edited = {"train.py": TRAIN.replace(FUNCTION, ""), "lib.py": lib}
        self.assert_refused(edited, 5, "`math` is something else")

    def test_what_the_run_did_not_load(self) -> None:
        self.assert_refused(
            {"other.py": "def f(a):\n    print(a)\n    return a\n"}, 2, "did not load other.py"
        )

    def test_state_of_a_module_that_only_the_edited_program_has(self) -> None:
        lib = "history = []\n" + FUNCTION
        train = TRAIN.replace(FUNCTION, "import lib\n").replace("history = []\n", "")
        train = train.replace("train(Model(), 3)", "train(Model(), 3)\nprint(len(lib.history))")
        line = train[: train.index("print(len")].count("\n") + 1
        self.assert_refused({"train.py": train, "lib.py": lib}, line, "no `lib`")

    def test_two_that_cannot_be_told_apart(self) -> None:
        twice = "def a(x):\n    y = x + 1\n    return y\n\ndef b(x):\n    y = x + 1\n    return y\n"
        recorded = {"train.py": twice + "a(1)\nb(2)\n"}
        lib = "def c(x):\n    y = x + 1\n    print(y)\n    return y\n"
        matches = self.match({"train.py": "a(1)\nb(2)\n", "lib.py": lib}, recorded)
        self.assertEqual([probe.id for match in matches for probe in match.probes], [])

    def test_a_statement_that_reads_what_it_binds_under_a_new_name(self) -> None:
        recorded = {"train.py": "def f(x):\n    x = x + 1\n    return abs(x)\nf(1)\n"}
        edited = "def f(y):\n    y = y + 1\n    print(y)\n    return abs(y)\nf(1)\n"
        self.assertIn("print(x)", self.spliced({"train.py": edited}, recorded)["train.py"])


class Uncalled(MoveCase):
    def test_a_function_without_a_counterpart(self) -> None:
        edited = TRAIN.replace("class Model", "def extra(a):\n    print(a)\n    return a\n\nclass Model")
        edited = edited.replace("history.append(loss)", "history.append(extra(loss))")
        line = edited[: edited.index("    print(a)")].count("\n") + 1
        self.assert_refused({"train.py": edited}, line, "no `extra`")

    def test_one_that_an_added_statement_calls(self) -> None:
        edited = TRAIN.replace("class Model", "def extra(a):\n    print(a)\n\nclass Model")
        edited = edited.replace("        return loss", "        extra(loss)\n        return loss")
        probes = [probe for match in self.match({"train.py": edited}) for probe in match.probes]
        self.assertEqual(len(probes), 1)


class Rebound(MoveCase):
    def test_a_probe_behind_an_assignment_that_is_not_replayed(self) -> None:
        edited = TRAIN.replace(
            "    square = error * error\n",
            "    error = abs(error)\n    print(error)\n    square = error * error\n",
        )
        line = edited[: edited.index("print(error)")].count("\n") + 1
        self.assert_refused({"train.py": edited}, line, f"line {line - 1}")

    def test_names_that_changed_places(self) -> None:
        recorded = {"train.py": "def f(a):\n    b = a + 1\n    c = a * 2\n    return b - c\nf(1)\n"}
        edited = "def f(a):\n    c = a + 1\n    b = a * 2\n    print(b)\n    return c - b\nf(1)\n"
        self.assertIn("print(c)", self.spliced({"train.py": edited}, recorded)["train.py"])

    def test_another_value_under_another_name(self) -> None:
        recorded = {"train.py": "def f(values):\n    best = max(values)\n    return best\nf([1])\n"}
        edited = "def f(values):\n    worst = min(values)\n    print(worst)\n    return worst\nf([1])\n"
        matches = self.match({"train.py": edited}, recorded)
        self.assertEqual(matches[0].probes, [])
        self.assertIn("unplaced", [change.kind for change in matches[0].changes])


if __name__ == "__main__":
    unittest.main()
