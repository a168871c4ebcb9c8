"""Tells a replay which modules of installed packages are not what the run loaded.

Another version is a fact of its own (`environment`). What is edited in place keeps its version: a package that is
installed for editing, a line that somebody changed in the environment's folder.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import time
from base64 import urlsafe_b64encode
from importlib.machinery import ModuleSpec
from typing import Callable, Optional

from .programs import RUNTIME_FOLDER

_PACKAGE_FOLDERS = ("site-packages", "dist-packages")


class InstalledModules:
    """Looks at modules as they are found; `tell` takes a sentence about one that is younger than the run."""

    def __init__(self, run_began: float, tell: Callable[[str], None]) -> None:
        self._run_began = run_began
        self.begin()
        self._tell = tell
        self._own = (os.path.dirname(os.__file__) + os.sep, os.path.dirname(RUNTIME_FOLDER) + os.sep)
        #: By folder of installed packages, the digests that their lists name, by path.
        self._listed: dict[str, dict[str, str]] = {}

    def begin(self) -> None:
        """The replay starts, or what was forked from it."""
        #: What it writes itself, for instance what it compiles, is as it was in the run.
        self._replay_began = time.time()

    def examine(self, spec: ModuleSpec) -> None:
        path = spec.origin
        if not spec.has_location or path is None:
            return
        path = os.path.abspath(path)
        folder = _package_folder(path)
        if folder is None and path.startswith(self._own):
            return  # the standard library has the interpreter's version
        try:
            changed = os.stat(path).st_mtime
        except OSError:
            return  # importing it says it better
        if not self._run_began < changed < self._replay_began:
            return
        if folder is None or not self._is_as_listed(folder, path):
            self._tell(f"{path} has changed since the run")

    def _is_as_listed(self, folder: str, path: str) -> bool:
        """Whether a file is what its package brought: the same version was only installed anew."""
        if folder not in self._listed:
            self._listed[folder] = _listed_digests(folder)
        listed = self._listed[folder].get(os.path.relpath(path, folder))
        if listed is None:
            return False
        try:
            with io.open_code(path) as file:  # not through `open`: it is not the program that reads
                digest = hashlib.sha256(file.read()).digest()
        except OSError:
            return False
        return urlsafe_b64encode(digest).rstrip(b"=").decode() == listed


def _package_folder(path: str) -> Optional[str]:
    parts = path.split(os.sep)
    for position in range(len(parts) - 1, -1, -1):
        if parts[position] in _PACKAGE_FOLDERS:
            return os.sep.join(parts[: position + 1])
    return None


def _listed_digests(folder: str) -> dict[str, str]:
    result = {}
    for entry in os.listdir(folder):
        if not entry.endswith(".dist-info"):
            continue
        try:
            data = io.open_code(os.path.join(folder, entry, "RECORD"))
            with io.TextIOWrapper(data, "utf-8", newline="") as file:
                for row in csv.reader(file):
                    if len(row) > 1 and row[1].startswith("sha256="):
                        result[row[0]] = row[1][len("sha256=") :]
        except (OSError, UnicodeDecodeError, csv.Error):
            continue
    return result
