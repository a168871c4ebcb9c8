"""Generators of the program that rest at a `yield` are brought to where they stood in the run."""

from __future__ import annotations

import ast
import textwrap
import unittest
from typing import Any, Optional

from hindsight_runtime.yields import resting_places

from .recorded_program import Project, Recording, texts
from .test_replaying import with_probe

EPOCHS = """
    import random, time

    random.seed(4)
    weights = [random.random() for _ in range(3)]

    def train(weights, epochs):
        momentum = [0.0] * 3
        for epoch in range(epochs):
            total = 0.0
            for step in range(3):
                noise = random.gauss(0, 1)
                momentum[step] = 0.9 * momentum[step] + noise
                weights[step] += 0.1 * momentum[step]
                total += noise
                time.sleep(0.01)
            yield epoch, total

    for epoch, loss in train(weights, 6):
        time.sleep(0.01)
        print(epoch, loss, sum(weights))
    print("done", random.random())
    """

STREAM = """
    import random, time

    random.seed(4)
    samples = [random.random() for _ in range(4)]

    def endless(samples):
        turn = 0
        while True:
            random.shuffle(samples)
            for sample in samples:
                turn += 1
                sent = yield sample * turn
                if sent:
                    turn += sent

    weight = 0.0
    data = endless(samples)
    for step in range(14):
        weight += 0.1 * (next(data) - weight)
        time.sleep(0.02)
        if step % 3 == 0:
            print(step, weight, data.send(2))
    print("done", random.random(), next(data))
    """

WITH_A_MODEL = """
    import random, time

    random.seed(4)

    class Model:
        def __init__(self):
            self.weights = [random.random() for _ in range(3)]
            self.alias = self.weights

    def train(epochs):
        model, seen, total = Model(), set(), 0.0

        def bump(x):
            nonlocal total
            total += x
            return total

        with open("log.txt", "w") as out:
            for epoch in range(epochs):
                for step in range(3):
                    bump(random.random())
                    model.weights[step] += total
                    time.sleep(0.01)
                seen.add(random.randint(0, 10**6))
                out.write(f"{epoch} {list(seen)}")
                yield model, bump, list(seen)

    for model, bump, seen in train(6):
        time.sleep(0.01)
        model.alias[0] *= 0.5
        print(bump(1.0), model.weights, seen)
    """

CHAINED = """
    import random, time

    random.seed(4)
    items = [random.random() for _ in range(4)]

    def batches(turns):
        for turn in range(turns):
            random.shuffle(items)
            for item in items:
                yield item + turn

    def train(batches):
        weight = 0.0
        for number, batch in enumerate(batches):
            weight += batch * random.random()
            time.sleep(0.01)
            if number % 2:
                yield weight

    for number, weight in enumerate(train(batches(4))):
        time.sleep(0.02)
        print(number, weight)
    """

SCOPE_IN_A_LOOP = """
    import contextlib, random, time

    random.seed(4)

    @contextlib.contextmanager
    def scope(mark):
        before = random.random()
        yield before
        random.seed(mark + before)

    def train(epochs):
        for epoch in range(epochs):
            with scope(epoch) as loss:
                for step in range(3):
                    time.sleep(0.01)
                    loss += random.random()
                yield loss

    for loss in train(5):
        time.sleep(0.01)
        print(loss)
    """

TWO_PLACES = """
    import random, time

    random.seed(4)

    def train(epochs):
        yield "start", 0.0
        weight = 0.0
        for epoch in range(epochs):
            time.sleep(0.02)
            weight += random.random()
            yield "train", weight
            time.sleep(0.02)
            weight -= random.random()
            yield "test", weight

    for what, weight in train(4):
        time.sleep(0.01)
        print(what, weight)
    """

ASKED = """
    import random, time

    random.seed(4)

    def train(epochs):
        weight = 0.0
        for epoch in range(epochs):
            for step in range(3):
                time.sleep(0.02)
                weight += random.random()
            yield weight

    numbered = enumerate(train(4))
    for step in range(4):
        epoch, weight = next(numbered)
        time.sleep(0.01)
        print(epoch, weight)
    """

LEFT_BY_BREAK = """
    import random, time

    random.seed(4)
    ended = []

    def train(epochs, word):
        try:
            for epoch in range(epochs):
                time.sleep(0.02)
                yield epoch
        finally:
            ended.append(random.random())
            if word:
                print(word, len(ended))

    for turn in range(3):
        for epoch in train(5, ""):
            time.sleep(0.02)
            if epoch == 3:
                break
        for again in train(3, "ended"):
            time.sleep(0.02)
            if again == 1:
                break
        print(turn, ended)
    """

