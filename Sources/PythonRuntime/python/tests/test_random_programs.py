"""Random programs with random probes, replayed in several ways, against foresight.

`HINDSIGHT_RANDOM_PROGRAMS=1000` runs more of them; `HINDSIGHT_RANDOM_SEED` starts elsewhere.
"""

from __future__ import annotations

import os
import random
import unittest

from hindsight_runtime.analysis.probes import match_file
from hindsight_runtime.analysis.reach import loops_to_execute
from hindsight_runtime.analysis.recorded import RecordedProgram
from hindsight_runtime.analysis.source import Source

from .random_program import Generator
from .recorded_program import Project, Recording

COUNT = int(os.environ.get("HINDSIGHT_RANDOM_PROGRAMS", "12"))
SEED = int(os.environ.get("HINDSIGHT_RANDOM_SEED", "1"))


class RandomPrograms(unittest.TestCase):
    def test_against_foresight(self) -> None:
        self.plans = self.jumps = self.hits = 0
        for seed in range(SEED, SEED + COUNT):
            with self.subTest(seed=seed):
                self.try_program(seed)
        # The comparison must have had something to compare.
        self.assertGreater(self.hits, COUNT)
        self.assertGreater(self.jumps, COUNT // 4)

    def try_program(self, seed: int) -> None:
        generator = Generator(seed)
        text = generator.program()
        edited = generator.with_probes(text)
        project = Project({"train.py": text, "edited.py": edited})
        try:
            plain = project.plain("train.py")
            foresight = project.plain("edited.py")
            if foresight.returncode or len(plain.stdout) > 200_000:
                return  # a probe that raises, or a program that runs away, has no answer to compare with
            recording = project.record("train.py", budget=1000)
            self.assertEqual(recording.result.stdout, plain.stdout)
            self.assertEqual(recording.result.returncode, plain.returncode)
            self.assertEqual(recording.of("note"), [])
            self.assertEqual(len(recording.of("end")), 1)
            expected = [line for line in foresight.stdout.splitlines() if line.startswith("P ")]
            self.check(recording, text, edited, expected, random.Random(seed))
        finally:
            project.remove()

    def check(
        self, recording: Recording, text: str, edited: str, expected: list, choice: random.Random
    ) -> None:
        program = RecordedProgram([("train.py", text)])
        match = match_file(program, "train.py", Source("train.py", edited))
        self.assertEqual([change.message for change in match.changes], [])
        execute = set(loops_to_execute(program, match.additions))
        usable = [c for c in recording.of("checkpoint") if not c["lost"]]

        everything = recording.replay({"train.py": edited}, checks="all")
        self.compare(recording, everything, expected)

        skipping = recording.replay({"train.py": edited}, jumps=skips(usable, execute))
        self.compare(recording, skipping, expected)

        boundaries = [c for c in usable if c["kind"] == "boundary" and c["at"][-1][2] > 0]
        if boundaries:
            chosen = choice.choice(boundaries)
            place = [*chosen["at"][:-1], [*chosen["at"][-1][:2], 0]]
            jump = {"at": place, "to": chosen["at"][-1][2], "checkpoint": chosen["n"]}
            later = [c["n"] for c in recording.of("checkpoint") if c["key"] > chosen["key"]]
            messages = recording.replay({"train.py": edited}, jumps=[jump], checks=later)
            taken = next((m for m in messages if m["t"] == "jump"), None)
            self.assertIsNotNone(taken)
            passed = [
                m["key"] for m in everything if m["t"] == "hit" and taken["from"] < m["key"] < taken["to"]
            ]
            kept = [m for m in everything if m["t"] == "hit" and m["key"] not in passed]
            self.compare(recording, messages, [m["text"] for m in kept])

    def compare(self, recording: Recording, messages: list, expected: list) -> None:
        self.plans += 1
        self.jumps += sum(m["t"] == "jump" for m in messages)
        hits = [m["text"] for m in messages if m["t"] == "hit"]
        self.hits += len(hits)
        self.assertEqual([m for m in messages if m["t"] in ("unusable", "probe-error")], [])
        self.assertEqual(hits, expected)
        differences = [m["difference"] for m in messages if m["t"] == "check"]
        self.assertEqual(differences, [None] * len(differences))
        recorded = {tuple(m["key"]): (m["site"], m["text"]) for m in recording.of("log")}
        replayed = {tuple(m["key"]): (m["site"], m["text"]) for m in messages if m["t"] == "log"}
        self.assertEqual(replayed, {key: recorded.get(key) for key in replayed})


def skips(checkpoints: list, execute: set) -> list:
    """Jumps over every loop activation that comes to no probe, the outermost ones only."""
    jumps: list = []
    skipped: list = []
    for checkpoint in sorted(checkpoints, key=lambda c: len(c["at"])):
        at = checkpoint["at"]
        if checkpoint["kind"] != "exit" or any(position[0] in execute for position in at[-1:]):
            continue
        if any(is_inside(at, outer) for outer in skipped):
            continue
        skipped.append(at)
        place = [*at[:-1], [*at[-1][:2], 0]]
        jumps.append({"at": place, "to": None, "checkpoint": checkpoint["n"]})
    return jumps


def is_inside(at: list, outer: list) -> bool:
    """Whether a coordinate lies in the activation that another one is in."""
    depth = len(outer) - 1
    return len(at) > depth and at[:depth] == outer[:depth] and at[depth][:2] == outer[depth][:2]


if __name__ == "__main__":
    unittest.main()
