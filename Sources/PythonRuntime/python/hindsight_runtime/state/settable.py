"""The hash table of a set, which decides in what order it iterates, now and after later changes.

Two equal sets with different histories iterate differently. So that a restored program goes on as it did, the table
is recorded slot by slot and rebuilt; where that is not possible, the items are added in their order.
"""

from __future__ import annotations

import ctypes
import sys
import zlib
from array import array
from typing import Any, Optional

from . import memory
from .kinds import ATOMS

#: Slots that items lie in, slots of removed items, table size, where `pop` goes on, checksum of the hashes.
Table = tuple[bytes, bytes, int, int, int]

#: PySetObject after the object's head: fill, used, mask, table, hash, finger.
_FILL, _USED, _MASK, _TABLE, _FINGER = 16, 24, 32, 40, 56
_LARGEST = 1 << 20
_HASHABLE = ATOMS | {tuple}

_word = ctypes.c_ssize_t.from_address
_add_reference = ctypes.pythonapi.Py_IncRef
_add_reference.argtypes = (ctypes.py_object,)


def _words(o: set[Any]) -> array[int]:
    size = _word(id(o) + _MASK).value + 1
    words = array("Q")
    words.frombytes(memory.at(_word(id(o) + _TABLE).value, 16 * size))
    return words


def _find_dummy() -> Optional[int]:
    """What stands in the slot of a removed item; None where sets are not laid out as expected."""
    if (
        sys.implementation.name != "cpython"
        or set.__basicsize__ != 200
        or object.__basicsize__ != 16
    ):
        return None
    probe = {1, 2}
    if _word(id(probe) + _MASK).value != 7 or _word(id(probe) + _USED).value != 2:
        return None
    words = _words(probe)
    if words[2] != id(1) or words[4] != id(2) or words[3] != 1:
        return None
    probe.discard(2)
    return _words(probe)[4] or None


_dummy = _find_dummy()


def stable(items: Any) -> bool:
    """Whether the items' hashes do not depend on addresses."""
    from .containers import is_flat

    return set(map(type, items)) <= _HASHABLE and is_flat(items)


def read(o: set[Any], items: list[Any]) -> Optional[Table]:
    """The table of a set whose items, in order, are given."""
    if _dummy is None or not stable(items):
        return None
    size = _word(id(o) + _MASK).value + 1
    if size > _LARGEST:
        return None
    keys = _words(o)[::2]
    slots = array("I", [i for i, key in enumerate(keys) if key and key != _dummy])
    gaps = array("I", [i for i, key in enumerate(keys) if key == _dummy])
    if len(slots) != len(items):
        return None
    finger = _word(id(o) + _FINGER).value
    return slots.tobytes(), gaps.tobytes(), size, finger, _checksum(items)


def _checksum(items: list[Any]) -> int:
    return zlib.crc32(array("q", map(hash, items)).tobytes())


def write(o: set[Any], items: list[Any], table: Optional[Table]) -> None:
    """Makes the set hold the items, with its table as recorded where possible."""
    if table is None or _dummy is None or not _resize(o, table[2]) or _checksum(items) != table[4]:
        _refill(o, items)
        return
    slots, gaps = array("I"), array("I")
    slots.frombytes(table[0])
    gaps.frombytes(table[1])
    words = array("Q", bytes(16 * table[2]))
    for item, slot in zip(items, slots):
        _add_reference(item)
        words[2 * slot] = id(item)
        words[2 * slot + 1] = hash(item) & 0xFFFF_FFFF_FFFF_FFFF
    for gap in gaps:
        words[2 * gap] = _dummy
        words[2 * gap + 1] = 0xFFFF_FFFF_FFFF_FFFF
    memory.at(_word(id(o) + _TABLE).value, 16 * table[2], True)[:] = words.tobytes()
    _word(id(o) + _FILL).value = len(slots) + len(gaps)
    _word(id(o) + _USED).value = len(slots)
    _word(id(o) + _FINGER).value = table[3]


def _resize(o: set[Any], size: int) -> bool:
    """Empties the set and gives it a table of the size, which holds no references."""
    o.clear()
    if size > 8:
        fillers = range(max(5, size * 3 // 8))
        o.update(set(fillers))
        for filler in fillers:
            o.discard(filler)
    return _word(id(o) + _MASK).value + 1 == size


def _refill(o: set[Any], items: list[Any]) -> None:
    """Tries what may give the recorded order."""
    for order in (items, set(items), items[::-1]):
        o.clear()
        o.update(order)
        if list(map(id, o)) == list(map(id, items)):
            return
    o.clear()
    o.update(items)
