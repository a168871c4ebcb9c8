"""Where a generator can be brought into the middle of its work: the `yield` statements that keep nothing back.

A generator that rests at a `yield` holds its variables, and on its stack the iterators of the loops around, which
are wrappers of ours. At a `yield` within an expression, a `with` that each iteration enters, or an `except` there
is more, which cannot be set.
"""

from __future__ import annotations

import ast
import collections
from typing import Iterator, Optional


def resting_places(tree: ast.Module, path: str) -> dict[int, tuple[str, ...]]:
    """The loops around such a `yield`, outermost first, by its line; only where the line has no other `yield`."""
    lines = collections.Counter(
        node.lineno for node in ast.walk(tree) if isinstance(node, (ast.Yield, ast.YieldFrom))
    )
    places: dict[int, tuple[str, ...]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for line, loops in _in_block(node.body, path, ()):
                if lines[line] == 1:
                    places[line] = loops
    return places


def _in_block(
    block: list[ast.stmt], path: str, loops: tuple[str, ...]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    for node in block:
        if isinstance(node, (ast.For, ast.While)):
            inner = (*loops, f"{path}:{node.lineno}:{node.col_offset}")
            yield from _in_block(node.body, path, inner)
            yield from _in_block(node.orelse, path, loops)
        elif isinstance(node, (ast.If, ast.Try)):
            yield from _in_block(node.body, path, loops)
            yield from _in_block(node.orelse, path, loops)
        elif isinstance(node, ast.With):
            # Entered once, it is in a replay what it was; entered by each iteration, it is another one.
            if not loops:
                yield from _in_block(node.body, path, loops)
        else:
            found = _statement(node)
            if found is not None:
                yield found.lineno, loops


def _statement(node: ast.stmt) -> Optional[ast.Yield]:
    """The `yield` of a statement that evaluates nothing else before it."""
    if isinstance(node, (ast.Expr, ast.Assign)) and isinstance(node.value, ast.Yield):
        return node.value
    return None
