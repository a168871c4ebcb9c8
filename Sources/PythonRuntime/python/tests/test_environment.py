"""The facts that decide bits are told whole, from both sides, and so is what a program read by its end."""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
import types
import unittest
from unittest import mock

from hindsight_runtime.environment import Facts

from .recorded_program import Project

LOOPLESS = """
    import time

    stamps = [time.time(), time.time(), time.time()]
    """


class FactsTests(unittest.TestCase):
    def test_a_fact_that_changes_names_its_values_in_turn(self) -> None:
        count = "os.sched_getaffinity" if hasattr(os, "sched_getaffinity") else "os.cpu_count"
        facts = Facts()
        with mock.patch(count, side_effect=[{0, 1}, {0, 1}, {0}]):
            first = facts.news()
            assert first is not None
            self.assertEqual(first["cpu.count"], 2)
            self.assertIsNone(facts.news())
            later = facts.news()
            assert later is not None
            self.assertEqual(later["cpu.count"], "2, then 1")

    def test_variables_are_those_that_the_process_was_started_with(self) -> None:
        with mock.patch.dict(os.environ, {"OMP_NUM_THREADS": "3"}):
            facts = Facts()
            os.environ["KMP_INIT_AT_FORK"] = "FALSE"
            told = facts.news()
        assert told is not None
        self.assertEqual(told["env.OMP_NUM_THREADS"], "3")
        self.assertNotIn("env.KMP_INIT_AT_FORK", told)

    def test_loaded_packages_tell_their_versions(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            site = os.path.join(folder, "site-packages")
            os.makedirs(os.path.join(site, "quiet_package-4.5.dist-info"))
            plain = types.ModuleType("open_package")
            plain.__file__ = os.path.join(site, "open_package", "__init__.py")
            plain.__version__ = "1.2"  # type: ignore[attr-defined]
            silent = types.ModuleType("quiet_package")
            silent.__file__ = os.path.join(site, "quiet_package", "__init__.py")
            own = types.ModuleType("own_module")
            own.__file__ = os.path.join(folder, "own_module.py")
            own.__version__ = "9"  # type: ignore[attr-defined]
            modules = {"open_package": plain, "quiet_package": silent, "own_module": own}
            with mock.patch.dict(sys.modules, modules):
                told = Facts().news()
        assert told is not None
        self.assertEqual(told["library.open_package"], "1.2")
        self.assertEqual(told["library.quiet_package"], "4.5")
        self.assertNotIn("library.own_module", told)


class EndOfRunTests(unittest.TestCase):
    def setUp(self) -> None:
        self.project = Project({"train.py": LOOPLESS})
        self.addCleanup(self.project.remove)
        self.recording = self.project.record("train.py")
        self.edited = {"train.py": textwrap.dedent(LOOPLESS) + "print(len(stamps))\n"}

    def test_a_program_without_loops_and_logs_tells_its_facts(self) -> None:
        recorded = self.recording.of("fingerprint")[-1]["facts"]
        replayed = self.recording.replay(self.edited)
        told = [message["facts"] for message in replayed if message["t"] == "fingerprint"]
        self.assertEqual(told, [recorded])
        self.assertEqual([m for m in replayed if m["t"] == "check"], [])

    def test_entropy_that_is_left_over_or_missing_is_a_difference(self) -> None:
        entropy = [{"source": e["source"], "value": e["value"]} for e in self.recording.of("entropy")]
        self.assertEqual(len(entropy), 3)
        for other in (entropy[:2], [*entropy, entropy[0]]):
            replayed = self.recording.replay(self.edited, entropy=other)
            differences = [m["difference"] for m in replayed if m["t"] == "check"]
            self.assertEqual(len(differences), 1)
            self.assertIn("clocks or random seeds", differences[0])


if __name__ == "__main__":
    unittest.main()
