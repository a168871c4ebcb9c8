from __future__ import annotations

import unittest

from .state_cases import NAME, Program, StateCase


class Differences(StateCase):
    def differ(self, preamble: str, body: str, change: str) -> str | None:
        program = Program(preamble, body)
        program.step()
        recorded = program.capture()
        self.assertIsNone(program.difference(recorded))
        exec(change, program.module.__dict__)
        said = program.difference(recorded)
        return said and said.replace(f"{NAME}.", "")

    def test_words(self) -> None:
        cases = [
            ("a = 1", "", "a = 2", "a: 2 in the replay, 1 in the recording"),
            ("a = 1", "", "a = True", "a: True in the replay, 1 in the recording"),
            ("a = 0.0", "", "a = -0.0", "a: -0.0 in the replay, 0.0 in the recording"),
            ("a = float('nan')", "", "a = float('nan')", None),
            (
                "a = [1.0] * 500",
                "",
                "a[7] = float('inf')",
                "a[7]: inf in the replay, 1.0 in the recording",
            ),
            (
                "a = {'x': [1]}",
                "",
                "a['x'].append(2)",
                "a['x']: 2 items in the replay, 1 in the recording",
            ),
            (
                "a = {'x': 1, 'y': 2}",
                "",
                "a['x'] = a.pop('x')",
                "a: key 'y' in the replay, 'x' in the recording",
            ),
            ("a = {1, 2}", "", "a.add(3)", "a: its items differ"),
            (
                "a = []",
                "b = [a]",
                "b[0] = []",
                "b[0]: refers to another object than in the recording",
            ),
            ("n = 0", "x = [1]; y = [x, x]", "y[1] = [1]", "is shared"),
            ("n = 0", "x = [1]; y = [[1]]", "y[0] = x", "is shared"),
            ("n = 0", "x = [1]", "del x", "x: has no value in the replay"),
            ("n = 0", "x = [1]", "z = [1]", "z: has a value only in the replay"),
            ("n = 0", "f = lambda x=1: x", "f = lambda x=2: x", "f"),
            (
                "class C: pass\nc = C(); c.x = 1",
                "",
                "c.x = 2",
                "c.x: 2 in the replay, 1 in the recording",
            ),
            (
                "class C: pass\nc = C()",
                "d = C(); d.e = [C()]",
                "d.e[0].x = 1",
                "d.e[0].x: exists only in the replay",
            ),
            ("class C: x = 1", "", "C.x = 2", "C.x: 2 in the replay, 1 in the recording"),
            ("import random", "", "random.random()", "random: generator states differ"),
            ("it = iter([1, 2])", "", "next(it)", "it"),
        ]
        for preamble, body, change, expected in cases:
            with self.subTest(change=change, preamble=preamble):
                said = self.differ(preamble, body, change)
                if expected is None:
                    self.assertIsNone(said)
                else:
                    self.assertIsNotNone(said)
                    self.assertIn(expected, said or "")

    def test_comparing_draws_no_random_numbers(self) -> None:
        program = Program(
            """
            import random
            class Drawing:
                def __setstate__(self, state): random.random(); self.__dict__.update(state)
                def __getstate__(self): return {'x': 1}
            """,
            "d = Drawing()",
        )
        program.step()
        recorded = program.capture()
        before = program.observe("random.getstate()")
        self.assertIsNone(program.difference(recorded))
        self.assertEqual(before, program.observe("random.getstate()"))

    def test_tensors(self) -> None:
        try:
            import torch  # noqa: F401
        except ImportError:
            self.skipTest("torch is not installed")
        model = "import torch\nmodel = torch.nn.Sequential(torch.nn.Linear(2, 2))"
        nudge = "model[0].weight.data[0, 0] += 1e-7"
        self.assertEqual("model.0.weight: values differ", self.differ(model, "", nudge))
        later = "t = torch.ones(3)"
        self.assertEqual("t: values differ", self.differ(model, later, "t[0] = 2"))
        self.assertIn("generator states differ", self.differ(model, later, "torch.rand(1)") or "")


if __name__ == "__main__":
    unittest.main()
