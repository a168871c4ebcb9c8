"""Notices in a replay what no recording holds: other processes and machines, the kernel's counters, C code that
the program calls by itself. What is computed from there on cannot be believed, whatever it agrees with.

Only what the program's own sources do counts, the standard library's functions between included: an installed
library that counts processors or looks for a compiler takes nothing of that into its results.
"""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any, Callable, Optional

from .programs import RUNTIME_FOLDER

_ENTROPY_FILES = ("/dev/urandom", "/dev/random", "/dev/hwrng")
#: Below `/proc`, what stays the same as long as the machine does.
_CONSTANT = (
    "/proc/cpuinfo",
    "/proc/version",
    "/proc/filesystems",
    "/proc/mounts",
    "/proc/sys/",
    "/proc/cmdline",
)
_CONSTANT_OF_PROCESS = ("cgroup", "mountinfo", "mounts", "cmdline")

#: Installed, but all that it does is to read counters.
_COUNTERS = f"{os.sep}psutil{os.sep}"

_PIPE = -1

#: Modules of this package whose functions stand in for those that the program calls.
_STAND_INS = ("opening.py", "companions.py")


class Outside:
    """Tells a sentence the first time that the program turns to each thing outside; `place` says where a file of
    the program's stands, `is_counted` whether what happens now is the program's own doing; `opened` is given the
    path and the flags of every file that is opened meanwhile.
    """

    def __init__(
        self,
        place: Callable[[str], Optional[str]],
        is_counted: Callable[[], bool],
        tell: Callable[[str], None],
        opened: Callable[[str, int], None],
    ) -> None:
        self._place = place
        self._is_counted = is_counted
        self._tell = tell
        self._file_opened = opened
        self._told: set[str] = set()
        self._library = os.path.dirname(os.__file__) + os.sep
        self._questions: dict[str, Callable[[Any, FrameType], Optional[str]]] = {
            "open": self._opened,
            "subprocess.Popen": self._started_process,
            "socket.connect": self._connected,
            "ctypes.dlopen": self._loaded,
        }

    def install(self) -> None:
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: Any) -> None:
        question = self._questions.get(event)
        if question is None:
            return
        try:
            if not self._is_counted():
                return
            frame: Optional[FrameType] = sys._getframe(1)
            if frame is not None and _is_own(frame.f_code.co_filename):
                return
            if event == "open" and isinstance(arguments[0], str):
                self._file_opened(arguments[0], arguments[2])
            what = question(arguments, frame)  # type: ignore[arg-type]
            if what is None:
                return
            where = self.origin(frame)
            if where is not None:
                self.say(f"{what} ({where}), which was not recorded")
        except Exception:
            pass  # the program must go on

    def origin(self, frame: Optional[FrameType]) -> Optional[str]:
        """Where the program asked for what a frame of the standard library does; None where nobody did."""
        while frame is not None and self._is_between(frame):
            if frame.f_code.co_name == "_find_and_load":
                return None  # an import's business
            frame = frame.f_back
        where = frame and self._place(frame.f_code.co_filename)
        return f"{where}:{frame.f_lineno}" if frame is not None and where is not None else None

    def _is_between(self, frame: FrameType) -> bool:
        path = frame.f_code.co_filename
        if path.startswith(("<frozen", RUNTIME_FOLDER)) or _COUNTERS in path:
            return True
        return path.startswith(self._library) and "-packages" not in path

    def say(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._tell(sentence)

    # What it is, in words; None where it does not matter.

    @staticmethod
    def _opened(arguments: Any, frame: FrameType) -> Optional[str]:
        if not isinstance(arguments[0], (str, bytes)):
            return None
        path = os.path.normpath(os.fsdecode(arguments[0]))
        if path in _ENTROPY_FILES:
            return f"the program read {path}"
        if not path.startswith("/proc/") or path.startswith(_CONSTANT):
            return None
        parts = path.split("/")
        return (
            None if len(parts) == 4 and parts[3] in _CONSTANT_OF_PROCESS else f"the program read {path}"
        )

    @staticmethod
    def _started_process(arguments: Any, frame: FrameType) -> Optional[str]:
        inner: Optional[FrameType] = frame
        while inner is not None and "stdout" not in inner.f_code.co_varnames:
            inner = inner.f_back
        if inner is None or _PIPE not in (inner.f_locals.get("stdout"), inner.f_locals.get("stderr")):
            return None
        name = arguments[0] if isinstance(arguments[0], str) else os.fsdecode(arguments[0])
        return f"the program read what another process, {os.path.basename(name)}, wrote"

    @staticmethod
    def _connected(arguments: Any, frame: FrameType) -> Optional[str]:
        address = arguments[1]
        shown = ":".join(map(str, address[:2])) if isinstance(address, tuple) else str(address)
        return f"the program talked to {shown}"

    @staticmethod
    def _loaded(arguments: Any, frame: FrameType) -> Optional[str]:
        name = arguments[0]
        shown = os.path.basename(os.fsdecode(name)) if name else "the C library"
        return f"the program called C functions of {shown} through ctypes"


def _is_own(path: str) -> bool:
    """What a replay opens for itself, in the middle of the program's calls."""
    return path.startswith(RUNTIME_FOLDER) and not path.endswith(_STAND_INS)
