"""Large buffers that nobody changes: whether their bytes are as they were, without a look at the bytes."""

from __future__ import annotations

import mmap
from typing import Callable, Optional

from .writtenpages import Mappings, WrittenPages

#: Smaller buffers are compared as fast as the kernel is asked.
SMALLEST = 2**20
#: Each costs time at every checkpoint, however little.
MOST = 1000

#: Address and size in the program's memory.
Key = tuple[int, int]
#: Whether the bytes from here to there are those that were handed over.
Compare = Callable[[int, int], bool]


class _Buffer:
    def __init__(self) -> None:
        #: How often in a row it was found equal, and how often that must be before it is watched.
        self.calm = 0
        self.patience = 1
        self.is_watched = False
        #: It was compared once more since: what was on its way past the page tables has arrived.
        self.is_settled = False
        self.filling = 0


class QuietMemory:
    """A buffer that was found equal is watched; when it is written to, it is left alone for longer and longer, since
    each page of it has cost the program a fault.

    Where one is watched, its pages were protected before the bytes were compared or copied. What is not written to
    since is therefore what was handed over, then or at any time after.
    """

    def __init__(self) -> None:
        self._pages: Optional[WrittenPages] = None
        self._mappings: Optional[Mappings] = None
        self._is_off = False
        self._buffers: dict[Key, _Buffer] = {}
        self._filling = 0

    def is_unchanged(self, key: Key, compare: Compare) -> bool:
        address, size = key
        if size < SMALLEST or self._is_off:
            return compare(0, size)
        buffer = self._buffers.setdefault(key, _Buffer())
        buffer.filling = self._filling
        if buffer.is_watched:
            if self._is_unwritten(key):
                start, end = _whole_pages(key)
                edges = compare(0, start - address) and compare(end - address, size)
                if buffer.is_settled:
                    return edges
                if compare(start - address, end - address):
                    buffer.is_settled = True
                    return edges
                if self._is_unwritten(key):
                    self.close()  # somebody writes whom the kernel does not see
                    return False
            self._leave(key, buffer)
        elif buffer.calm >= buffer.patience:
            self._watch(key, buffer)
        is_same = compare(0, size)
        buffer.calm = buffer.calm + 1 if is_same else 0
        if not is_same and buffer.is_watched:
            self._leave(key, buffer)
        return is_same

    def finish(self) -> None:
        """At the end of a filling: what was no part of it may be other data by the next."""
        if self._mappings is not None and self._pages is not None:
            # Asked after the pages were protected: whoever gets hold of them later is seen.
            try:
                if self._pages.may_be_bypassed():
                    self.close()
            except OSError:
                self.close()
        self._mappings = None
        for key, buffer in list(self._buffers.items()):
            if buffer.filling != self._filling:
                self._leave(key, buffer)
                del self._buffers[key]
        self._filling += 1

    def close(self) -> None:
        self._is_off = True
        self._buffers.clear()
        if self._pages is not None:
            self._pages.close()
            self._pages = None

    def _is_unwritten(self, key: Key) -> bool:
        assert self._pages is not None
        try:
            return self._pages.are_unwritten(*_whole_pages(key))
        except OSError:
            return False

    def _watch(self, key: Key, buffer: _Buffer) -> None:
        if sum(other.is_watched for other in self._buffers.values()) >= MOST:
            return
        start, end = _whole_pages(key)
        # To protect pages anew hides from others that they were written to.
        for other, one in self._buffers.items():
            if one.is_watched and other[0] < end and start < other[0] + other[1]:
                self._leave(other, one)
        try:
            if self._pages is None:
                self._pages = WrittenPages()
            if self._mappings is None:
                self._mappings = Mappings()
            around = self._mappings.around(start, end)
        except (OSError, ValueError, AttributeError):
            self.close()
            return
        try:
            if around is None:
                raise OSError("it is no private memory")
            self._pages.watch(start, end, around)
        except OSError:
            buffer.patience *= 2
            buffer.calm = 0
            return
        buffer.is_watched, buffer.is_settled = True, False

    def _leave(self, key: Key, buffer: _Buffer) -> None:
        if buffer.is_watched and self._pages is not None:
            try:
                self._pages.leave(*_whole_pages(key))
            except OSError:
                pass
        buffer.is_watched = buffer.is_settled = False
        buffer.calm = 0
        buffer.patience *= 2


def _whole_pages(key: Key) -> tuple[int, int]:
    address, size = key
    page = mmap.PAGESIZE
    return -(-address // page) * page, (address + size) // page * page
