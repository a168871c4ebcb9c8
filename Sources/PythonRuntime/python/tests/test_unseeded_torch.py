"""torch seeds itself at random: a program that leaves it at that is replayed with the run's own seed."""

from __future__ import annotations

import importlib.util
import unittest

from .recorded_program import Project, texts
from .test_replaying import with_probe

PROGRAM = """
    import torch
    import time

    weights = torch.randn(4)
    for epoch in range(4):
        weights += torch.rand(4)
        time.sleep(0.05)
        print("epoch", epoch)
    print(weights.sum().item())
    """


@unittest.skipUnless(importlib.util.find_spec("torch"), "torch is not installed")
class UnseededTorch(unittest.TestCase):
    def test_the_runs_own_seed_is_used(self) -> None:
        project = Project({"train.py": PROGRAM})
        self.addCleanup(project.remove)
        recording = project.record("train.py")
        edited = with_probe(PROGRAM, "print(weights", 'print("last", weights.sum().item())')
        messages = recording.replay({"train.py": edited}, checks="all")
        self.assertEqual(texts(messages), ["last " + recording.result.stdout.split()[-1]])
        checks = [message["difference"] for message in messages if message["t"] == "check"]
        self.assertTrue(checks)
        self.assertEqual([difference for difference in checks if difference], [])


if __name__ == "__main__":
    unittest.main()
