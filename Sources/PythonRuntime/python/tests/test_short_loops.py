"""Loops too short to observe are left alone, and answers stay the same."""

from __future__ import annotations

import unittest

from .recorded_program import Project, texts
from .test_replaying import with_probe

PROGRAM = """
    import random
    import time

    random.seed(5)
    table = [0.0] * 4


    def update(amount):
        for i, slope in enumerate((amount, 2 * amount, 3 * amount)):
            table[i] += slope
        k = 0
        while k < 3:
            k += 1
            table[3] += k * amount


    for epoch in range(8):
        for batch in range(300):
            update(random.random())
        time.sleep(0.02)
        print("epoch", epoch, sum(table))
    """


#: What goes on in `drawn` between two of its items is no event once `update` is left alone.
GENERATOR = PROGRAM.replace(
    "for epoch in range(8):",
    """def draw():
        while True:
            for turn in range(2):
                update(turn)
                yield turn


    drawn = draw()
    for epoch in range(8):
        next(drawn)""",
)


class ShortLoopsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.project = Project({"train.py": PROGRAM})
        self.addCleanup(self.project.remove)
        self.recording = self.project.record("train.py", budget=1000)
        self.left_alone = {
            m["name"] for m in self.recording.of("initial") if m["name"].startswith("short:")
        }

    def test_the_innermost_are_left_alone(self) -> None:
        self.assertEqual(self.left_alone, {"short:train.py:10:4", "short:train.py:13:4"})

    def replay(self, after: str, probe: str, **plan: object) -> list:
        edited = with_probe(PROGRAM, after, probe)
        self.project.write("edited.py", edited)
        foresight = self.project.plain("edited.py").stdout.splitlines()
        self.expected = [line for line in foresight if line.startswith("P")]
        return self.recording.replay({"train.py": edited}, **plan)

    def assert_good(self, messages: list) -> None:
        differences = [m["difference"] for m in messages if m["t"] == "check"]
        self.assertEqual(differences, [None] * len(differences))
        recorded = {tuple(m["key"]): m["text"] for m in self.recording.of("log")}
        replayed = {tuple(m["key"]): m["text"] for m in messages if m["t"] == "log"}
        self.assertEqual(replayed, recorded)

    def test_a_probe_inside_one_keeps_its_coordinate(self) -> None:
        for after, probe in (
            ("table[i] += slope", 'print("P", i, slope.hex())'),
            ("table[3] +=", 'print("P", k, table[3].hex())'),
        ):
            messages = self.replay(after, probe, checks="all")
            self.assertEqual(texts(messages), self.expected)
            self.assert_good(messages)
            last = [m for m in messages if m["t"] == "hit"][-1]
            self.assertEqual([level[:2] for level in last["it"]][:2], [["epoch", 7], ["batch", 299]])
            self.assertEqual(last["it"][2][:2], [last["it"][2][0], 2])
            keys = [m["key"] for m in messages if m["t"] == "hit"]
            self.assertEqual(keys, sorted(keys))

    def test_a_probe_inside_one_makes_no_event_of_the_generator_around_it(self) -> None:
        self.project.write("train.py", GENERATOR)
        self.recording = self.project.record("train.py", budget=0.5)
        self.assertTrue([m for m in self.recording.of("initial") if m["name"].startswith("short:")])
        place = "table[i] += slope"
        edited = with_probe(GENERATOR, place, "if i == 2: print('P', slope)")
        self.assert_good(self.recording.replay({"train.py": edited}, checks="all"))

    def test_a_jump_over_the_moment_of_leaving_alone(self) -> None:
        exits = [
            c
            for c in self.recording.checkpoints()
            if c["kind"] == "exit" and c["at"][-1][0] == "train.py:19:4"
        ]
        # How many there are depends on how fast checkpoints were stored.
        self.assertTrue(exits)
        skipped = exits[: (len(exits) + 1) // 2]
        jumps = [
            {"at": [*c["at"][:-1], [*c["at"][-1][:2], 0]], "to": None, "checkpoint": c["n"]}
            for c in skipped
        ]
        later = [c["n"] for c in self.recording.checkpoints() if c["n"] > skipped[-1]["n"]]
        messages = self.replay('print("epoch"', 'print("P", table[0].hex())', jumps=jumps, checks=later)
        self.assertEqual(texts(messages), self.expected)
        self.assert_good(messages)


if __name__ == "__main__":
    unittest.main()
