"""Whether a process with numerical libraries in it can be forked, and what the child must do then.

A child has only the thread that called `fork`. Threads of OpenMP and OpenBLAS are let go before: their
libraries start others when there is something to do. Any other thread, or a process that the program has
started, means that the child would not be what the program was.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import sys
import time
from typing import Any, Callable, Optional

#: `omp_pause_hard`: everything that threads hold is given up.
_PAUSE_HARD = 2
_OPENMP = ("libgomp", "libiomp", "libomp")


class CannotFork(Exception):
    """The text says why."""


#: Some releases freeze objects of their own when they start.
_FROZEN_AT_START = gc.get_freeze_count()


def prepare() -> None:
    """Leaves this process with one thread and nothing that a child could not have; else raises `CannotFork`."""
    torch = sys.modules.get("torch")
    cuda = sys.modules.get("torch.cuda")
    if cuda is not None and cuda.is_initialized():
        raise CannotFork("the program uses a GPU")
    if gc.get_freeze_count() != _FROZEN_AT_START:
        raise CannotFork("the program has frozen objects, among which probes' functions may be")
    if os.path.exists("/proc/self/task") and len(_children()) > 0:
        raise CannotFork("the program has started processes")
    threads = torch.get_num_threads() if hasattr(torch, "get_num_threads") else None  # type: ignore[union-attr]
    _pause_openmp()
    if _thread_count() > 1:
        # Libraries that prepare for it let their threads go at a fork.
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        deadline = time.monotonic() + 1
        while _thread_count() > 1 and time.monotonic() < deadline:
            time.sleep(0.005)
    if _thread_count() > 1:
        raise CannotFork("the program has other threads: " + ", ".join(_thread_names()))
    if threads is not None and torch.get_num_threads() != threads:  # type: ignore[union-attr]
        torch.set_num_threads(threads)  # type: ignore[union-attr]
    shared = _shared_mapping()
    if shared is not None:
        raise CannotFork(f"the program shares memory through {shared}")


def _pause_openmp() -> None:
    for path in _mapped_files():
        if os.path.basename(path).startswith(_OPENMP):
            try:
                ctypes.CDLL(path).omp_pause_resource_all(_PAUSE_HARD)
            except (OSError, AttributeError):
                pass  # an old one; its threads are counted


def _mapped_files() -> set[str]:
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        return {line.split(None, 5)[5].rstrip("\n") for line in file if "/" in line}


def _shared_mapping() -> Optional[str]:
    """A file whose contents this process would share with its children, writable."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            fields = line.split(None, 5)
            if len(fields) < 6 or fields[1][1] != "w" or fields[1][3] != "s":
                continue
            name = fields[5].rstrip("\n")
            return name
    return None


def _thread_count() -> int:
    return len(os.listdir("/proc/self/task"))


def _thread_names() -> list[str]:
    names = set()
    for number in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{number}/comm", encoding="utf-8", errors="replace") as file:
                names.add(file.read().strip())
        except OSError:
            pass
    return sorted(names)


def _children() -> list[str]:
    found: list[str] = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children", encoding="ascii") as file:
                found += file.read().split()
        except OSError:
            pass
    return found


class Children:
    """The processes forked from this one, by the numbers that the other side gave them."""

    def __init__(self, ended: Callable[[int, int], None]) -> None:
        self._ended = ended
        self._pids: dict[int, int] = {}
        self._descriptors: dict[int, int] = {}

    def add(self, number: int, pid: int) -> None:
        try:
            os.setpgid(pid, pid)
        except OSError:
            pass  # it did so itself
        self._pids[number] = pid
        self._descriptors[number] = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1

    def descriptors(self) -> list[int]:
        return [descriptor for descriptor in self._descriptors.values() if descriptor >= 0]

    @property
    def are_there(self) -> bool:
        return bool(self._pids)

    def kill(self, number: int) -> None:
        pid = self._pids.get(number)
        if pid is not None:
            _kill_group(pid)

    def reap(self) -> None:
        for number, pid in list(self._pids.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            _kill_group(pid)  # what it started goes with it
            del self._pids[number]
            descriptor = self._descriptors.pop(number)
            if descriptor >= 0:
                os.close(descriptor)
            signal = status & 0x7F
            self._ended(number, 128 + signal if signal else status >> 8)

    def forget(self) -> None:
        """In a child: they are not its own."""
        for descriptor in self.descriptors():
            os.close(descriptor)
        self._pids.clear()
        self._descriptors.clear()


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, 9)
    except OSError:
        pass


def wait_for(readable: Any, children: Children) -> None:
    """Until there is something to read or a child has ended."""
    timeout = None if hasattr(os, "pidfd_open") else 0.02
    select.select([readable, *children.descriptors()], [], [], timeout)
