"""Running the sample programs of the state tests, each in processes of its own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import textwrap
import unittest
from typing import Any

_DRIVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "state_driver.py")


class ProgramCase(unittest.TestCase):
    def check(
        self, sources: dict[str, str], lost: tuple[str, ...] = (), at: tuple[int, ...] | None = None
    ) -> list[dict[str, Any]]:
        """Records `main.py`, then goes on from every boundary (or those of `at`) in a fresh process."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in sources.items():
                path = os.path.join(folder, "project", name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w") as file:
                    file.write(textwrap.dedent(text))
            main, out = os.path.join(folder, "project", "main.py"), os.path.join(folder, "out")
            said = self._run("record", main, out)
            self.assertEqual([], [x for x in said if x.startswith("problem")])
            losses = [x.partition(": ")[2] for x in said if x.startswith("lost")]
            self.assertEqual(sorted(lost), sorted(set(" ".join(losses).split())))
            with open(out, "rb") as file:
                boundaries = pickle.load(file)["boundaries"]
            for index in range(len(boundaries)) if at is None else at:
                with self.subTest(boundary=index):
                    said = self._run("replay", main, out, str(index % len(boundaries)))
                    self.assertEqual([], [x for x in said if x.startswith("problem")])
                    self.assertTrue(any(x.startswith("values:") for x in said), said)
            return boundaries

    def _run(self, *arguments: str) -> list[str]:
        environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-W", "error::RuntimeWarning", _DRIVER, *arguments],
            capture_output=True,
            text=True,
            env=environment,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertEqual("", done.stderr)
        return done.stdout.splitlines()
