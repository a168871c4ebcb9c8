"""Notices in a replay what runs beside the program's main thread: its threads, its pools' threads, its processes.

What they do, and when the main thread hears of it, comes out another time in another order. Threads that belong
to libraries and run nothing of the program's own do not count. What came from a companion that has ended is
as good as the program's state: where that is equal to a checkpoint, nothing that comes later can differ by it.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from types import FrameType, ModuleType
from typing import Any, Callable, Optional

#: Modules of the standard library whose threads only carry data to and fro.
_SERVANTS = tuple(
    os.path.join(os.path.dirname(os.__file__), *names)
    for names in (
        ("multiprocessing", ""),
        ("concurrent", "futures", "process.py"),
        ("logging", ""),
    )
)
#: What the threads of a `ThreadPool` run, in a module of such.
_WORKER = "worker"


class Companions:
    """`is_here` says whether this process is the program's, `is_counted` whether what happens now is its doing,
    `origin` where the program asked for what a frame of the standard library does, `place` where a file of the
    program's stands.
    """

    def __init__(
        self,
        is_here: Callable[[], bool],
        is_counted: Callable[[], bool],
        origin: Callable[[Optional[FrameType]], Optional[str]],
        place: Callable[[str], Optional[str]],
        tell: Callable[[str], None],
    ) -> None:
        self._is_here = is_here
        self._is_counted = is_counted
        self._origin = origin
        self._place = place
        self._tell = tell
        #: Sentences by what they are about, as long as it runs.
        self._threads: list[tuple[Callable[[], Optional[threading.Thread]], str]] = []
        self._processes: dict[int, str] = {}
        self._told: set[str] = set()
        #: Sentences that only the main thread can tell.
        self._waiting: list[str] = []

    def install(self) -> None:
        for name in ("_start_new_thread", "_start_joinable_thread"):
            start = getattr(threading, name, None)
            if start is not None:
                setattr(threading, name, self._starting(start))
        fork = getattr(os, "fork", None)
        if fork is not None:
            os.fork = self._forking(fork)  # type: ignore[assignment]

    def observe_processes(self, module: ModuleType) -> None:
        """`multiprocessing.process`: not every process is forked off this one."""
        plain = module.BaseProcess.start
        companions = self

        def start(self: Any) -> None:
            plain(self)
            companions._started(self.pid, sys._getframe(1))

        module.BaseProcess.start = start  # type: ignore[attr-defined]

    def speak(self) -> None:
        """Tells what other threads have found out; to be called before anything else is told."""
        while self._waiting:
            self._say(self._waiting.pop())

    def begin_anew(self) -> None:
        """The program's data are known to be those of the run: tells who may still change them."""
        self.speak()
        self._told.clear()
        for sentence in self._running():
            self._say(sentence)

    def _running(self) -> list[str]:
        self._threads = [
            (find, s) for find, s in self._threads if (thread := find()) and thread.is_alive()
        ]
        self._processes = {pid: s for pid, s in self._processes.items() if _is_running(pid)}
        return [s for _, s in self._threads] + list(self._processes.values())

    def _say(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._tell(sentence)

    # Threads

    def _starting(self, start: Callable[..., Any]) -> Callable[..., Any]:
        def starting(function: Any, *arguments: Any, **options: Any) -> Any:
            try:
                function = self._begins(function, sys._getframe(1))
            except Exception:
                pass  # the program must go on
            return start(function, *arguments, **options)

        return starting

    def _begins(self, function: Any, frame: FrameType) -> Any:
        """Takes note of a thread; what is to run in it."""
        thread = getattr(function, "__self__", None)
        if not self._is_here() or not isinstance(thread, threading.Thread):
            return function
        if self._is_counted() and not _is_servant(thread):
            where = self._origin(frame)
            if where is not None:
                sentence = f"the program's thread{_name(thread)} ({where}) runs at times of its own"
                self._threads.append((weakref.ref(thread), sentence))
                self._say(sentence)
                return function

        def observed(*arguments: Any) -> Any:
            sys.setprofile(called)
            return function(*arguments)

        def called(frame: FrameType, event: str, argument: Any) -> None:
            where = self._place(frame.f_code.co_filename) if event == "call" else None
            if where is not None and not frame.f_code.co_name.startswith("<"):
                sys.setprofile(None)
                name = f"{frame.f_code.co_name} ({where}:{frame.f_lineno})"
                sentence = (
                    f"the program's function {name} runs in a thread of a library's, at times of its own"
                )
                self._threads.append((weakref.ref(thread), sentence))
                self._waiting.append(sentence)

        return observed

    # Processes

    def _forking(self, fork: Callable[[], int]) -> Callable[[], int]:
        def forking() -> int:
            pid = fork()
            if pid:
                self._started(pid, sys._getframe(1))
            return pid

        return forking

    def _started(self, pid: Optional[int], frame: FrameType) -> None:
        try:
            if pid is None or pid in self._processes or not self._is_here() or not self._is_counted():
                return
            where = self._origin(frame)
            if where is not None:
                self._processes[pid] = (
                    f"a process that the program started ({where}) runs at times of its own"
                )
                self._say(self._processes[pid])
        except Exception:
            pass  # the program must go on


def _is_servant(thread: threading.Thread) -> bool:
    code = getattr(_target(thread), "__code__", None)
    return code is not None and code.co_filename.startswith(_SERVANTS) and code.co_name != _WORKER


def _target(thread: threading.Thread) -> Any:
    return (
        getattr(thread, "_target", None)
        or getattr(thread, "function", None)
        or getattr(type(thread), "run")
    )


def _name(thread: threading.Thread) -> str:
    name = getattr(_target(thread), "__name__", None)
    return "" if name is None or name.startswith("_") or name == _WORKER else f" {name}"


def _is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (OSError, IndexError):
        return False
