"""Open files in a forked child: it shares their positions with its siblings until it opens them anew."""

from __future__ import annotations

import os
import stat
from typing import Collection, Iterator, Optional

from .forks import CannotFork


def inherited() -> list[int]:
    """To be called before the program runs: what is open then came from outside and is nothing to it."""
    return [descriptor for descriptor, _ in _open_descriptors(())]


def check(own: Collection[int]) -> None:
    """Raises `CannotFork` where something is open that cannot be opened anew. `own` are Hindsight's."""
    for descriptor, info in _open_descriptors(own):
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        mode = info.st_mode
        if stat.S_ISREG(mode) and (path.endswith(" (deleted)") or not info.st_nlink):
            raise CannotFork(f"the program holds a file without a name, {path}")
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISCHR(mode)):
            raise CannotFork(f"the program holds a connection, {path}")


def reopen(own: Collection[int]) -> None:
    for descriptor, info in _open_descriptors(own):
        if not (stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)):
            continue
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        flags = _flags(descriptor)
        if flags is None:
            raise CannotFork(f"{path} cannot be opened anew")
        flags &= ~(os.O_CREAT | os.O_EXCL | os.O_TRUNC)
        position = os.lseek(descriptor, 0, os.SEEK_CUR) if stat.S_ISREG(info.st_mode) else None
        is_inherited = os.get_inheritable(descriptor)
        another = os.open(path, flags | os.O_CLOEXEC)
        os.dup2(another, descriptor, inheritable=is_inherited)
        os.close(another)
        if position is not None:
            os.lseek(descriptor, position, os.SEEK_SET)


def _open_descriptors(own: Collection[int]) -> Iterator[tuple[int, os.stat_result]]:
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        # Input is empty; output goes to a log that nobody reads by position.
        if descriptor <= 2 or descriptor in own:
            continue
        try:
            info = os.fstat(descriptor)
        except OSError:
            continue  # it was the listing's own
        yield descriptor, info


def _flags(descriptor: int) -> Optional[int]:
    with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as file:
        for line in file:
            if line.startswith("flags:"):
                return int(line.split()[1], 8)
    return None
