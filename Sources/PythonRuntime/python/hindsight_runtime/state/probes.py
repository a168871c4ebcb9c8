"""Telling apart what a function's own statements and what its probes refer to.

A probe may make a variable a closure's. The recorded function has no cell there, so that cell must not be numbered.
"""

from __future__ import annotations

import dis
from types import CodeType

#: Statements of probes lie above this line (see `analysis.splice`).
PROBE_LINE = 1_000_000

_NOTHING: frozenset[str] = frozenset()

_known: dict[int, tuple[CodeType, frozenset[str], frozenset[str]]] = {}


def free_names_of_probes(code: CodeType) -> frozenset[str]:
    """Free variables that only probes read."""
    return frozenset(code.co_freevars) - _names(code)[0] if code.co_freevars else _NOTHING


def cells_of_recording(code: CodeType) -> frozenset[str]:
    """Variables that the recorded function shares with functions inside it or around it."""
    free, cells = _names(code)
    return free | cells


def _names(code: CodeType) -> tuple[frozenset[str], frozenset[str]]:
    known = _known.get(id(code))
    if known is None or known[0] is not code:
        if has_probe(code):
            inner = [c for c in code.co_consts if type(c) is CodeType and not _is_probe(c)]
            cells = frozenset().union(*map(_used, inner)) & frozenset(code.co_cellvars)
            known = (code, _used(code), cells)
        else:
            known = (code, frozenset(code.co_freevars), frozenset(code.co_cellvars))
        _known[id(code)] = known
    return known[1], known[2]


def _is_probe(code: CodeType) -> bool:
    return code.co_firstlineno > PROBE_LINE


def has_probe(code: CodeType) -> bool:
    if any((line or 0) > PROBE_LINE for _, line in dis.findlinestarts(code)):
        return True
    return any(has_probe(inner) for inner in code.co_consts if type(inner) is CodeType)


def _used(code: CodeType) -> frozenset[str]:
    """Free variables that the function's own statements use, or functions made by them."""
    free = set(code.co_freevars)
    names: set[str] = set()
    starts = dict(dis.findlinestarts(code))
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        line = starts.get(instruction.offset, line) or line
        if line < PROBE_LINE and "DEREF" in instruction.opname and instruction.argval in free:
            names.add(instruction.argval)
    for inner in code.co_consts:
        if type(inner) is CodeType and not _is_probe(inner):
            names |= _used(inner) & free
    return frozenset(names)
