"""The shape of a source as an editor needs it while the text changes."""

from __future__ import annotations

import ast

from .logcalls import first_log_call
from .source import LOOPS, first_position, parse, statements


def outline(text: str) -> dict:
    """Statements, log statements and loops: lines from 1, columns in utf-8 bytes from 0."""
    tree = parse(text)
    found: list[dict] = []
    logs: list[dict] = []
    loops: list[dict] = []
    for statement in statements(tree):
        place = span(statement)
        found.append(place)
        call = first_log_call(statement)
        if call is not None:
            logs.append({**place, "call": call})
        if isinstance(statement, LOOPS):
            loops.append(loop_range(statement))
    return {"parsed": True, "statements": found, "logs": logs, "loops": loops}


def span(statement: ast.stmt) -> dict:
    """Where a statement stands."""
    line, column = first_position(statement)
    return {
        "line": line,
        "endLine": statement.end_lineno,
        "column": column,
        "endColumn": statement.end_col_offset,
    }


def loop_range(statement: ast.stmt) -> dict:
    """Where a loop stands and what it is called: its target, for `while` its condition."""
    return {
        "line": statement.lineno,
        "endLine": statement.end_lineno,
        "target": loop_target(statement),
    }


def loop_target(statement: ast.stmt) -> str:
    """The text of a loop's target; for `while` of its condition."""
    node = statement.test if isinstance(statement, ast.While) else statement.target
    text = ast.unparse(node)
    # Before 3.11 a tuple is written with parentheses.
    if isinstance(node, ast.Tuple) and text.startswith("(") and text.endswith(")") and node.elts:
        text = text[1:-1]
    return text