LEFT_IN_THE_MIDDLE = """
    import random, time

    random.seed(4)
    ended = []

    def endless():
        while True:
            yield random.random()

    def train(epochs):
        try:
            for epoch in range(epochs):
                time.sleep(0.02)
                yield epoch
        finally:
            ended.append(random.random())
            print("ended", len(ended))

    data = endless()
    for epoch in train(5):
        value = next(data)
        time.sleep(0.02)
        print(epoch, value)
    print(ended, next(data))
    """


class Comparison:
    """A recorded program, and what its probes give if all of it is executed again."""

    def __init__(
        self, test: unittest.TestCase, text: str, after: str, probe: str, *needed: tuple
    ) -> None:
        """`needed` are arguments of `usable`: there have to be such checkpoints."""
        self.test = test
        self.lines = textwrap.dedent(text).splitlines()
        self.edited = {"train.py": with_probe(text, after, *probe)}
        project = Project({"train.py": text})
        test.addCleanup(project.remove)
        plain = project.plain("train.py")
        for _ in range(6):  # on a busy machine there may be few checkpoints
            self.recording: Recording = project.record("train.py", budget=1000)
            if all(self.usable(*which) for which in needed):
                break
        else:
            test.fail(f"no recording has checkpoints of {needed}")
        test.assertEqual(self.recording.result.stdout, plain.stdout, self.recording.result.stderr)
        test.assertEqual(self.recording.of("note"), [])
        self.everything = self.recording.replay(self.edited, checks="all")
        self.assert_agrees(self.everything)
        project.write("train.py", self.edited["train.py"])
        foresight = project.plain("train.py").stdout.splitlines()
        test.assertEqual(texts(self.everything), [t for t in foresight if t.startswith("P ")])

    def loop(self, header: str) -> str:
        number, line = next((n, l) for n, l in enumerate(self.lines, 1) if header in l)
        return f"train.py:{number}:{len(line) - len(line.lstrip())}"

    def usable(self, kind: str, header: str, depth: Optional[int] = None) -> list[dict[str, Any]]:
        """Those of a loop, at a depth, that a jump over some iterations can lead to."""
        loop = self.loop(header)
        return [
            c
            for c in self.recording.of("checkpoint")
            if (c["kind"], c["at"][-1][0]) == (kind, loop)
            and not c["lost"]
            and c["at"][-1][2] > c["from"]
            and depth in (None, len(c["at"]))
        ]

    def assert_jumps(self, *checkpoints: dict[str, Any], start: Optional[int] = None) -> None:
        """Jumps to these are taken, and all that follows is as if everything had been executed."""
        jumps = []
        for c in checkpoints:
            place = [*c["at"][:-1], [*c["at"][-1][:2], c["from"] if start is None else start]]
            to = None if c["kind"] == "exit" else c["at"][-1][2]
            jumps.append({"at": place, "to": to, "checkpoint": c["n"]})
        last = max(c["key"] for c in checkpoints)
        later = [c["n"] for c in self.recording.of("checkpoint") if c["key"] > last]
        messages = self.recording.replay(self.edited, jumps=jumps, checks=later)
        taken = [m for m in messages if m["t"] == "jump"]
        self.test.assertEqual([m for m in messages if m["t"] == "unusable"], [])
        self.test.assertEqual([m["checkpoint"] for m in taken], [c["n"] for c in checkpoints])
        expected = [
            m
            for m in self.everything
            if m["t"] in ("hit", "log")
            and not any(jump["from"] < m["key"] < jump["to"] for jump in taken)
        ]
        self.test.assertEqual([m for m in messages if m["t"] in ("hit", "log")], expected)
        self.assert_agrees(messages)

    def assert_agrees(self, messages: list[dict[str, Any]]) -> None:
        self.test.assertEqual(messages[-1]["status"], "finished", messages[-2:])
        differences = [m["difference"] for m in messages if m["t"] == "check"]
        self.test.assertEqual(differences, [None] * len(differences))
        recorded = {tuple(m["key"]): m["text"] for m in self.recording.of("log")}
        for message in messages:
            if message["t"] == "log":
                self.test.assertEqual(recorded.get(tuple(message["key"])), message["text"])


