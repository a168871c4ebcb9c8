"""Which files change below some folders, whoever changes them: the kernel tells (inotify).

Libraries in C write without Python's `open` (`torch.save` does), and whatever could watch every call would
cost every program; this costs the program nothing until it is asked.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from typing import Callable, Iterator

#: What an event says (linux/inotify.h).
MODIFY, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x2, 0x40, 0x80, 0x100, 0x200
OVERFLOW, IS_FOLDER = 0x4000, 0x40000000
_WATCHED = MODIFY | MOVED_FROM | MOVED_TO | CREATE | DELETE
_ONLY_FOLDERS, _NO_LINKS = 0x01000000, 0x02000000

_EVENT = struct.Struct("iIII")

#: Seconds that the first look at the folders may take, and names that are remembered.
LONGEST_SCAN = 0.05
MOST_NAMES = 50_000


class FolderWatch:
    """Watches folders with all that is below them."""

    def __init__(self, skips: Callable[[str], bool]) -> None:
        import ctypes

        self._skips = skips
        self._library = ctypes.CDLL(None, use_errno=True)
        self._errno = ctypes.get_errno
        self._descriptor = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        self._identity = _identity(self._descriptor)
        self._folders: dict[int, str] = {}
        self._watched: set[str] = set()
        #: Paths that were there at first; None where there are too many to remember.
        self._names: set[str] | None = set()
        self.is_complete = True
        self._began = time.time_ns()

    def add(self, folder: str) -> None:
        """Begins to watch a folder and those below it, outer ones first, as far as the time allows."""
        deadline = time.perf_counter() + LONGEST_SCAN
        for path in self._tree(folder):
            if self._names is not None:
                self._names.add(path)
                if len(self._names) > MOST_NAMES:
                    self._names = None
            if time.perf_counter() > deadline:
                self.is_complete = False
                return

    def watches(self, folder: str) -> bool:
        return folder in self._watched

    def was_there(self, path: str) -> bool | None:
        """Whether a path was there at first, if that is known."""
        return None if self._names is None or not self.is_complete else path in self._names

    def changes(self) -> Iterator[tuple[str, int]]:
        """The paths that changed since the last call, with what happened; in order, some more than once."""
        while self._is_ours():
            try:
                data = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                return
            offset = 0
            while offset < len(data):
                watch, mask, _, length = _EVENT.unpack_from(data, offset)
                offset += _EVENT.size
                name = data[offset : offset + length].rstrip(b"\0")
                offset += length
                if mask & OVERFLOW:
                    yield from self._missed()
                elif watch in self._folders and name:
                    yield from self._change(os.path.join(self._folders[watch], os.fsdecode(name)), mask)

    def close(self) -> None:
        if self._is_ours():
            os.close(self._descriptor)

    def _is_ours(self) -> bool:
        """A program that becomes a daemon closes all descriptors, and gets their numbers for its own files."""
        is_ours = _identity(self._descriptor) == self._identity
        self.is_complete = self.is_complete and is_ours
        return is_ours

    def _change(self, path: str, mask: int) -> Iterator[tuple[str, int]]:
        if self._skips(path):
            return
        yield path, mask
        if mask & IS_FOLDER and mask & (CREATE | MOVED_TO):
            # What was made inside before it was watched.
            for inside in self._tree(path):
                yield inside, CREATE
        elif mask & IS_FOLDER:
            self._watched.discard(path)

    def _missed(self) -> Iterator[tuple[str, int]]:
        """The kernel dropped events: everything that is younger than the run may have changed."""
        for folder in list(self._watched):
            try:
                entries = list(os.scandir(folder))
            except OSError:
                continue
            for entry in entries:
                try:
                    is_young = entry.stat(follow_symlinks=False).st_ctime_ns >= self._began - 10**8
                except OSError:
                    continue
                if is_young and not self._skips(entry.path):
                    yield entry.path, MODIFY if self.was_there(entry.path) else CREATE

    def _tree(self, top: str) -> Iterator[str]:
        """Watches a folder and all below; gives the paths of what is in them."""
        pending = [top]
        for folder in pending:
            if folder in self._watched or not self._watch(folder):
                continue
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if self._skips(entry.path):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            pending.append(entry.path)
                        yield entry.path
            except OSError:
                continue

    def _watch(self, folder: str) -> bool:
        mask = _WATCHED | _ONLY_FOLDERS | _NO_LINKS
        watch = self._library.inotify_add_watch(self._descriptor, os.fsencode(folder), mask)
        if watch < 0:
            if self._errno() == errno.ENOSPC:
                self.is_complete = False  # the user's share of watches is used up
            return False
        self._folders[watch] = folder
        self._watched.add(folder)
        return True


def _identity(descriptor: int) -> tuple[int, int]:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino
