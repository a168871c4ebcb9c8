"""A replay with probes gives what the program with the probes in it would have given."""

from __future__ import annotations

import textwrap
import unittest

from .recorded_program import Project, Recording, texts

PROGRAM = """
    import random
    import time

    random.seed(3)
    weights = [random.random() for _ in range(4)]
    history = []


    def step(weights, rate):
        noise = random.gauss(0, 1)
        for i, w in enumerate(weights):
            weights[i] = w - rate * (w - noise)
        return noise


    def evaluate(weights):
        total = 0.0
        for w in weights:
            total += w * w
        return total


    started = time.time()
    for epoch in range(6):
        rate = 0.5 / (epoch + 1)
        for batch in range(5):
            noise = step(weights, rate)
            time.sleep(0.02)
        history.append(evaluate(weights))
        print("epoch", epoch, history[-1], round(time.time() - started, 6))
    print("done", len(history))
    """


def with_probe(text: str, after: str, *lines: str) -> str:
    """The text with lines put in after the first line that contains `after`, indented like that line."""
    result = []
    for line in textwrap.dedent(text).splitlines():
        result.append(line)
        if after in line and lines:
            indent = line[: len(line) - len(line.lstrip())]
            result += [indent + added for added in lines]
            lines = ()
    return "\n".join(result) + "\n"


