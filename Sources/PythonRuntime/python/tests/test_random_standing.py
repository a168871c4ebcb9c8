"""Random programs with random probes: a standing worker's children against workers that begin with the probes."""

from __future__ import annotations

import random
import unittest
from typing import Any

from . import random_words as words
from .random_probes import Probes
from .random_program import MAIN, Generator
from .recorded_program import Project
from .standing_program import Standing
from .test_random_programs import COUNT, SEED
from .test_standing import told


class RandomStanding(unittest.TestCase):
    def test_against_fresh_workers(self) -> None:
        self.warm = self.cold = 0
        for seed in range(SEED, SEED + (COUNT + 2) // 3):
            with self.subTest(seed=seed):
                self.try_program(seed)
        self.assertGreater(self.warm, COUNT // 3, f"{self.cold} cold")

    def try_program(self, seed: int) -> None:
        generator = Generator(seed)
        choice = random.Random(seed)
        project = Project(generator.program())
        project.write("site-packages/entropy.py", words.SOURCE_OF_ENTROPY)
        try:
            recording = project.record(MAIN, budget=1000)
            project.variables["ENTROPY"] = "1000"
            outer = [c["at"][0][:2] for c in recording.of("checkpoint") if len(c["at"]) == 1]
            if not outer or len(recording.result.stdout) > 200_000:
                return
            loop, occurrence = choice.choice(outer)
            standing = Standing(recording, loop, occurrence)
            try:
                self.assertIsNone(standing.refusal)
                for number in range(4):
                    edited = Probes(generator, 100 * seed + number).edited().texts
                    for plan in self.plans(recording, [loop, occurrence], standing.key, choice):
                        messages = standing.replay(edited, **plan)
                        if messages[-1]["t"] == "cold":
                            self.cold += 1
                            continue
                        self.warm += 1
                        self.assertEqual(told(messages), told(recording.replay(edited, **plan)))
            finally:
                standing.close()
        finally:
            project.remove()

    @staticmethod
    def plans(recording: Any, activation: list, key: list, choice: random.Random) -> Any:
        # A standing worker has checked nothing before it stood.
        yield {"checks": [c["n"] for c in recording.of("checkpoint") if c["key"] >= key]}
        inside = [
            c
            for c in recording.of("checkpoint")
            if c["kind"] == "boundary"
            and c["at"][0][:2] == activation
            and c["at"][-1][2] > 0
            and not c["lost"]
        ]
        if inside:
            chosen = choice.choice(inside)
            place = [*chosen["at"][:-1], [*chosen["at"][-1][:2], 0]]
            jump = {"at": place, "to": chosen["at"][-1][2], "checkpoint": chosen["n"]}
            later = [c["n"] for c in recording.of("checkpoint") if c["key"] > chosen["key"]]
            yield {"jumps": [jump], "checks": later}


if __name__ == "__main__":
    unittest.main()
