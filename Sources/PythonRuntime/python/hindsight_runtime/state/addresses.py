"""Numbers that are objects' addresses: they are others in every process, and say nothing about the program."""

from __future__ import annotations

import gc
from typing import Callable, Container

#: User space on every 64-bit system; no address of an object is lower than this or higher than that.
_LOWEST, _HIGHEST = 1 << 32, 1 << 48
#: Objects lie at multiples of it.
_STEP = 16


def may_be_address(value: object) -> bool:
    return type(value) is int and _LOWEST < value < _HIGHEST and value % _STEP == 0


def finder(numbered: Container[int]) -> Callable[[int], bool]:
    """Tells whether a number is the address of an object that exists; looks at all of them only if it must."""
    known: set[int] = set()

    def is_address(value: int) -> bool:
        if value in numbered:
            return True
        if not known:
            known.update(map(id, gc.get_objects()))
        return value in known

    return is_address
