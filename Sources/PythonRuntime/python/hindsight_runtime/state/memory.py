"""Raw memory as buffers, without copies."""

from __future__ import annotations

import ctypes
from typing import Any

_READ, _WRITE = 0x100, 0x200

_from_memory = ctypes.pythonapi.PyMemoryView_FromMemory
_from_memory.restype = ctypes.py_object
_from_memory.argtypes = (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)

_CHUNK = 1 << 20


def at(address: int, size: int, writable: bool = False) -> memoryview:
    """A view of memory; whoever asks keeps the memory's owner alive."""
    if size == 0:
        return memoryview(bytearray())
    return _from_memory(address, size, _WRITE if writable else _READ)


def as_bytes(buffer: Any) -> memoryview:
    view = memoryview(buffer)
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")


def equal(one: Any, other: Any) -> bool:
    """Compares two buffers at the speed of memory, a piece at a time."""
    one, other = as_bytes(one), as_bytes(other)
    if len(one) != len(other):
        return False
    return all(
        bytes(one[start : start + _CHUNK]) == bytes(other[start : start + _CHUNK])
        for start in range(0, len(one), _CHUNK)
    )
