"""Raw memory as buffers, without copies."""

from __future__ import annotations

import ctypes
from typing import Any, Callable

_READ, _WRITE = 0x100, 0x200

_from_memory = ctypes.pythonapi.PyMemoryView_FromMemory
_from_memory.restype = ctypes.py_object
_from_memory.argtypes = (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)

_CHUNK = 1 << 20

_get_buffer, _release_buffer = ctypes.pythonapi.PyObject_GetBuffer, ctypes.pythonapi.PyBuffer_Release
_get_buffer.argtypes = (ctypes.py_object, ctypes.c_void_p, ctypes.c_int)
_release_buffer.argtypes = (ctypes.c_void_p,)
_release_buffer.restype = None


def at(address: int, size: int, writable: bool = False) -> memoryview:
    """A view of memory; whoever asks keeps the memory's owner alive."""
    if size == 0:
        return memoryview(bytearray())
    return _from_memory(address, size, _WRITE if writable else _READ)


def address_of(view: memoryview) -> int:
    """Where a view's bytes lie."""
    # A `Py_buffer`; the address is its first member.
    found = (ctypes.c_void_p * 16)()
    _get_buffer(view, found, 0)
    try:
        return found[0] or 0
    finally:
        _release_buffer(found)


def as_bytes(buffer: Any) -> memoryview:
    view = memoryview(buffer)
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")


def _in_pieces(one: memoryview, other: memoryview) -> bool:
    return all(
        bytes(one[start : start + _CHUNK]) == bytes(other[start : start + _CHUNK])
        for start in range(0, len(one), _CHUNK)
    )


def _at_once() -> Callable[[memoryview, memoryview], bool] | None:
    """None where the interpreter does not give away what it compares memory with."""
    memcmp = getattr(ctypes.pythonapi, "memcmp", None)
    if memcmp is None:
        return None
    memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    memcmp.restype = ctypes.c_int
    return lambda one, other: not memcmp(address_of(one), address_of(other), len(one))


_same = _at_once() or _in_pieces


def equal(one: Any, other: Any) -> bool:
    """Compares two buffers at the speed of memory."""
    one, other = as_bytes(one), as_bytes(other)
    return len(one) == len(other) and (not len(one) or _same(one, other))


def put(address: int, size: int, data: Any) -> None:
    """Makes memory hold these bytes; leaves it alone where it does, since a forked process would copy its pages.

    Raises `ValueError` where they are not as many.
    """
    data = as_bytes(data)
    target = at(address, size, True)
    if not equal(target, data):
        target[:] = data
