"""Modules of installed packages that are not what the run loaded."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import tempfile
import time
import unittest
from base64 import urlsafe_b64encode

from hindsight_runtime.installed import InstalledModules

TEXT = b"factor = 2\n"


class InstalledModulesTests(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="hindsight-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.now = time.time()

    def told(self, path: str, age: float, text: bytes = TEXT, listed: bool = False) -> list[str]:
        """What is said of a module that was written so many seconds ago, of a run that began 100 s ago."""
        full = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(text)
        os.utime(full, (self.now - age, self.now - age))
        if listed:
            digest = urlsafe_b64encode(hashlib.sha256(TEXT).digest()).rstrip(b"=").decode()
            metadata = os.path.join(self.folder, "site-packages", "meter-1.0.dist-info")
            os.makedirs(metadata, exist_ok=True)
            with open(os.path.join(metadata, "RECORD"), "w", encoding="utf-8") as file:
                file.write(
                    f"meter/__init__.py,sha256={digest},{len(TEXT)}\nmeter-1.0.dist-info/RECORD,,\n"
                )
        spec = importlib.util.spec_from_file_location("meter", full)
        assert spec is not None
        sentences: list[str] = []
        InstalledModules(self.now - 100, sentences.append).examine(spec)
        return sentences

    def test_older_than_the_run(self) -> None:
        self.assertEqual(self.told("site-packages/meter/__init__.py", age=200), [])

    def test_changed_since(self) -> None:
        path = os.path.join(self.folder, "site-packages/meter/__init__.py")
        sentence = f"{path} has changed since the run"
        self.assertEqual(self.told("site-packages/meter/__init__.py", age=50), [sentence])
        self.assertEqual(
            self.told("site-packages/meter/__init__.py", age=50, text=b"factor = 3\n", listed=True),
            [sentence],
        )

    def test_the_same_installed_anew(self) -> None:
        self.assertEqual(self.told("site-packages/meter/__init__.py", age=50, listed=True), [])

    def test_installed_for_editing(self) -> None:
        self.assertEqual(len(self.told("elsewhere/meter.py", age=50)), 1)

    def test_made_by_the_replay(self) -> None:
        self.assertEqual(self.told("elsewhere/meter.py", age=-50), [])

    def test_built_in_and_standard(self) -> None:
        sentences: list[str] = []
        modules = InstalledModules(0, sentences.append)
        for name in ("sys", "json", "zlib", "unittest.mock"):
            spec = importlib.util.find_spec(name)
            assert spec is not None
            modules.examine(spec)
        self.assertEqual(sentences, [])


if __name__ == "__main__":
    unittest.main()
