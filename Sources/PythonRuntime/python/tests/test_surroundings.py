"""What installed libraries take from where the program runs: random seeds are those of the run, other values are
made so where the replay first meets them."""

from __future__ import annotations

import unittest
from typing import Any

from .recorded_program import Project, texts
from .test_replaying import with_probe

LIBRARY = """
    import random
    import time


    class Session:
        def __init__(self):
            self.started = time.time()
            self.name = f"run-{time.time_ns()}"
            self.rng = random.Random()
    """

PROGRAM = """
    import os
    import sys
    import time

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages"))
    import tracking

    session = tracking.Session()
    total = 0.0
    for epoch in range(4):
        time.sleep(0.03)
        total += session.rng.random()
    print(session.started, session.name, total)
    """


class Surroundings(unittest.TestCase):
    def setUp(self) -> None:
        project = Project({"train.py": PROGRAM, "site-packages/tracking.py": LIBRARY})
        self.addCleanup(project.remove)
        self.recording = project.record("train.py", budget=1.0)

    def replay(self, statement: str, probe: str) -> list[dict[str, Any]]:
        edited = with_probe(PROGRAM, statement, probe)
        return self.recording.replay({"train.py": edited}, checks="all")

    def test_an_unseeded_generator_of_a_library_draws_as_it_did(self) -> None:
        started, name, total = self.recording.result.stdout.split()
        messages = self.replay("total +=", 'print("total", total)')
        self.assertEqual(texts(messages)[-1], f"total {total}")

    def test_what_was_made_as_recorded_is_said_and_stays_so(self) -> None:
        started, name, total = self.recording.result.stdout.split()
        messages = self.replay("total +=", "print(session.started, session.name)")
        first, *others = [m for m in messages if m["t"] == "check"]
        behind = texts(messages[messages.index(first) :])
        self.assertEqual(behind, [f"{started} {name}"] * len(behind))
        self.assertGreater(len(behind), 1)
        self.assertIn("session", first["difference"])
        self.assertTrue(first["aligned"])
        self.assertEqual([m["difference"] for m in others], [None] * len(others))

    def test_other_data_are_not_made_as_recorded(self) -> None:
        messages = self.replay("session = tracking", "session.items = [1, 2]")
        self.assertTrue(all("aligned" not in m for m in messages if m["t"] == "check"))


if __name__ == "__main__":
    unittest.main()
