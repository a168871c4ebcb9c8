"""What the tests of `hindsight_runtime.state` share."""

from __future__ import annotations

import sys
import textwrap
import types
import unittest
from typing import Any

from hindsight_runtime.state import Roots, Walk, capture, difference, restore

NAME = "hindsight_sample_project"


class Recorded:
    """A capture, copied as the recorder copies it."""

    def __init__(self, walk: Walk, roots: Roots) -> None:
        captured = capture(walk, roots)
        self.stream = captured.stream
        self.buffers = [bytes(buffer) for buffer in captured.buffers]
        self.lost = captured.lost
        self.detached = captured.detached


class Program:
    """A module of a project whose preamble has run; its loop's body can be run again and again."""

    def __init__(self, preamble: str, body: str) -> None:
        self.module = types.ModuleType(NAME)
        sys.modules[NAME] = self.module
        self._body = compile(textwrap.dedent(body), "sample.py", "exec")
        exec(compile(textwrap.dedent(preamble), "sample.py", "exec"), self.module.__dict__)
        self.roots = Roots([], {NAME: self.module})
        self.walk = Walk(self.roots, keep=True)  # these tests restore earlier iterations

    def step(self) -> None:
        exec(self._body, self.module.__dict__)

    def observe(self, expression: str) -> Any:
        return eval(expression, self.module.__dict__)

    def capture(self) -> Recorded:
        return Recorded(self.walk, self.roots)

    def restore(self, recorded: Recorded) -> None:
        restore(self.walk, self.roots, recorded.stream, recorded.buffers)

    def difference(self, recorded: Recorded) -> str | None:
        found = difference(self.walk, self.roots, recorded.stream, recorded.buffers)
        return found and found.text


class StateCase(unittest.TestCase):
    def tearDown(self) -> None:
        sys.modules.pop(NAME, None)

    def check(
        self,
        preamble: str,
        body: str,
        observed: str,
        lost: tuple[str, ...] = (),
        holds: str = "True",
    ) -> Recorded:
        """Records two iterations, then restores the first one's state, in place and in a program started anew."""
        program = Program(preamble, body)
        program.step()
        first = program.capture()
        after_first = repr(program.observe(observed))
        self.assertEqual(list(lost), first.lost)
        self.assertIsNone(program.difference(first))
        program.step()
        second = program.capture()
        after_second = repr(program.observe(observed))
        self.assertNotEqual(after_first, after_second, "the test's body changes nothing")
        self.assertIsNotNone(program.difference(first))
        anew = Program(preamble, body)
        self.assertEqual(program.walk.layout, anew.walk.layout)
        for run in (program, anew):
            sys.modules[NAME] = run.module
            run.restore(first)
            self.assertIsNone(run.difference(first))
            self.assertEqual(after_first, repr(run.observe(observed)))
            self.assertTrue(run.observe(holds), holds)
            run.step()
            self.assertEqual(after_second, repr(run.observe(observed)))
            self.assertIsNone(run.difference(second))
            self.assertTrue(run.observe(holds), holds)
        return first
