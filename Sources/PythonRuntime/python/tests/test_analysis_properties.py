"""For probes at every place: the recorded program stays, the output is the edited one's."""

from __future__ import annotations

import ast
import contextlib
import io
import random
import unittest
from typing import Iterator

from hindsight_runtime.analysis.moves import match_file
from hindsight_runtime.analysis.recorded import RecordedProgram
from hindsight_runtime.analysis.source import COMPOUND, Source, blocks, is_inert
from hindsight_runtime.analysis.splice import PROBE_LINE, splice
from tests.analysis_sample import TORCH_SCRIPT

SMALL_PROGRAM = '''\
"""A training without libraries."""
import math


class Model:
    scale = 2

    def __init__(self, size):
        self.weights = [0.1 * index for index in range(size)]

    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        return sum(w * x for w in self.weights) / Model.scale

    def update(self, gradient, rate=0.05):
        for index, weight in enumerate(self.weights):
            if index % 2:
                continue
            self.weights[index] = weight - rate * gradient


def batches(count):
    for index in range(count):
        yield index, math.sin(index)


def train(model, epochs):
    history = []
    for epoch in range(epochs):
        total = 0.0
        for index, target in batches(4):
            error = model(index) - target
            try:
                if error > 3:
                    raise ValueError(error)
            except ValueError:
                error = 3
            finally:
                total += error * error
            model.update(error)
        else:
            history.append(total)
        if epoch and history[-1] > history[-2]:
            print("worse", epoch)
            break
        print("epoch", epoch, round(total, 4))
    while len(history) > 2:
        history.pop(0)
    return history


def main():
    model = Model(3)
    history = train(model, 3)

    def summary():
        best = min(history)
        return best

    with open("/dev/null") as nothing:
        text = nothing.read()
    print("best", round(summary(), 4), text)


if __name__ == "__main__":
    main()
'''


class Everywhere(unittest.TestCase):
    def test_a_probe_at_every_place_of_a_real_script(self) -> None:
        plain = ast.unparse(ast.parse(TORCH_SCRIPT))
        program = RecordedProgram([("train.py", TORCH_SCRIPT)])
        count = 0
        for line, text in insertions(TORCH_SCRIPT, "print('probe', 1 + 1)"):
            with self.subTest(line=line):
                match = match_file(program, "train.py", Source("train.py", text))
                self.assertEqual([probe.line for probe in match.probes], [line])
                self.assertEqual(match.changes, [])
                spliced = splice("train.py", TORCH_SCRIPT, text)
                self.assertEqual(_flat(ast.parse(text)), _flat(spliced.tree))
                _remove_added(spliced.tree)
                self.assertEqual(ast.unparse(spliced.tree), plain)
                count += 1
        self.assertGreater(count, 150)

    def test_running_the_spliced_program_is_running_the_edited_one(self) -> None:
        count = 0
        for line, text in insertions(SMALL_PROGRAM, "print('probe', sorted(locals())[:2])"):
            with self.subTest(line=line):
                spliced = splice("train.py", SMALL_PROGRAM, text)
                self.assertEqual(_output(spliced.tree), _output(ast.parse(text)))
                count += 1
        self.assertGreater(count, 50)

    def test_several_edits_at_once(self) -> None:
        numbers = random.Random(7)
        for _ in range(60):
            text = SMALL_PROGRAM
            for number in range(numbers.randint(2, 6)):
                choices = list(insertions(text, f"print('probe', {number}, __name__)"))
                text = numbers.choice(choices)[1]
            text = numbers.choice([text, ast.unparse(ast.parse(text)), "# top\n\n" + text])
            spliced = splice("train.py", SMALL_PROGRAM, text)
            self.assertEqual(_output(spliced.tree), _output(ast.parse(text)), text)

    def test_random_damage_never_fails_and_never_touches_the_recorded_program(self) -> None:
        numbers = random.Random(11)
        plain = ast.unparse(ast.parse(SMALL_PROGRAM))
        for _ in range(120):
            text = _damaged(SMALL_PROGRAM, numbers)
            spliced = splice("train.py", SMALL_PROGRAM, text)
            compile(ast.fix_missing_locations(spliced.tree), "train.py", "exec")
            _remove_added(spliced.tree)
            self.assertEqual(ast.unparse(spliced.tree), plain, text)

    def test_wholly_reformatted(self) -> None:
        text = ast.unparse(ast.parse(TORCH_SCRIPT))
        program = RecordedProgram([("train.py", TORCH_SCRIPT)])
        match = match_file(program, "train.py", Source("train.py", text))
        self.assertEqual((match.additions, match.changes), ([], []))
        self.assertEqual(len(match.logs), len(program.files["train.py"].logs))
        self.assertEqual(len(match.loops), len(program.files["train.py"].loops))

    def test_recorded_statements_are_found_behind_any_insertion(self) -> None:
        program = RecordedProgram([("train.py", TORCH_SCRIPT)])
        lines = TORCH_SCRIPT.split("\n")
        for _, text in insertions(TORCH_SCRIPT, "print('probe', 1 + 1)"):
            match = match_file(program, "train.py", Source("train.py", text))
            now = text.split("\n")
            for place, statement in [*match.logs, *match.loops]:
                recorded = lines[int(place.split(":")[1]) - 1]
                self.assertEqual(now[statement.lineno - 1], recorded)


def insertions(text: str, statement: str) -> Iterator[tuple[int, str]]:
    """The text with a statement before each statement and behind each block, and the line of it."""
    lines = text.split("\n")
    tree = ast.parse(text)
    places: set[tuple[int, int]] = set()

    def visit(node: ast.AST) -> None:
        for block in blocks(node):
            for index, child in enumerate(block):
                is_first_text = index == 0 and is_inert(child)
                is_future = isinstance(child, ast.ImportFrom) and child.module == "__future__"
                is_elif = lines[child.lineno - 1].lstrip().startswith("elif")
                decorated = getattr(child, "decorator_list", None)
                line = decorated[0].lineno if decorated else child.lineno
                if not (is_first_text or is_future or is_elif):
                    places.add((line, child.col_offset))
                if child is block[-1] and not is_elif:
                    places.add((child.end_lineno + 1, child.col_offset))
                if isinstance(child, COMPOUND):
                    visit(child)

    visit(tree)
    for line, column in sorted(places):
        yield line, "\n".join([*lines[: line - 1], " " * column + statement, *lines[line - 1 :]])


def _damaged(text: str, numbers: random.Random) -> str:
    """The text after a few careless edits that leave something that parses."""
    while True:
        lines = text.split("\n")
        for _ in range(numbers.randint(1, 5)):
            one, other = numbers.randrange(len(lines)), numbers.randrange(len(lines))
            indent = " " * (len(lines[one]) - len(lines[one].lstrip()))
            edit = numbers.randrange(6)
            if edit == 0 and len(lines) > 5:
                del lines[one]
            elif edit == 1:
                lines.insert(one, lines[other])
            elif edit == 2:
                lines[one], lines[other] = lines[other], lines[one]
            elif edit == 3:
                lines.insert(one, indent + f"print('probe', {other})")
            elif edit == 4:
                size = numbers.randint(1, 4)
                lines[one : one + size] = [
                    indent + "if True:",
                    *["    " + line for line in lines[one : one + size]],
                ]
            else:
                block = lines[one : one + 6]
                del lines[one : one + 6]
                lines[other:other] = block
        damaged = "\n".join(lines)
        try:
            ast.parse(damaged)
        except SyntaxError:
            continue
        return damaged


def _flat(tree: ast.Module) -> str:
    from hindsight_runtime.analysis.matching import split_imports

    split_imports(tree)
    return ast.unparse(tree)


def _remove_added(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        for block in blocks(node):
            block[:] = [child for child in block if child.lineno < PROBE_LINE]
    # Back to the recorded imports: the comparison above split them.
    merged: list[ast.stmt] = []
    for child in tree.body:
        last = merged[-1] if merged else None
        if (
            isinstance(child, ast.ImportFrom)
            and isinstance(last, ast.ImportFrom)
            and last.lineno == child.lineno
        ):
            last.names.extend(child.names)
        else:
            merged.append(child)
    tree.body = merged


def _output(tree: ast.Module) -> str:
    written = io.StringIO()
    code = compile(ast.fix_missing_locations(tree), "train.py", "exec")
    with contextlib.redirect_stdout(written):
        exec(code, {"__name__": "__main__"})
    return written.getvalue()


if __name__ == "__main__":
    unittest.main()
