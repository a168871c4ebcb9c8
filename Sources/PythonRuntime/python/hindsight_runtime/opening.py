"""Stands in for the built-in `open`, to be told of files before they are opened.

Audit hooks would tell more, but each costs every `id()` and `sys._getframe()` of the program 0.1–0.2 µs, which
doubles the time of a `copy.deepcopy`.
"""

from __future__ import annotations

import builtins
import inspect
import io
import os
from typing import Any, Callable, Optional


#: Paths that are remembered.
MOST_KNOWN = 20_000


class Open:
    """Behaves like the function it stands for; no function, since functions become methods in classes."""

    def __init__(self, function: Any, told: Callable[[Any, str], None]) -> None:
        self._function = function
        self._told = told
        self.__module__ = "io"  # where pickle finds it

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        try:
            file = arguments[0] if arguments else keywords["file"]
            mode = arguments[1] if len(arguments) > 1 else keywords.get("mode", "r")
            self._told(file, mode)
        except Exception:
            pass  # whatever is wrong, the function itself says it better
        return self._function(*arguments, **keywords)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._function)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)

    def __repr__(self) -> str:
        return repr(self._function)

    def __reduce__(self) -> str:
        return "open"


def install(told: Callable[[Any, str], None]) -> None:
    made: Any = Open(io.open, told)
    builtins.open = io.open = made


def writes(mode: str) -> bool:
    return any(letter in mode for letter in "wax+")


class Places:
    """Absolute paths of files that the program opens, by its own names for them."""

    def __init__(self, skips: Callable[[str], bool]) -> None:
        self._skips = skips
        self._folders: dict[str, Optional[str]] = {}
        #: What was answered before, as long as the working directory is the same.
        self._known: dict[str, Optional[str]] = {}
        self._directory = ""

    def of(self, file: Any) -> Optional[str]:
        """None for what is no file of the program's: descriptors, the system's and the interpreter's files."""
        if isinstance(file, int):
            return None
        path = os.fsdecode(file)
        if path[:1] != "/":
            directory = os.getcwd()
            if directory != self._directory:
                self._directory = directory
                self._known.clear()
        if path not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[path] = self._find(path)
        return self._known[path]

    def _find(self, path: str) -> Optional[str]:
        folder, name = os.path.split(path)
        if path[:1] != "/":
            folder = os.path.join(self._directory, folder)
        if folder not in self._folders:
            real = os.path.realpath(folder)
            self._folders[folder] = None if self._skips(os.path.join(real, name)) else real
        real_folder = self._folders[folder]
        if real_folder is None or not name or name.endswith(".pyc"):
            return None
        return os.path.join(real_folder, name)
