"""Memory that a program has asked for and not written yet is the same in recording and replay."""

from __future__ import annotations

import importlib.util
import unittest

from .recorded_program import Project

PROGRAM = """
    import time
    import numpy as np

    junk = [np.random.rand(64) for _ in range(200)]
    total = 0.0
    for epoch in range(4):
        del junk[: 40]
        table = np.empty((8, 8))
        other = np.empty_like(table, dtype=[("x", "f4"), ("n", "i2")])
        for row in range(8):
            table[row] = epoch + row
            time.sleep(0.01)
        total += table.sum()
        print(epoch, total)
    """


@unittest.skipUnless(importlib.util.find_spec("numpy"), "NumPy is not installed")
class UninitialisedMemory(unittest.TestCase):
    def test_does_not_tell_a_replay_from_its_recording(self) -> None:
        project = Project({"train.py": PROGRAM})
        self.addCleanup(project.remove)
        recording = project.record("train.py", budget=1000)
        self.assertEqual(recording.result.stderr, "")
        inner = [c for c in recording.of("checkpoint") if len(c["at"]) == 2]
        self.assertTrue(inner)
        checks = [m for m in recording.replay(checks="all") if m["t"] == "check"]
        self.assertEqual([m["difference"] for m in checks], [None] * len(recording.of("checkpoint")))


if __name__ == "__main__":
    unittest.main()
