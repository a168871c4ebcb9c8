"""The name or attribute at a place in a text, to ask for its history as a comment would."""

from __future__ import annotations

import ast
import builtins
import functools
from typing import Iterator, Optional

from .comments import code_end
from .source import FUNCTIONS, LOOPS, parse

_SCOPED = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)


def expression_at(text: str, line: int, column: int) -> Optional[dict]:
    """What is named at a place inside a loop or a function, and where a comment can ask for it.

    Lines count from 1, columns in bytes of utf-8 from 0. A comment put at `commentLine` and
    `commentColumn`, over whatever stands behind it on that line, asks for the expression.
    """
    path = list(_path(_tree(text), line, column))
    node = _named(path)
    if node is None or not _is_repeated(path):
        return None
    if any(isinstance(outer, _SCOPED) for outer in path):
        return None  # a name of its own, which is gone when the statement is over
    written = node.arg if isinstance(node, ast.arg) else ast.unparse(node)
    place = code_end(text, line)
    if place is None:
        return None
    return {
        "expression": written,
        "line": node.lineno,
        "column": node.col_offset,
        "endLine": node.end_lineno,
        "endColumn": node.end_col_offset,
        "commentLine": place[0],
        "commentColumn": place[1],
    }


@functools.lru_cache(maxsize=2)
def _tree(text: str) -> ast.Module:
    return parse(text)


def _path(tree: ast.AST, line: int, column: int) -> Iterator[ast.AST]:
    """The nodes around a place, outermost first."""
    node: Optional[ast.AST] = tree
    while node is not None:
        yield node
        node = next((c for c in _children(node) if _covers(c, line, column)), None)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if "lineno" in child._attributes:
            yield child
        else:  # arguments, comprehensions and the like have no place of their own
            yield from _children(child)


def _covers(node: ast.AST, line: int, column: int) -> bool:
    start = (node.lineno, node.col_offset)  # type: ignore[attr-defined]
    end = (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
    for decorator in getattr(node, "decorator_list", ()):
        start = min(start, (decorator.lineno, decorator.col_offset))
    return start <= (line, column) <= end


def _named(path: list[ast.AST]) -> Optional[ast.AST]:
    node, outer = path[-1], path[-2] if len(path) > 1 else None
    if isinstance(outer, ast.Call) and outer.func is node:
        # A function is the same all the time; what it is called on is not.
        node = node.value if isinstance(node, ast.Attribute) else None  # type: ignore[assignment]
    if isinstance(node, ast.Name):
        return None if hasattr(builtins, node.id) else node
    if isinstance(node, ast.Attribute):
        value: ast.AST = node
        while isinstance(value, ast.Attribute):
            value = value.value
        return node if isinstance(value, ast.Name) else None
    return node if isinstance(node, ast.arg) else None


def _is_repeated(path: list[ast.AST]) -> bool:
    """Whether the place lies in a loop or a function of the program."""
    outer = path[:-1]
    if any(isinstance(node, ast.ClassDef) and not _inside(outer, node) for node in outer):
        return False
    return any(isinstance(node, (*LOOPS, *FUNCTIONS)) for node in outer)


def _inside(path: list[ast.AST], definition: ast.ClassDef) -> bool:
    after = path[path.index(definition) + 1 :]
    return any(isinstance(node, FUNCTIONS) for node in after)
