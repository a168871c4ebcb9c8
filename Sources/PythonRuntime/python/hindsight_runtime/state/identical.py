"""Comparing what lists point at, without looking at the elements."""

from __future__ import annotations

import ctypes
import operator
import sys
from typing import Any, Callable


def _slow(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(map(operator.is_, one, other))


def _fast() -> Callable[[list[Any], list[Any]], bool] | None:
    """Compares the lists' pointer arrays; None where lists do not lie in memory as expected."""
    if (
        sys.implementation.name != "cpython"
        or list.__basicsize__ != 40
        or object.__basicsize__ != 16
    ):
        return None
    memcmp = ctypes.pythonapi.memcmp if hasattr(ctypes.pythonapi, "memcmp") else None
    if memcmp is None:
        return None
    memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    memcmp.restype = ctypes.c_int
    pointer = ctypes.c_void_p.from_address

    def same(one: list[Any], other: list[Any]) -> bool:
        count = len(one)
        if count != len(other):
            return False
        # PyListObject: reference count, type, size, pointer to the items.
        return count == 0 or not memcmp(
            pointer(id(one) + 24).value, pointer(id(other) + 24).value, 8 * count
        )

    probe = [object(), object()]
    if pointer(pointer(id(probe) + 24).value or 0).value != id(probe[0]):
        return None
    return same if same(probe, list(probe)) and not same(probe, probe[::-1]) else None


#: Whether two lists hold the very same objects in the same order: 0.6 ms for a million.
same_pointers: Callable[[list[Any], list[Any]], bool] = _fast() or _slow
