"""A child of a standing worker says the same as a worker that began with the probes."""

from __future__ import annotations

import textwrap
import unittest
from typing import Any

from .recorded_program import Project, texts
from .standing_program import Standing
from .test_replaying import PROGRAM, with_probe


def told(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What does not depend on the clock."""
    return [m for m in messages if m["t"] not in ("progress", "fingerprint")]


class StandingInAModule(unittest.TestCase):
    def test_a_module_imports_what_another_one_gets(self) -> None:
        engine = "import model\n\n\ndef main():\n    for epoch in range(3):\n        print('epoch', model.step(epoch))\n"
        project = Project(
            {
                "train.py": "import engine\n\nengine.main()\n",
                "engine.py": engine,
                "model.py": "def step(x):\n    return x * 2\n",
            }
        )
        self.addCleanup(project.remove)
        standing = Standing(project.record("train.py"), "engine.py:5:4")
        self.addCleanup(standing.close)
        edited = {
            # The module that needs it comes first: it began to be loaded first.
            "engine.py": "from model import digest\n" + with_probe(engine, "print('epoch'", "print('P', digest(epoch))"),
            "model.py": "def step(x):\n    return x * 2\n\n\ndef digest(x):\n    return x + 1\n",
        }
        messages = standing.replay(edited)
        self.assertEqual([m["text"] for m in messages if m["t"] == "hit"], ["P 1", "P 2", "P 3"])
        self.assertEqual([m for m in messages if m["t"] == "probe-error"], [])


class StandingAtModuleLevel(unittest.TestCase):
    program = PROGRAM
    loop = "for epoch in"

    @classmethod
    def setUpClass(cls) -> None:
        cls.text = textwrap.dedent(cls.program).lstrip("\n")
        cls.project = Project({"train.py": cls.text})
        cls.addClassCleanup(cls.project.remove)
        cls.recording = cls.project.record("train.py")
        lines = cls.text.splitlines()
        line = next(i for i, text in enumerate(lines, 1) if cls.loop in text)
        column = len(lines[line - 1]) - len(lines[line - 1].lstrip())
        cls.standing = Standing(cls.recording, f"train.py:{line}:{column}")
        cls.addClassCleanup(cls.standing.close)
        assert cls.standing.refusal is None, cls.standing.refusal

    def assert_same(self, edited: str, expected: int, **plan: Any) -> list[dict[str, Any]]:
        warm = self.standing.replay({"train.py": edited}, **plan)
        self.assertNotEqual(warm[-1]["t"], "cold", warm[-1])
        cold = self.recording.replay({"train.py": edited}, **plan)
        self.assertEqual(told(warm), told(cold))
        hits = [m for m in warm if m["t"] in ("hit", "probe-error")]
        self.assertEqual(len(hits), expected, hits)
        return warm

    def assert_cold(self, edited: str) -> None:
        self.assertEqual(self.standing.replay({"train.py": edited})[-1]["t"], "cold")

    def put(self, after: str, *lines: str, text: str = "") -> str:
        return with_probe(text or self.text, after, *lines)

    def test_in_the_loop(self) -> None:
        self.assert_same(
            self.put("noise = step(", 'print("P", epoch, batch, noise.hex())'), 30, checks="all"
        )

    def test_several_at_once_and_again(self) -> None:
        edited = self.put("noise = step(", "a = noise * 2", 'print("A", a)')
        edited = self.put("history.append(", 'print("B", a, epoch)', text=edited)
        for _ in range(3):
            self.assert_same(edited, 36)

    def test_in_a_function(self) -> None:
        self.assert_same(self.put("total += w * w", 'print("T", total.hex())'), 24, checks="all")

    def test_at_a_boundary_after_a_jump(self) -> None:
        chosen = [
            c
            for c in self.recording.checkpoints()
            if c["kind"] == "boundary" and len(c["at"]) == 1 and c["at"][0][2] > 1
        ][-1]
        epoch = chosen["at"][0][2]
        self.assert_same(
            self.put("rate = 0.5", 'print("R", epoch, rate, sum(abs(w) for w in weights).hex())'),
            6 - epoch,
            jumps=[{"at": [[*chosen["at"][0][:2], 0]], "to": epoch, "checkpoint": chosen["n"]}],
            checks=[c["n"] for c in self.recording.checkpoints() if c["n"] > chosen["n"]],
        )

    def test_with_helper_and_import(self) -> None:
        edited = self.put(
            "import random",
            "import statistics",
            "def spread(values, digits=3):",
            "    return round(statistics.pstdev(values), digits)",
        )
        self.assert_same(self.put("noise = step(", 'print("S", spread(weights))', text=edited), 30)

    def test_what_it_raises(self) -> None:
        self.assert_same(self.put("noise = step(", "print(weights[9])"), 30)

    def test_behind_the_loop(self) -> None:
        edited = self.put("done", 'print("end", history[-1])')
        self.assert_same(edited, 1)

    def test_before_the_loop_is_for_a_fresh_worker(self) -> None:
        self.assert_cold(self.put("random.seed(3)", 'print("seeded", random.getstate()[1][0])'))
        self.assert_cold(self.put("weights = [", "print(weights)"))

    def test_disturbing(self) -> None:
        warm = self.assert_same(
            self.put("history.append(", 'print("P", random.random())'), 6, checks="all"
        )
        self.assertTrue([m for m in warm if m["t"] == "check" and m["difference"]])

    def test_stop(self) -> None:
        at = [c for c in self.recording.checkpoints() if c["kind"] == "boundary" and c["at"][0][2] > 0][
            0
        ]
        edited = self.put("noise = step(", 'print("P", epoch, batch)')
        self.assert_same(
            edited, 5 * at["at"][0][2], checks=[at["n"]], stop={"kind": "boundary", "at": at["at"]}
        )

    def test_killed(self) -> None:
        children = [self.standing.fork({"train.py": self.put("noise =", "print(1)")}) for _ in range(3)]
        self.standing.kill(children[1])
        before = [len(texts(child.messages())) for child in children]
        self.assertEqual((before[0], before[2]), (30, 30))


class StandingInAFunction(StandingAtModuleLevel):
    program = '''
        """Trains."""

        import random
        import time


        class Model:
            def __init__(self):
                self.__hidden = 3
                self.weights = [random.random() for _ in range(4)]

            def step(self, rate):
                noise = random.gauss(0, 1)
                for i, w in enumerate(self.weights):
                    self.weights[i] = w - rate * (w - noise)
                return noise


        def evaluate(weights):
            total = 0.0
            for w in weights:
                total += w * w
            return total


        class Trainer:
            def __init__(self, model):
                self.model = model
                self.__steps = 0

            def fit(self, epochs):
                history = []
                model = self.model
                weights = model.weights
                started = time.time()
                for epoch in range(epochs):
                    rate = 0.5 / (epoch + 1)
                    for batch in range(5):
                        noise = model.step(rate)
                        self.__steps += 1
                        time.sleep(0.02)
                    history.append(evaluate(weights))
                    print("epoch", epoch, history[-1], round(time.time() - started, 6))
                return history


        def main():
            random.seed(3)
            trainer = Trainer(Model())
            history = trainer.fit(6)
            print("done", len(history))


        if __name__ == "__main__":
            main()
        '''

    def put(self, after: str, *lines: str, text: str = "") -> str:
        after = after.replace("step(", "model.step(").replace("weights = [", "weights = model")
        return super().put(after, *lines, text=text)

    def test_behind_the_loop(self) -> None:
        text = self.put("time() - started, 6))")
        edited = text.replace(
            "        return history\n", '        print("end", history[-1])\n        return history\n'
        )
        self.assert_same(edited, 1)
        # The caller is under way, and has no points.
        self.assert_cold(self.put("done", 'print("end", history[-1])'))

    def test_private_names(self) -> None:
        self.assert_same(self.put("noise = step(", 'print("S", self.__steps)'), 30)

    def test_names_of_its_own(self) -> None:
        edited = self.put("history = []", "seen = []")
        edited = self.put("noise = step(", "seen.append(noise)", text=edited)
        edited = self.put("history.append(", "print(len(seen), max(seen))", text=edited)
        self.assert_same(edited, 6)

    def test_unbound(self) -> None:
        edited = self.put("rate = 0.5", "print(noise)")
        warm = self.assert_same(edited, 6)
        self.assertIn("UnboundLocalError", next(m["text"] for m in warm if m["t"] == "probe-error"))

    def test_what_needs_the_real_frame(self) -> None:
        self.assert_cold(self.put("noise = step(", "print(sorted(locals()))"))
        self.assert_cold(self.put("noise = step(", "later = lambda: noise", "print(later())"))
        self.assert_cold(self.put("noise = step(", "print(super().__repr__)"))

    def test_loop_of_a_probe(self) -> None:
        self.assert_same(self.put("noise = step(", "for w_ in weights:", "    print(w_)"), 120)


if __name__ == "__main__":
    unittest.main()
