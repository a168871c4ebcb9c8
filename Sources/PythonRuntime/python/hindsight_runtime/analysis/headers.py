"""Loop headers that were changed in order to have a name to look at.

`for step, batch in enumerate(loader)` iterates as the recorded `for batch in loader` does; what a
probe needs of it is the count, which an added statement can keep.
"""

from __future__ import annotations

import ast
from typing import NamedTuple, Optional

from .source import normalized


class NamesOfHeader(NamedTuple):
    """Statements that give an edited header's names inside the recorded loop."""

    names: set[str]
    before: list[ast.stmt]
    inside: list[ast.stmt]
    # Whether the recorded loop iterates exactly as the edited one.
    is_equivalent: bool


def names_of_header(recorded: ast.stmt, edited: ast.stmt) -> Optional[NamesOfHeader]:
    """How probes get the names of an edited `for` whose iterable is the recorded one."""
    if not (isinstance(recorded, ast.For) and isinstance(edited, ast.For)):
        return None
    target, iterable = edited.target, edited.iter
    before: list[ast.stmt] = []
    inside: list[ast.stmt] = []
    names: set[str] = set()
    wanted = normalized(recorded.iter)
    if normalized(iterable) != wanted:
        start = _enumerated(iterable, wanted)
        if start is None or not (isinstance(target, ast.Tuple) and len(target.elts) == 2):
            return None
        counter, target = target.elts
        if not isinstance(counter, ast.Name):
            return None
        names.add(counter.id)
        before = _statements(f"{counter.id} = {start - 1}", edited)
        inside = _statements(f"{counter.id} += 1", edited)
    is_equivalent = normalized(target) == normalized(recorded.target)
    if not is_equivalent:
        names |= _stored(target) - _stored(recorded.target)
        inside += _statements(f"{ast.unparse(target)} = {ast.unparse(recorded.target)}", edited)
    return NamesOfHeader(names, before, inside, is_equivalent)


def _enumerated(iterable: ast.expr, wanted: str) -> Optional[int]:
    """The first count of an `enumerate` around the wanted iterable."""
    if not (
        isinstance(iterable, ast.Call)
        and isinstance(iterable.func, ast.Name)
        and iterable.func.id == "enumerate"
        and iterable.args
        and normalized(iterable.args[0]) == wanted
    ):
        return None
    rest = [*iterable.args[1:], *[keyword.value for keyword in iterable.keywords]]
    if not rest:
        return 0
    if len(rest) == 1 and isinstance(rest[0], ast.Constant) and type(rest[0].value) is int:
        return rest[0].value
    return None


def _stored(target: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _statements(text: str, place: ast.stmt) -> list[ast.stmt]:
    body = ast.parse(text).body
    for statement in body:
        for node in ast.walk(statement):
            if hasattr(node, "lineno"):
                node.lineno = node.end_lineno = place.lineno
                node.col_offset = node.end_col_offset = place.col_offset
    return body
