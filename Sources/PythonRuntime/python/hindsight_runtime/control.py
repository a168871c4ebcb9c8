"""The program's data at one place of a replay, kept in a file for another replay of the same stretch.

A replay with probes that could not all be watched keeps its data; one without the probes compares its own with
them. The file has no name: it comes over the channel, and each worker of a query may get the same.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from types import FrameType
from typing import Any, Callable, Optional

#: Above the descriptors that a program gets: their numbers are data, too.
LOWEST_DESCRIPTOR = 200
#: Seconds between two boundaries whose data are kept, and how often the time that it took must have passed.
INTERVAL = 0.5
RARITY = 10
#: What has more objects than can be walked in this time is not compared.
LONGEST_WALK = 10.0
#: How many times the data's size must be free on the disk.
SPARE = 4
#: In front stands the length of what says where the data are; zero where there are none.
_LENGTH = 8


class Control:
    """`mode`: "save", to keep the data where probes went unwatched; "replace", to compare with what is kept, and
    to put other data in its place; "check", to compare alone.
    """

    def __init__(self, descriptor: int, mode: str, visible: Callable[..., Any]) -> None:
        self.descriptor = descriptor
        try:
            self.descriptor = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR)
            os.close(descriptor)
        except OSError:
            pass  # a process that may not have so many
        self.mode = mode
        self._visible = visible
        self._kept = self._read_head() if mode != "save" else None
        self._last = time.perf_counter()
        self._cost = 0.0

    @property
    def is_ahead(self) -> bool:
        """Whether there are data to compare with."""
        return self._kept is not None

    def is_place(self, kind: str, key: list[int]) -> bool:
        """Whether the data that are kept are those of this place."""
        return self._kept is not None and self._kept["kind"] == kind and self._kept["key"] == key

    def is_due(self, kind: str) -> bool:
        """An exit is the only place of its kind, while boundaries come in numbers."""
        if kind == "exit" and self._cost < INTERVAL:
            return True
        return time.perf_counter() - self._last >= max(INTERVAL, RARITY * self._cost)

    def save(self, kind: str, key: list[int], frame: FrameType) -> bool:
        """Whether the data could be kept."""
        from . import state

        began = time.perf_counter()
        self._write(0, bytes(_LENGTH))  # what is cut short is nothing
        try:
            walk = state.Walk(self._visible(frame), LONGEST_WALK)
            captured = state.capture(walk, self._visible(frame, walk))
            parts = [captured.stream, *captured.buffers]
            lengths = [memoryview(part).nbytes for part in parts]
            disk = os.fstatvfs(self.descriptor)
            if disk.f_bavail * disk.f_frsize < SPARE * sum(lengths):
                return False
            head = {"kind": kind, "key": key, "layout": walk.layout, "lengths": lengths}
            text = json.dumps(head).encode()
            offset = _LENGTH + len(text)
            self._write(_LENGTH, text)
            for part in parts:
                self._write(offset, part)
                offset += memoryview(part).nbytes
            self._write(0, len(text).to_bytes(_LENGTH, "little"))
            return True
        except (state.StateError, OSError):
            return False
        finally:
            self._last = time.perf_counter()
            self._cost = self._last - began

    def difference(self, frame: FrameType) -> Optional[str]:
        """What is not as it was kept; raises a `StateError` or an `OSError` where that cannot be told."""
        from . import state

        assert self._kept is not None
        walk = state.Walk(self._visible(frame), LONGEST_WALK)
        if walk.layout != self._kept["layout"]:
            return "the program's objects are arranged in another way"
        parts, offset = [], self._kept["offset"]
        for length in self._kept["lengths"]:
            parts.append(self._read(offset, length))
            offset += length
        found = state.difference(walk, self._visible(frame, walk), bytes(parts[0]), parts[1:])
        return found and found.text

    def _read_head(self) -> Optional[dict[str, Any]]:
        length = int.from_bytes(os.pread(self.descriptor, _LENGTH, 0), "little")
        if not length:
            return None
        head = json.loads(os.pread(self.descriptor, length, _LENGTH))
        return {**head, "offset": _LENGTH + length}

    def _write(self, offset: int, data: Any) -> None:
        view = memoryview(data).cast("B")
        while view.nbytes:
            count = os.pwrite(self.descriptor, view, offset)
            view, offset = view[count:], offset + count

    def _read(self, offset: int, length: int) -> bytearray:
        data = bytearray(length)
        view = memoryview(data)
        while view.nbytes:
            count = os.preadv(self.descriptor, [view], offset)
            if not count:
                raise OSError("the file is cut short")
            view, offset = view[count:], offset + count
        return data
