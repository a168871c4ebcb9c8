"""A probe in a rewritten program stands where it stood before the rewriting, or is said to have no place.

`HINDSIGHT_SOURCE_REWRITES` is how many there are for each program, `HINDSIGHT_RANDOM_SEED` where they begin.
"""

from __future__ import annotations

import ast
import collections
import difflib
import glob
import os
import random
import unittest

from hindsight_runtime.analysis.moves import match_program
from hindsight_runtime.analysis.recorded import RecordedProgram
from hindsight_runtime.analysis.source import DEFINITIONS, Source, blocks, excerpt
from hindsight_runtime.analysis.splice import PROBE_LINE, splice_program
from tests.analysis_sample import TORCH_SCRIPT
from tests.source_rewrites import KINDS, Rewriting, single_imports
from tests.test_analysis_properties import SMALL_PROGRAM

_GALLERY = os.path.join(os.path.dirname(__file__), *[os.pardir] * 4, "Tests", "Programs")


def programs() -> dict[str, str]:
    """The sources of the gallery where it is at hand, and two that always are."""
    found = {"small": SMALL_PROGRAM, "torch": TORCH_SCRIPT}
    for path in sorted(glob.glob(os.path.join(_GALLERY, "**", "*.py"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            if len(ast.parse(text).body) > 3:
                found[os.path.relpath(path, _GALLERY)] = text
        except SyntaxError:  # of a later Python
            continue
    return found


class RewrittenSources(unittest.TestCase):
    def test_the_right_place_or_none(self) -> None:
        count = int(os.environ.get("HINDSIGHT_SOURCE_REWRITES", "5"))
        first = int(os.environ.get("HINDSIGHT_RANDOM_SEED", "1"))
        placed: collections.Counter[str] = collections.Counter()
        asked: collections.Counter[str] = collections.Counter()
        for name, text in programs().items():
            for seed in range(first, first + count):
                with self.subTest(program=name, seed=seed):
                    kinds, is_placed = self.check(text, random.Random(f"{name} {seed}"))
                    asked.update(kinds)
                    if is_placed:
                        placed.update(kinds)
        # What refuses everything is never wrong either.
        for kind in ("reformat", "rename", "reorder", "insert", "wrap"):
            self.assertGreater(placed[kind], 0.7 * asked[kind], (kind, placed, asked))
        self.assertGreater(placed["move"], 0.5 * asked["move"], (placed, asked))

    def check(self, text: str, numbers: random.Random) -> tuple[set[str], bool]:
        rewriting = Rewriting(text, numbers)
        for _ in range(numbers.randint(1, 3)):
            rewriting.rewrite(numbers.choice(KINDS))
        verdict, description = judge(text, rewriting)
        self.assertIn(verdict, ("placed", "refused"), description)
        return set(rewriting.done), verdict == "placed"


def judge(text: str, rewriting: Rewriting) -> tuple[str, str]:
    """`placed`, `refused` with a sentence, `wrong` or `silent`, and what was asked."""
    texts = rewriting.texts()
    sources = [("program.py", text, texts["program.py"])]
    sources += [(path, None, edited) for path, edited in texts.items() if path != "program.py"]
    tree = single_imports(splice_program(sources)["program.py"].tree)
    compile(ast.fix_missing_locations(tree), "program.py", "exec")
    edited = [Source.edited(path, edited) for path, edited in texts.items()]
    matches = match_program(RecordedProgram([("program.py", text)]), edited)
    description = "\n".join([str(rewriting.done), *(f"# {path}\n{t}" for path, t in texts.items())])
    state = _leave_only_probe(tree)
    if state == "with names of its own":
        return "placed", ""
    if state == "there":
        truth = ast.parse(rewriting.truth)
        # Whether a probe stands before or behind a statement that is gone, or has moved, cannot be told.
        gone = {
            excerpt(ast.parse(match.edited.text.split("\n")[change.line - 1].strip()))
            for match in matches
            for change in match.changes
            if change.message.startswith("The recorded run executed this elsewhere")
            and change.line == change.end_line
        } | {
            change.message.split("`")[1]
            for match in matches
            for change in match.changes
            if change.message.startswith("The recorded run also executed")
        }
        found, wanted = (ast.unparse(_without(tree, gone)) for tree in (tree, truth))
        difference = "\n".join(difflib.unified_diff(wanted.split("\n"), found.split("\n"), lineterm=""))
        return ("placed", "") if found == wanted else ("wrong", f"{description}\n{difference}")
    for match in matches:
        lines = match.edited.text.split("\n")
        for change in match.changes:
            is_answer = change.kind in ("unplaced", "unloaded", "conflict")
            if is_answer and any("'probe'" in line for line in lines[change.line - 1 : change.end_line]):
                return "refused", ""
    said = "\n".join(f"{c.line}: {c.message}" for match in matches for c in match.changes)
    return "silent", f"{description}\n{said}"


def _is_probe(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and ast.unparse(node).startswith("print('probe'")


def _leave_only_probe(tree: ast.Module) -> str:
    """Takes out what else was added; what became of the probe."""
    found = ""
    for node in ast.walk(tree):
        for block in blocks(node):
            kept: list[ast.stmt] = []
            for child in block:
                probes = [inner for inner in ast.walk(child) if _is_probe(inner)]
                if child.lineno < PROBE_LINE:
                    kept.append(child)
                elif probes:
                    # A new block around the probe is added with it; so is what the probe looks at, there.
                    is_alone = all(_is_probe(inner) for inner in _simple(child))
                    if not found:
                        found = "there" if is_alone else "with names of its own"
                    kept += probes
            block[:] = kept
    return found


def _simple(node: ast.AST) -> list[ast.stmt]:
    inner = [child for block in blocks(node) for child in block]
    return [leaf for child in inner for leaf in _simple(child)] if inner else [node]


def _without(tree: ast.Module, excerpts: set[str]) -> ast.Module:
    for node in ast.walk(tree):
        for block in blocks(node):
            block[:] = [c for c in block if not _says_nothing(c, excerpts)] or [ast.Pass()]
    return tree


def _says_nothing(node: ast.AST, excerpts: set[str]) -> bool:
    """Whether it is all the same on which side of a statement the probe stands."""
    if any(_is_probe(inner) for inner in ast.walk(node)):
        return False
    return isinstance(node, DEFINITIONS) or excerpt(node) in excerpts


if __name__ == "__main__":
    unittest.main()