class GeneratorsAtRest(unittest.TestCase):
    def test_that_a_program_trains_in(self) -> None:
        outer = "boundary", "for epoch, loss"
        run = Comparison(
            self, EPOCHS, "total += noise", 'print("P", epoch, step, total, momentum)', outer
        )
        boundaries = run.usable(*outer)
        self.assertEqual({c["from"] for c in boundaries}, {1})
        run.assert_jumps(boundaries[-1])
        run.assert_jumps(boundaries[0], start=1)

    def test_that_run_have_loops_that_are_skipped(self) -> None:
        inner = "exit", "for step"
        run = Comparison(self, EPOCHS, "print(epoch", 'print("P", epoch, weights)', inner)
        exits = run.usable(*inner)
        self.assertGreater(exits[-1]["at"][0][2], 0)
        run.assert_jumps(*exits)

    def test_that_give_items_without_an_end(self) -> None:
        steps = "boundary", "for step"
        run = Comparison(self, STREAM, "turn += 1", 'print("P", turn, sample)', steps)
        boundaries = run.usable(*steps)
        self.assertEqual({c["from"] for c in boundaries}, {1})
        # In another activation of the generator's inner loop than the one that the jump begins in.
        self.assertGreater(boundaries[-1]["at"][0][2], 4)
        run.assert_jumps(boundaries[-1])
        run.assert_jumps(boundaries[-1], start=3)

    def test_with_objects_that_only_they_hold(self) -> None:
        needed = ("boundary", "for model, bump"), ("exit", "for step")
        run = Comparison(
            self, WITH_A_MODEL, "model.weights[step]", 'print("P", total, model.alias)', *needed
        )
        for which in needed:
            run.assert_jumps(run.usable(*which)[-1])

    def test_that_draw_from_each_other(self) -> None:
        outer = "boundary", "for number, weight in enumerate(train"
        run = Comparison(self, CHAINED, "weight += batch", 'print("P", number, weight, items)', outer)
        run.assert_jumps(run.usable(*outer)[-1])

    def test_that_rest_in_a_scope_of_an_iteration_are_not_entered_again(self) -> None:
        inner = "exit", "for step"
        run = Comparison(self, SCOPE_IN_A_LOOP, "loss += random", 'print("P", loss)', inner)
        self.assertEqual(run.usable("boundary", "for loss"), [])
        run.assert_jumps(run.usable(*inner)[-1])

    def test_at_one_place_are_not_brought_to_another(self) -> None:
        outer = "boundary", "for what, weight"
        run = Comparison(self, TWO_PLACES, 'yield "train"', 'print("P", weight)', outer)
        boundaries = [c for c in run.usable(*outer) if c["from"] == 2]
        self.assertTrue(boundaries)
        self.assertEqual({c["at"][0][2] % 2 for c in boundaries}, {0})
        goal = boundaries[-1]
        run.assert_jumps(goal)
        jump = {"at": [[*goal["at"][0][:2], 3]], "to": goal["at"][0][2], "checkpoint": goal["n"]}
        self.assertEqual(run.recording.replay(run.edited, jumps=[jump])[-1]["status"], "unusable")

    def test_with_an_iterator_that_is_being_asked_are_left_alone(self) -> None:
        """What an `enumerate` counts is counted when the generator has given its item."""
        outer = "boundary", "for step in range(4)"
        run = Comparison(self, ASKED, "print(epoch", 'print("P", epoch, weight)', outer)
        inner = run.loop("for step in range(3)")
        lost = [c["lost"] for c in run.recording.of("checkpoint") if c["at"][-1][0] == inner]
        self.assertTrue(lost)
        self.assertEqual(set(map(tuple, lost)), {("numbered",)})
        run.assert_jumps(run.usable(*outer)[-1])

    def test_end_with_the_loop_that_is_left(self) -> None:
        inner = "for epoch in train"
        needed = ("boundary", "for turn"), ("exit", inner), ("boundary", inner)
        run = Comparison(self, LEFT_BY_BREAK, "print(turn", 'print("P", ended)', *needed)
        # What it logs then is behind the loop, and would be jumped over with it.
        self.assertEqual(run.usable("exit", "for again in train"), [])
        for which in needed:
            run.assert_jumps(run.usable(*which)[-1])

    def test_end_before_what_follows_a_loop_is_filled_in(self) -> None:
        outer = "exit", "for epoch in train"
        run = Comparison(self, LEFT_IN_THE_MIDDLE, "print(ended", 'print("P", ended)', outer)
        (behind,) = run.usable(*outer)
        self.assertEqual(behind["from"], 1)
        run.assert_jumps(behind)


class RestingPlaces(unittest.TestCase):
    def places(self, text: str) -> dict[int, tuple[str, ...]]:
        return resting_places(ast.parse(textwrap.dedent(text)), "a.py")

    def test_statements_in_loops(self) -> None:
        text = """
            def f(n):
                x = yield n
                while n:
                    for i in n:
                        if i:
                            try:
                                yield i
                            finally:
                                n = 0
                    else:
                        yield n
                with n:
                    for j in n:
                        yield j
            """
        outer = "a.py:4:4"
        inner = (outer, "a.py:5:8")
        self.assertEqual(self.places(text), {3: (), 8: inner, 12: (outer,), 15: ("a.py:14:8",)})

    def test_that_keep_more_than_variables_and_loops(self) -> None:
        text = """
            def f(n):
                n += yield 1
                print((yield 2))
                yield 3; yield 4
                yield from n
                for i in n:
                    with i:
                        yield 5
                try:
                    pass
                except ValueError:
                    yield 6
                finally:
                    yield 7
                return (yield 8)
            async def g():
                yield 9
            h = lambda: (yield 10)
            """
        self.assertEqual(self.places(text), {})


if __name__ == "__main__":
    unittest.main()
