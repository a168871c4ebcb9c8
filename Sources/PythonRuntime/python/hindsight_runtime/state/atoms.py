"""Comparing and showing single values."""

from __future__ import annotations

import struct
from typing import Any

from .kinds import ATOMS


def same_atom(live: Any, recorded: Any) -> bool:
    """Equal to the bit; the types are known to be the same."""
    if type(live) is float:
        return struct.pack("d", live) == struct.pack("d", recorded)
    if type(live) is complex:
        ours = struct.pack("dd", live.real, live.imag)
        return ours == struct.pack("dd", recorded.real, recorded.imag)
    return live == recorded


def short(value: Any) -> str:
    """A value in a few words; never by the `__repr__` of the program's classes."""
    if type(value) in ATOMS:
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:57]}..."
    return f"a {type(value).__qualname__}"