class Replaying(unittest.TestCase):
    def setUp(self) -> None:
        self.project = Project({"train.py": PROGRAM})
        self.addCleanup(self.project.remove)
        self.recording: Recording = self.project.record("train.py")
        self.assertEqual(self.recording.of("note"), [])

    def foresight(self, edited: str, prefix: str) -> list:
        """The probe's lines from a run which had it from the start."""
        self.project.write("edited.py", edited)
        result = self.project.plain("edited.py")
        self.assertEqual(result.returncode, 0, result.stderr)
        return [line for line in result.stdout.splitlines() if line.startswith(prefix)]

    def assert_no_difference(self, messages: list) -> None:
        checks = [m for m in messages if m["t"] == "check"]
        self.assertTrue(checks)
        self.assertEqual([m["difference"] for m in checks], [None] * len(checks))

    def assert_own_records_agree(self, messages: list) -> None:
        recorded = {tuple(m["key"]): (m["site"], m["text"]) for m in self.recording.of("log")}
        replayed = {tuple(m["key"]): (m["site"], m["text"]) for m in messages if m["t"] == "log"}
        self.assertTrue(replayed)
        self.assertEqual(replayed, {key: recorded.get(key) for key in replayed})

    def test_from_the_start(self) -> None:
        edited = with_probe(PROGRAM, "noise = step(", 'print("P", epoch, batch, noise.hex())')
        messages = self.recording.replay({"train.py": edited}, checks="all")
        self.assertEqual(texts(messages), self.foresight(edited, "P"))
        self.assertEqual(messages[-1]["status"], "finished")
        self.assert_no_difference(messages)
        self.assert_own_records_agree(messages)

    def exits(self, line: int) -> list:
        return [
            c
            for c in self.recording.checkpoints()
            if c["kind"] == "exit" and c["at"][-1][0].startswith(f"train.py:{line}:")
        ]

    def test_inner_loops_skipped(self) -> None:
        edited = with_probe(PROGRAM, "history.append(", 'print("P", epoch, batch, [w.hex() for w in weights])')
        exits = self.exits(27)
        self.assertTrue(exits)
        jumps = [
            {"at": [*c["at"][:-1], [*c["at"][-1][:2], 0]], "to": None, "checkpoint": c["n"]} for c in exits
        ]
        messages = self.recording.replay({"train.py": edited}, jumps=jumps)
        self.assertEqual(texts(messages), self.foresight(edited, "P"))
        self.assertEqual(len([m for m in messages if m["t"] == "jump"]), len(jumps))
        self.assert_own_records_agree(messages)

    def test_checkpoints_of_another_format_are_refused_before_the_program_starts(self) -> None:
        edited = with_probe(PROGRAM, "history.append(", 'print("P", epoch)')
        jumps = []
        for message in self.recording.of("checkpoint"):
            message["layout"] = "1:" + message["layout"].partition(":")[2]
            if message["kind"] == "exit":
                at = message["at"]
                place = [*at[:-1], [*at[-1][:2], 0]]
                jumps.append({"at": place, "to": None, "checkpoint": message["n"]})
        self.assertTrue(jumps)
        messages = self.recording.replay({"train.py": edited}, jumps=jumps)
        refusals = [m for m in messages if m["t"] == "unusable"]
        self.assertEqual([m["concernsRun"] for m in refusals], [True])
        self.assertEqual(texts(messages), [])

    def test_jump_to_a_later_epoch(self) -> None:
        edited = with_probe(PROGRAM, "noise = step(", 'print("P", epoch, batch, noise.hex())')
        boundaries = [
            c
            for c in self.recording.checkpoints()
            if c["kind"] == "boundary" and len(c["at"]) == 1 and c["at"][0][2] > 1
        ]
        self.assertTrue(boundaries)
        chosen = boundaries[0]
        epoch = chosen["at"][0][2]
        messages = self.recording.replay(
            {"train.py": edited},
            jumps=[{"at": [[*chosen["at"][0][:2], 0]], "to": epoch, "checkpoint": chosen["n"]}],
            checks=[c["n"] for c in self.recording.checkpoints() if c["n"] > chosen["n"]],
        )
        expected = [t for t in self.foresight(edited, "P") if int(t.split()[1]) >= epoch]
        self.assertEqual(texts(messages), expected)
        self.assert_no_difference(messages)
        self.assert_own_records_agree(messages)

    def test_stop(self) -> None:
        boundary = next(
            c for c in self.recording.checkpoints() if c["kind"] == "boundary" and c["at"][0][2] > 0
        )
        messages = self.recording.replay(
            {}, checks=[boundary["n"]], stop={"kind": "boundary", "at": boundary["at"]}
        )
        self.assertEqual(messages[-1]["status"], "stopped")
        self.assert_no_difference(messages)

    def test_disturbing_probe_is_found_out(self) -> None:
        edited = with_probe(PROGRAM, "history.append(", 'print("P", random.random())')
        messages = self.recording.replay({"train.py": edited}, checks="all")
        differences = [m["difference"] for m in messages if m["t"] == "check"]
        self.assertTrue(any(differences), differences)

    def test_probe_that_raises_leaves_the_program_alone(self) -> None:
        edited = with_probe(PROGRAM, "history.append(", 'print("P", history.missing)')
        messages = self.recording.replay({"train.py": edited}, checks="all")
        errors = texts(messages, "probe-error")
        self.assertEqual(errors, ["AttributeError: 'list' object has no attribute 'missing'"] * 6)
        self.assert_no_difference(messages)

    def test_damaged_checkpoint(self) -> None:
        exits = self.exits(27)
        broken = exits[0]
        with open(broken["stream"]["file"], "r+b") as file:
            file.write(b"\xff\xff\xff")
        keep = self.recording.checkpoints
        self.recording.checkpoints = lambda: self._with_old_hash(keep(), broken)  # type: ignore
        at = [*broken["at"][:-1], [*broken["at"][-1][:2], 0]]
        messages = self.recording.replay({}, jumps=[{"at": at, "to": None, "checkpoint": broken["n"]}])
        self.assertEqual(messages[-1]["status"], "unusable")
        unusable = next(m for m in messages if m["t"] == "unusable")
        self.assertEqual(unusable["checkpoint"], broken["n"])
        self.assertIn("damaged", unusable["reason"])

    @staticmethod
    def _with_old_hash(checkpoints: list, broken: dict) -> list:
        with open(broken["stream"]["file"], "r+b") as file:
            file.write(b"\xff\xff\xff")
        return checkpoints


if __name__ == "__main__":
    unittest.main()
