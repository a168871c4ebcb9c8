"""Where nothing recorded comes after a probe, what it does to the program's data is still found out."""

from __future__ import annotations

import importlib.util
import textwrap
import unittest

from .recorded_program import Project, texts

PLAIN = """
    import random

    random.seed(1)


    class Model:
        def __init__(self):
            self.training = True
            self.weights = [1.0, 2.0]

        def eval(self):
            self.training = False

        def train(self):
            self.training = True

        def norm(self):
            return sum(w * w for w in self.weights)


    def main():
        model = Model()
        data = iter(range(100))
        seen = []
        for step in range(6):
            x = next(data)
            model.weights[0] += x
            seen.append(x)
        return model


    main()
    """

TORCH = """
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loader = iter([torch.ones(2, 3)] * 20)
    for step in range(5):
        loss = model(next(loader)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    """

HAS_TORCH = importlib.util.find_spec("torch") is not None


class Watching(unittest.TestCase):
    def replayed(self, program: str, anchor: str, *lines: str) -> list:
        project = Project({"train.py": program})
        self.addCleanup(project.remove)
        recording = project.record("train.py")
        edited = []
        for line in textwrap.dedent(program).splitlines():
            edited.append(line)
            if line.strip() == anchor:
                edited += [line[: len(line) - len(line.lstrip())] + added for added in lines]
        return recording.replay({"train.py": "\n".join(edited) + "\n"})

    def changes(self, program: str, anchor: str, *lines: str) -> list:
        messages = self.replayed(program, anchor, *lines)
        self.assertTrue(texts(messages), "the probe gave nothing")
        self.assertEqual([m["reason"] for m in messages if m["t"] == "unwatched"], [])
        return [message["difference"] for message in messages if message["t"] == "disturbed"]

    def test_looking_changes_nothing(self) -> None:
        self.assertEqual(self.changes(PLAIN, "seen.append(x)", "n = model.norm()", "print(n, seen)"), [])

    def test_what_is_put_back_changes_nothing(self) -> None:
        lines = ("model.eval()", "print(model.norm())", "model.train()")
        self.assertEqual(self.changes(PLAIN, "seen.append(x)", *lines), [])

    def test_each_kind_of_disturbance_is_named(self) -> None:
        for line, path in (
            ("model.eval()", "model.training"),
            ("next(data)", "data"),
            ("seen.append(0)", "seen"),
            ("model.weights.reverse()", "model.weights"),
            ("random.random()", "random"),
        ):
            with self.subTest(line):
                found = self.changes(PLAIN, "seen.append(x)", line, "print(step)")
                self.assertTrue(found)
                self.assertIn(path, found[0])

    def test_a_probe_outside_loops_is_watched(self) -> None:
        found = self.changes(PLAIN, "seen = []", "model.weights.append(3.0)", "print(model.norm())")
        self.assertEqual(len(found), 1)
        self.assertIn("model.weights", found[0])

    @unittest.skipUnless(HAS_TORCH, "torch is not installed")
    def test_torch_is_watched(self) -> None:
        anchor = "optimizer.step()"
        self.assertEqual(self.changes(TORCH, anchor, "print(model[0].weight.grad.norm().item())"), [])
        evaluate = ("model.eval()", "print(model(torch.ones(1, 3)).sum().item())", "model.train()")
        self.assertEqual(self.changes(TORCH, anchor, *evaluate), [])
        for line, path in (
            ("model.eval()", "training"),
            ("next(loader)", "loader"),
            ("optimizer.zero_grad()", "0.weight: None"),
            ("model[0].weight.data.zero_()", "weight"),
            ("torch.rand(1)", "random"),
            ("optimizer.state.clear()", "state"),
        ):
            with self.subTest(line):
                found = self.changes(TORCH, anchor, line, "print(step)")
                self.assertTrue(found)
                self.assertIn(path, found[0])


if __name__ == "__main__":
    unittest.main()
