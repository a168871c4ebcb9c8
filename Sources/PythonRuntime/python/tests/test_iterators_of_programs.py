"""Loops over iterators that the program itself has written."""

from __future__ import annotations

import unittest

from .recorded_program import Project, Recording, texts

ITERATOR = """
    import random, time
    random.seed(1)

    class Stream:
        started = 0

        def __iter__(self):
            Stream.started += 1
            self.left = 5
            self.offset = random.random()
            return self

        def __next__(self):
            if not self.left:
                raise StopIteration
            self.left -= 1
            return self.offset + random.random()

    class Steps:
        '''Starts an iterator that is not iterable itself.'''
        def __iter__(self):
            return Step()

    class Step:
        def __init__(self):
            self.n = 0
        def __next__(self):
            self.n += 1
            if self.n > 3:
                raise StopIteration
            return self.n

    total = 0.0
    stream = Stream()
    for epoch in range(6):
        for value in stream:
            total += value
            time.sleep(0.01)
        for step in Steps():
            total += step
        print(epoch, total, Stream.started)
    """

OVER_A_GENERATOR = """
    class Window:
        def __new__(cls, stream):
            self = object.__new__(cls)
            self.stream, self.first = stream, next(stream)
            return self

        def __reduce__(self):
            return Window, (self.stream,)

    for epoch in range(3):
        stream = (i for i in range(epoch, 9))
        next(stream)
        window = Window(stream)
        print(epoch, window.first)
    """

SHARED_WITHIN_A_GENERATOR = """
    import itertools, time
    turns = itertools.cycle((1, 2, 3))

    def wait(count):
        for turn in range(count):
            time.sleep(0.002)

    def batches():
        for turn in itertools.islice(turns, 2):
            wait(3)
            yield turn

    for epoch in range(3):
        for batch in zip(batches(), "abc"):
            wait(2)
        print(epoch, next(turns))
    """

HANDING_OUT = """
    import time

    def batches():
        for step in range(3):
            time.sleep(0.005)
        for item in range(2):
            time.sleep(0.02)
            yield item

    for epoch in range(3):
        print(list(batches()))
    """


NOT_READ_AGAIN = """
    import time

    def items():
        yield from (1, 2)

    total = 0
    for epoch in range(3):
        for step in range(3):
            time.sleep(0.02)
            total += step
        for step in range(3):
            time.sleep(0.02)
            total += step
        held = items()
        next(held)
        print(total)
    """


class IteratorsOfPrograms(unittest.TestCase):
    def recorded(self, project: Project, *exits: str) -> Recording:
        """A recording with checkpoints behind these loops; on a busy machine there may be few of them."""
        for _ in range(6):
            recording = project.record("train.py", budget=1000)
            if set(exits) <= {c["at"][-1][0] for c in recording.of("checkpoint") if c["kind"] == "exit"}:
                return recording
        self.fail(f"no recording has checkpoints behind {exits}")

    def test_are_started_once_for_each_loop(self) -> None:
        project = Project({"train.py": ITERATOR})
        self.addCleanup(project.remove)
        plain = project.plain("train.py")
        recording = project.record("train.py", budget=1000)
        self.assertEqual(recording.result.stderr, "")
        self.assertEqual(recording.result.stdout, plain.stdout)
        messages = recording.replay(checks="all")
        self.assertEqual(texts(messages, "log"), plain.stdout.splitlines())
        differences = [m["difference"] for m in messages if m["t"] == "check"]
        self.assertEqual(differences, [None] * len(differences))
        self.assertTrue(differences)

    def test_that_cannot_be_stored_leave_checks_without_a_word(self) -> None:
        """Reading such a checkpoint runs code of the program's, which needs what is not there."""
        project = Project({"train.py": OVER_A_GENERATOR})
        self.addCleanup(project.remove)
        recording = project.record("train.py", budget=1000)
        self.assertEqual(recording.result.stdout, "0 1\n1 2\n2 3\n", recording.result.stderr)
        messages = recording.replay({}, checks="all")
        self.assertEqual(messages[-1]["status"], "finished", messages[-1])
        self.assertEqual(texts(messages, "log"), ["0 1", "1 2", "2 3"])
        self.assertEqual({m["difference"] for m in messages if m["t"] == "check"} - {None}, set())

    def test_behind_a_generators_own_loop_are_seen_alike(self) -> None:
        """A recording and a replay agree about what a loop shares with variables."""
        project = Project({"train.py": SHARED_WITHIN_A_GENERATOR})
        self.addCleanup(project.remove)
        recording = project.record("train.py", budget=1000)
        messages = recording.replay({}, checks="all")
        differences = [m["difference"] for m in messages if m["t"] == "check"]
        self.assertGreater(len(differences), 10)
        self.assertEqual(set(differences), {None})

    def test_are_not_skipped_where_they_hand_out_items(self) -> None:
        project = Project({"train.py": HANDING_OUT})
        self.addCleanup(project.remove)
        recording = self.recorded(project, "train.py:7:4", "train.py:5:4")
        self.assertEqual(recording.result.stdout, "[0, 1]\n" * 3, recording.result.stderr)
        exits = [c for c in recording.of("checkpoint") if c["kind"] == "exit"]
        lost = {c["at"][-1][0]: c["lost"] for c in exits}
        self.assertEqual(lost.pop("train.py:7:4"), ["items that the loop at train.py:7:4 has handed out"])
        self.assertEqual(lost["train.py:5:4"], [])

    def test_of_no_use_any_more_are_missed_by_no_check(self) -> None:
        project = Project({"train.py": NOT_READ_AGAIN})
        self.addCleanup(project.remove)
        for _ in range(6):  # on a busy machine there may be few checkpoints
            recording = project.record("train.py", budget=1000)
            at = [c["at"] for c in recording.of("checkpoint")]
            if [["train.py:8:0", 0, 1]] in at and {(1, 2), (2, 2)} <= {(a[0][2], len(a)) for a in at}:
                break
        second = next(c for c in recording.of("checkpoint") if c["at"] == [["train.py:8:0", 0, 1]])
        self.assertEqual((second["kind"], second["lost"]), ("boundary", []))
        jump = {"at": [["train.py:8:0", 0, 0]], "to": 1, "checkpoint": second["n"]}
        messages = recording.replay({}, jumps=[jump], checks="all")
        self.assertEqual(sum(m["t"] == "jump" for m in messages), 1)
        checks = {m["checkpoint"]: m["difference"] for m in messages if m["t"] == "check"}
        self.assertEqual(set(checks.values()), {None})
        # What is compared while the lost generator's stand-in is there would only show that.
        seen = {c["at"][0][2] for c in recording.of("checkpoint") if c["n"] in checks}
        self.assertIn(2, seen)
        inner = [c for c in recording.of("checkpoint") if c["at"][0][2] == 1 and len(c["at"]) == 2]
        self.assertTrue(inner)
        self.assertEqual([c["n"] for c in inner if c["n"] in checks], [])

    def test_inside_a_librarys_generator_are_found(self) -> None:
        from hindsight_runtime.loops import driven_by_generator

        def of_the_program():
            yield 1

        def of_a_library(items):
            yield from items

        def is_project_code(code):
            return code is of_the_program.__code__

        self.assertTrue(driven_by_generator(of_a_library(of_the_program()), is_project_code))
        self.assertTrue(driven_by_generator(enumerate(of_the_program()), is_project_code))
        self.assertFalse(driven_by_generator(of_a_library(range(3)), is_project_code))


if __name__ == "__main__":
    unittest.main()
