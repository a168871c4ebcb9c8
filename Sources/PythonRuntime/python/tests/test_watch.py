"""Where nothing recorded comes after a probe, what it does to the program's data is still found out."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import textwrap
import time
import types
import unittest
from unittest import mock

from hindsight_runtime import watch
from hindsight_runtime.state import Roots

from .recorded_program import Project, texts
from .standing_program import Standing

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

#: Its replays watch no more executions than they must.
HASTY = """
    import random
    import sys

    watch = sys.modules.get("hindsight_runtime.watch")
    if watch is not None:
        watch.LONGEST, watch.SHARE = -1.0, 0.0
    watch = None
    random.seed(1)


    def main():
        data = {"training": True, "weights": [1.0, 2.0]}
        seen = []
        for epoch in range(2):
            for step in range(100):
                data["weights"][step % 2] += random.random()
            seen.append(sum(data["weights"]))
        return data


    main()
    """

GENERATOR = """
    def endless():
        turn, noise = 0, [0]
        while True:
            for item in (1, 2, 3):
                turn += item
                yield noise

    data = endless()
    for step in range(5):
        noise = next(data)
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

    def test_generators_in_the_middle_of_their_work_are_looked_into(self) -> None:
        for body in (
            "for x in [1] * 50:\n        yield x",
            "for x in (y for y in [1] * 50):\n        yield x",
            "yield from zip([1] * 50, [1] * 50)",
            "own = random.Random(0)\n    while True:\n        yield own.random()",
        ):
            program = (
                f"import random\n\ndef items():\n    {body}\n\n"
                "def main():\n    source = items()\n    for step in range(5):\n        x = next(source)\n\n"
                "main()\n"
            )
            with self.subTest(body):
                self.assertEqual(self.changes(program, "x = next(source)", "print(step, source)"), [])
                late = "if step == 3: next(source)"
                found = self.changes(program, "x = next(source)", late, "print(step)")
                self.assertEqual(len(found), 1)

    def test_a_disturbance_at_a_late_execution_is_found(self) -> None:
        for late in ("if step == 5: model.eval()", "if step == 4: seen.append(0)"):
            with self.subTest(late):
                found = self.changes(PLAIN, "seen.append(x)", late, "print(step)")
                self.assertEqual(len(found), 1)

    def test_generators_at_rest_are_watched(self) -> None:
        self.assertEqual(self.changes(GENERATOR, "noise = next(data)", "print(step, noise)"), [])
        for line, path in (
            ("next(data)", "generator"),
            ("data.gi_frame.f_locals['noise'].append(1)", "noise"),
        ):
            with self.subTest(line):
                found = self.changes(GENERATOR, "noise = next(data)", line, "print(step)")
                self.assertTrue(found)
                self.assertIn(path, found[0])

    def test_executions_are_watched_at_growing_distances(self) -> None:
        data = {"list": [1]}
        watched = watch.Watch(lambda frame, walk=None: Roots([], {"data": types.SimpleNamespace(**data)}))
        with mock.patch.multiple(watch, LONGEST=-1.0, SHARE=0.0):
            for execution in range(9):
                watched.begin("?train.py:7:0", sys._getframe())
                is_watched = execution in (0, 1, 2, 4, 8)
                data["list"].append(execution)
                difference = watched.end("?train.py:7:0", sys._getframe())
                self.assertEqual(difference is not None, is_watched, execution)

    def control(self, *lines: str) -> list:
        """What comes of comparing a replay with these lines with one without them, at a place of the former's choice."""
        project = Project({"train.py": HASTY})
        self.addCleanup(project.remove)
        recording = project.record("train.py", budget=1e-9)
        edited = HASTY
        for line in reversed(lines):
            place = "+= random.random()\n"
            edited = edited.replace(place, place + " " * 16 + line + "\n")
        with tempfile.TemporaryFile() as file:
            kept = recording.replay({"train.py": edited}, descriptor=file.fileno(), control="save")
            self.assertEqual([m["key"] for m in kept if m["t"] == "unwatched"][0], [1, 0, 1, 3, 0])
            self.assertEqual([m["key"] for m in kept if m["t"] == "kept"][-1], [1, 2])
            found = []
            for text, mode in ((None, "replace"), (None, "replace"), (edited, "check")):
                sources = {} if text is None else {"train.py": text}
                messages = recording.replay(sources, descriptor=file.fileno(), control=mode)
                found += [m["difference"] for m in messages if m["t"] == "control"]
                # Up to the place, the comparison shows what watching would.
                self.assertEqual([m for m in messages if m["t"] == "unwatched"], [])
        # Children of a standing worker find the same.
        standing = Standing(recording, "train.py:15:4")
        self.addCleanup(standing.close)
        with tempfile.TemporaryFile() as file:
            kept = standing.replay({"train.py": edited}, descriptor=file.fileno(), control="save")
            self.assertIn("kept", [m["t"] for m in kept])
            messages = standing.replay({}, descriptor=file.fileno(), control="replace")
            self.assertEqual([m["difference"] for m in messages if m["t"] == "control"], found[:1])
        return found

    def test_executions_that_nobody_watched_are_held_against_a_replay_without_them(self) -> None:
        self.assertEqual(self.control("print(step)"), [None] * 3)
        alone, again, with_probe = self.control(
            "if epoch == 1 and step == 77: data.update(training=False)", "print(step)"
        )
        self.assertIn("data['training']", alone)
        self.assertIsNone(again)
        self.assertIn("data['training']", with_probe)

    def test_a_comparison_that_does_not_come_about_confirms_nothing(self) -> None:
        project = Project({"train.py": PLAIN})
        self.addCleanup(project.remove)
        recording = project.record("train.py", budget=1000)
        edited = PLAIN.replace("seen.append(x)", "seen.append(x); print(step)")
        checkpoint = recording.checkpoints()[-1]
        for at, is_watched in ((checkpoint["at"], True), ([[*checkpoint["at"][0][:2], 99]], False)):
            messages = recording.replay(
                {"train.py": edited},
                checkpoints=[{**checkpoint, "at": at}],
                checks=[checkpoint["n"]],
            )
            self.assertEqual(not [m for m in messages if m["t"] == "unwatched"], is_watched)

    def test_data_that_differ_from_themselves_are_told(self) -> None:
        watched = watch.Watch(
            lambda frame, walk=None: Roots([], {"data": types.SimpleNamespace(now=time.perf_counter())})
        )
        watched.begin("?train.py:7:0", sys._getframe())
        self.assertIn("cannot be compared", watched.problem or "")

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
