"""The memory through which a program hands its state to the collector."""

from __future__ import annotations

import mmap
import os
from typing import Any, Optional, Sequence

from .channel import Channel
from .quietmemory import QuietMemory

#: The memory grows in steps of this many bytes.
STEP = 4 * 2**20
#: Parts begin at multiples of it.
ALIGNMENT = 64

#: Where a part lies, and since which filling its bytes are the same.
Place = tuple[int, int]
#: The same with the part's length in the middle.
Filled = tuple[int, int, int]


class SharedBuffer:
    """Memory that both processes see; reused for every checkpoint, so that its pages are warm.

    What was copied for the last checkpoint and lies where it lay in the program's memory is compared, not copied,
    and where it is unchanged the collector hears that it knows those bytes: it neither hashes nor stores them again.
    Large parts that stay as they are need no comparison where the kernel tells that nobody wrote to them.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._map: Optional[mmap.mmap] = None
        self._size = 0
        #: The number of the last one.
        self.filling = 0
        #: By address and size in the program's memory.
        self._places: dict[tuple[int, int], Place] = {}
        self._quiet = QuietMemory()

    def close(self) -> None:
        """The program's memory is as it would be without; what was handed over stays."""
        self._quiet.close()

    def fill(
        self, parts: Sequence[Any], being_read: Sequence[Filled] = ()
    ) -> Optional[list[Filled]]:
        """Puts the parts into the memory; returns (offset, length, since) of each.

        Two fillings that give the same `since` for a place mean the same bytes. `being_read`: what the collector
        still reads of earlier ones, so that only other memory may be written to; None where there is too little.
        """
        try:
            return self._fill(parts, being_read)
        finally:
            self._quiet.finish()

    def _fill(self, parts: Sequence[Any], being_read: Sequence[Filled]) -> Optional[list[Filled]]:
        from .state import memory  # not needed by programs without checkpoints

        views = [memory.as_bytes(part) for part in parts]
        keys = [(memory.address_of(view), view.nbytes) for view in views]
        kept = dict(self._places)
        found = [kept.pop(key, None) for key in keys]
        if being_read:
            found = [
                place if place is not None and self._holds(place[0], key, view) else None
                for key, view, place in zip(keys, views, found)
            ]
            taken = {offset: _aligned(size) for offset, size, _ in being_read}
            for key, place in zip(keys, found):
                if place is not None:
                    taken[place[0]] = _aligned(key[1])
            places = self._fitted(keys, found, list(taken.items()))
            if places is None:
                return None
        else:
            places = self._arrange(keys, found)
        assert self._map is not None
        self.filling += 1
        self._places = {}
        filled = []
        with memoryview(self._map) as target:
            for key, view, (offset, since) in zip(keys, views, places):
                if not since or not (being_read or self._holds(offset, key, view)):
                    target[offset : offset + view.nbytes] = view
                    since = self.filling
                self._places[key] = offset, since
                filled.append((offset, view.nbytes, since))
        return filled

    def _holds(self, offset: int, key: tuple[int, int], view: memoryview) -> bool:
        from .state import memory

        def compare(start: int, end: int) -> bool:
            return memory.equal(place[start:end], view[start:end])

        assert self._map is not None
        with memoryview(self._map) as target, target[offset : offset + view.nbytes] as place:
            return self._quiet.is_unchanged(key, compare)

    def _arrange(self, keys: list[tuple[int, int]], found: list[Optional[Place]]) -> list[Place]:
        """Where each part goes: to its old place, else into a gap between those; 0 as `since` where it is new there."""
        total = sum(_aligned(size) for _, size in keys)
        if self._map is not None and total <= self._size:
            taken = [(p[0], _aligned(key[1])) for key, p in zip(keys, found) if p is not None]
            places = self._fitted(keys, found, taken)
            if places is not None:
                return places
        else:
            self._grow(total)
        places, offset = [], 0
        for _, size in keys:
            places.append((offset, 0))
            offset += _aligned(size)
        return places

    def _fitted(
        self, keys: list[tuple[int, int]], found: list[Optional[Place]], taken: list[tuple[int, int]]
    ) -> Optional[list[Place]]:
        """The places found, and for the other parts some between those taken; None where they do not fit."""
        new = [key[1] for key, place in zip(keys, found) if place is None]
        offsets = _into_gaps([*sorted(taken), (self._size, 0)], new)
        if offsets is None:
            return None
        following = iter(offsets)
        return [(next(following), 0) if place is None else place for place in found]

    def _grow(self, needed: int) -> None:
        size = (needed + needed // 4) // STEP * STEP + STEP
        descriptor = os.memfd_create("hindsight-state", os.MFD_CLOEXEC)
        try:
            os.ftruncate(descriptor, size)
            flags = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
            new = mmap.mmap(descriptor, size, flags=flags)
            self._channel.send_descriptor({"t": "buffer", "size": size}, descriptor)
        finally:
            os.close(descriptor)
        if self._map is not None:
            self._map.close()
        self._map, self._size = new, size


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _into_gaps(taken: list[tuple[int, int]], sizes: list[int]) -> Optional[list[int]]:
    """Offsets for parts of these sizes between the places taken, in order; None where they do not fit so."""
    offsets = []
    start, following = 0, iter(taken)
    end, length = next(following)
    for size in sizes:
        while start + _aligned(size) > end:
            start = end + length
            found = next(following, None)
            if found is None:
                return None
            end, length = found
        offsets.append(start)
        start += _aligned(size)
    return offsets
