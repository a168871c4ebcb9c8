"""Clocks that a replay's program reads past the calls that `entropy` sees: through another name for them, or
through a library's function that gives what it read. Their values are not recorded, so what follows is marked.

In a replay each clock of `time` is an object that stands in its place and hears of every call.
"""

from __future__ import annotations

import inspect
import sys
import time
from datetime import date, timedelta
from types import FrameType
from typing import Any, Callable, Optional

NAMES = (
    *("time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns"),
    *("process_time", "process_time_ns", "thread_time", "thread_time_ns"),
    *("clock_gettime", "clock_gettime_ns"),
)
#: A library's function that lies deeper below the program than that does more than to read a clock.
DEEPEST = 4
#: So many calls and returns later it has done more than that, too.
LONGEST = 2000
#: What they read goes into no value that the program sees.
_QUIET = frozenset(("logging", "tqdm", "rich", "warnings", "threading", "queue", "selectors", "joblib"))
_SUSPENDED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
#: An integer that may be a time in seconds since 1970, or in nanoseconds.
_LARGE = 1_000_000


class Clock:
    """A clock of `time` as it was, and who hears of its calls."""

    def __init__(self, read: Callable[..., Any], hear: Callable[[str, FrameType], None]) -> None:
        self._read = read
        self._hear = hear
        self.__name__ = self.__qualname__ = read.__name__
        self.__module__ = "time"
        self.__self__ = time
        self.__doc__ = read.__doc__

    def __call__(self, *arguments: Any) -> Any:
        value = self._read(*arguments)
        self._hear(self.__name__, sys._getframe(1))
        return value

    def __reduce__(self) -> str:
        return self.__name__

    def __repr__(self) -> str:
        return repr(self._read)


class Clocks:
    """`is_project` knows the program's own sources by their path; `tell` hears of a clock's name, and where."""

    def __init__(
        self,
        is_project: Callable[[str], bool],
        is_counted: Callable[[], bool],
        tell: Callable[[str], None],
    ) -> None:
        self._is_project = is_project
        self._is_counted = is_counted
        self._tell = tell
        self._folder = inspect.getfile(inspect.currentframe() or Clock).rpartition("/")[0]
        #: The library's function that is followed to its end, and the clock that it has read.
        self._followed: Optional[tuple[FrameType, str]] = None
        self._left = 0

    def install(self) -> None:
        for name in NAMES:
            read = getattr(time, name, None)
            if read is not None:
                setattr(time, name, Clock(read, self._hear))

    def _hear(self, name: str, frame: FrameType) -> None:
        path = frame.f_code.co_filename
        if path.startswith(self._folder) or not self._is_counted():
            return
        if self._is_project(path):
            self._tell(f"time.{name}")
            return
        function = self._outermost(frame)
        if function is not None and self._followed is None and sys.getprofile() is None:
            self._followed, self._left = (function, name), LONGEST
            sys.setprofile(self._follow)

    def _outermost(self, frame: FrameType) -> Optional[FrameType]:
        """The library's function that the program called, if that was just about the clock."""
        for _ in range(DEEPEST):
            module = str(frame.f_globals.get("__name__", ""))
            caller = frame.f_back
            if caller is None or module.partition(".")[0] in _QUIET or module.startswith("importlib"):
                return None
            if caller.f_code.co_filename.startswith(self._folder):
                return None
            if self._is_project(caller.f_code.co_filename):
                return None if frame.f_code.co_flags & _SUSPENDED else frame
            frame = caller
        return None

    def _follow(self, frame: FrameType, event: str, result: Any) -> None:
        self._left -= 1
        if self._followed is None or self._left < 0:
            self._leave()
        elif event == "return" and frame is self._followed[0]:
            name, function = self._followed[1], frame.f_code.co_name
            self._leave()
            if may_be_time(result):
                self._tell(f"time.{name} in {frame.f_globals.get('__name__')}.{function}")

    def _leave(self) -> None:
        sys.setprofile(None)
        self._followed = None


def may_be_time(value: Any, depth: int = 2) -> bool:
    """Whether a clock's value may be in it, as it is or as a difference or a text."""
    if isinstance(value, (float, date, timedelta)):
        return True
    if isinstance(value, int):
        return abs(value) >= _LARGE
    if isinstance(value, str):
        return any(character.isdigit() for character in value)
    if depth and isinstance(value, (tuple, list)):
        return any(may_be_time(item, depth - 1) for item in value[:100])
    if depth and isinstance(value, dict):
        return any(may_be_time(item, depth - 1) for item in list(value.values())[:100])
    return False
