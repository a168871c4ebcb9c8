"""Random programs with random probes, replayed in several ways, against foresight.

`HINDSIGHT_RANDOM_PROGRAMS=1000` runs more of them; `HINDSIGHT_RANDOM_SEED` starts elsewhere.
"""

from __future__ import annotations

import collections
import json
import os
import random
import unittest
from typing import Any

from hindsight_runtime.analysis.carried import loops_with_carried_values
from hindsight_runtime.analysis.moves import match_file
from hindsight_runtime.analysis.reach import loops_to_execute
from hindsight_runtime.analysis.recorded import RecordedProgram
from hindsight_runtime.analysis.source import Source

from . import random_words as words
from .random_probes import Edited, Probes
from .random_program import MAIN, Generator
from .recorded_program import Project, Recording

COUNT = int(os.environ.get("HINDSIGHT_RANDOM_PROGRAMS", "12"))
SEED = int(os.environ.get("HINDSIGHT_RANDOM_SEED", "1"))

TRACER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "naive_tracer.py")
#: Programs that go through more iterations are passed over: every boundary of every one is checked.
MOST_ITERATIONS = 60_000


class RandomPrograms(unittest.TestCase):
    def test_against_foresight(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        tried, seed = 0, SEED
        # The comparison must have something to compare, however few programs there are to be.
        while tried < COUNT or (tried < COUNT + 20 and not (self.counts["hits"] and self.counts["jumps"])):
            tried += 1
            with self.subTest(seed=seed):
                tried -= not self.try_program(seed)
            seed += 1
        print(", ".join(f"{count} {name}" for name, count in sorted(self.counts.items())))
        self.assertGreater(self.counts["hits"], 0)
        self.assertGreater(self.counts["jumps"], 0)

    def try_program(self, seed: int) -> bool:
        generator = Generator(seed)
        texts = generator.program()
        edited = Probes(generator, seed).edited()
        project = Project(texts)
        project.write("site-packages/entropy.py", words.SOURCE_OF_ENTROPY)
        try:
            foresight = look_ahead(project, edited)
            if foresight["iterations"] > MOST_ITERATIONS:
                return False
            for path, text in texts.items():
                project.write(path, text)
            plain = project.plain(MAIN)
            self.assertEqual(bool(plain.returncode), bool(foresight["status"]))
            recording = project.record(MAIN, budget=1000 if seed % 3 else 0.5)
            self.assertEqual(recording.result.stdout, plain.stdout)
            self.assertEqual(recording.result.returncode, plain.returncode)
            self.assertEqual(recording.of("note"), [])
            self.assertEqual(len(recording.of("end")), 1)
            self.counts["programs"] += 1
            project.variables["ENTROPY"] = "1000"
            self.check(recording, texts, edited, foresight, random.Random(seed))
            return True
        finally:
            project.remove()

    def check(
        self, recording: Recording, texts: dict, edited: Edited, foresight: Any, choice: random.Random
    ) -> None:
        program = RecordedProgram(list(texts.items()))
        additions = []
        for path, text in edited.texts.items():
            match = match_file(program, path, Source(path, text))
            self.assertEqual([change.message for change in match.changes], [])
            additions += match.additions
        execute = loops_to_execute(program, additions)
        continuous = set(loops_with_carried_values(program, additions, execute))
        usable = [c for c in recording.of("checkpoint") if not c["lost"]]
        expected = foresight["hits"]

        everything = recording.replay(edited.texts, checks="all")
        self.compare(recording, everything, expected)
        errors = sum(m["t"] == "probe-error" for m in everything)
        self.assertEqual(errors, foresight["errors"])

        hits = [m for m in everything if m["t"] == "hit"]
        jumps = skips(usable, set(execute))
        if jumps:
            self.compare(recording, recording.replay(edited.texts, jumps=jumps), expected)

        jumps = random_jumps([c for c in usable if c["at"][-1][0] not in continuous], choice)
        if jumps:
            last = usable[-1]["key"] if choice.random() < 0.5 else None
            later = [c["n"] for c in recording.of("checkpoint") if last is None or c["key"] > last]
            messages = recording.replay(edited.texts, jumps=jumps, checks=later)
            taken = [m for m in messages if m["t"] == "jump"]
            kept = [
                e
                for e, m in zip(expected, hits)
                if not any(jump["from"] < m["key"] < jump["to"] for jump in taken)
            ]
            self.compare(recording, messages, kept)

    def compare(self, recording: Recording, messages: list, expected: list) -> None:
        unusable = [m["reason"] for m in messages if m["t"] == "unusable"]
        if unusable:
            self.counts[f"unusable: {unusable[0]}"] += 1
            return
        self.counts["passes"] += 1
        self.counts["jumps"] += sum(m["t"] == "jump" for m in messages)
        hits = [m for m in messages if m["t"] == "hit"]
        self.counts["hits"] += len(hits)
        self.assertEqual([shown(m) for m in hits], [shown(m) for m in expected])
        for kinds in (("hit", "log"), ("log", "check")):
            keys = [m["key"] for m in messages if m["t"] in kinds]
            self.assertEqual(keys, sorted(keys))
        differences = [m["difference"] for m in messages if m["t"] == "check"]
        self.assertEqual(differences, [None] * len(differences))
        recorded = {tuple(m["key"]): (m["site"], m["text"]) for m in recording.of("log")}
        replayed = {tuple(m["key"]): (m["site"], m["text"]) for m in messages if m["t"] == "log"}
        self.assertEqual(replayed, {key: recorded.get(key) for key in replayed})


def look_ahead(project: Project, edited: Edited) -> Any:
    """Foresight: the program as it would have been with the log statements in it from the start."""
    for path, text in edited.texts.items():
        project.write(path, text)
    added = json.dumps({path: sorted(lines) for path, lines in edited.added.items()})
    answers = os.path.join(project.root, ".answers.json")
    result = project.plain(TRACER, answers, str(MOST_ITERATIONS), added, MAIN)
    if result.returncode:
        raise AssertionError(f"foresight failed:\n{result.stderr}")
    return json.loads(project.read(answers))


def shown(hit: dict) -> str:
    """What a client sees of a hit, on a line of its own."""
    return f"{hit['file']}:{hit['line']} {hit.get('it', hit.get('iteration'))} {hit['text']}"


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
        place = [*at[:-1], [*at[-1][:2], checkpoint["from"]]]
        jumps.append({"at": place, "to": None, "checkpoint": checkpoint["n"]})
    return jumps


def random_jumps(checkpoints: list, choice: random.Random) -> list:
    """Jumps from random boundaries to later ones of the same loops, of which none lies within another."""
    jumps: list = []
    passed: list = []
    boundaries = [c for c in checkpoints if c["kind"] == "boundary" and c["at"][-1][2] > c["from"]]
    for checkpoint in choice.sample(boundaries, min(len(boundaries), choice.randint(1, 4))):
        at, to, first = checkpoint["at"], checkpoint["at"][-1][2], checkpoint["from"]
        start = choice.randrange(first, to) if choice.random() < 0.5 else first
        begin, end = [*checkpoint["key"][:-1], start], checkpoint["key"]
        if all(end <= first or last <= begin for first, last in passed):
            passed.append((begin, end))
            place = [*at[:-1], [*at[-1][:2], start]]
            jumps.append({"at": place, "to": to, "checkpoint": checkpoint["n"]})
    return jumps


def is_inside(at: list, outer: list) -> bool:
    """Whether a coordinate lies in the activation that another one is in."""
    depth = len(outer) - 1
    return len(at) > depth and at[:depth] == outer[:depth] and at[depth][:2] == outer[depth][:2]


if __name__ == "__main__":
    unittest.main()
