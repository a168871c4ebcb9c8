"""Names that an edited source gives a value by statements that are not replayed.

`x = x * 2`, added, cannot be put into a program that uses `x`. A probe below that reads `x` means the new value;
the recorded `x` would be a wrong answer.
"""

from __future__ import annotations

import ast
from typing import Optional

from .matching import Matching
from .scopes import Bindings, Scope, all_arguments, loaded_names
from .source import COMPOUND, DEFINITIONS, FUNCTIONS, LOOPS


class UnreplayedBindings:
    """By scope and name, the lines of such statements."""

    def __init__(self, matching: Matching) -> None:
        self._matching = matching
        self._lines: dict[tuple[int, str], list[int]] = {}
        for pair in matching.pairs.values():
            if pair.kind in ("changed", "header") and isinstance(pair.recorded, ast.stmt):
                if isinstance(pair.recorded, FUNCTIONS):
                    inner = matching.recorded.scopes.of[id(pair.recorded)]
                    names = _arguments(pair.edited) ^ _arguments(pair.recorded)
                    self._note(inner, names, pair.edited.lineno)
                    continue
                names = bound_by(pair.edited) ^ bound_by(pair.recorded)
                self._note(self._scope(pair.recorded), names, pair.edited.lineno)

    def add(self, scope: Scope, node: ast.AST) -> None:
        """An added statement that was refused."""
        if isinstance(node, ast.stmt):
            self._note(scope, set(Bindings([node]).here), node.lineno)

    def read_by(self, node: ast.AST, scope: Scope) -> Optional[tuple[str, int]]:
        """The first such name that an added statement reads, and the line that binds it."""
        line = getattr(node, "lineno", 0)
        for name in sorted(loaded_names(node)):
            lines = [found for found in self._lines.get((id(scope.node), name), ()) if found < line]
            if lines and not self._is_bound_between(scope, name, max(lines), line):
                return name, max(lines)
        return None

    def _note(self, scope: Scope, names: set[str], line: int) -> None:
        # One that the recorded program does not have cannot be taken for its.
        for name in names & scope.used:
            self._lines.setdefault((id(scope.node), name), []).append(line)

    def _scope(self, recorded: ast.stmt) -> Scope:
        file = self._matching.recorded
        return file.scope_at(file.place(recorded))

    def _is_bound_between(self, scope: Scope, name: str, start: int, end: int) -> bool:
        """Whether a statement that is replayed gives the name its recorded value again."""
        return any(
            start < pair.edited.lineno < end
            and name in bound_by(pair.recorded)
            and self._scope(pair.recorded) is scope
            for pair in self._matching.pairs.values()
            if isinstance(pair.recorded, ast.stmt) and not isinstance(pair.recorded, DEFINITIONS)
        )


def _arguments(function: ast.AST) -> set[str]:
    return {argument.arg for argument in all_arguments(function.args)}  # type: ignore[attr-defined]


def bound_by(statement: ast.stmt) -> set[str]:
    """The variables that a statement binds; a compound one, by its header."""
    if isinstance(statement, LOOPS):
        parts = [statement.target] if not isinstance(statement, ast.While) else [statement.test]
    elif isinstance(statement, (ast.With, ast.AsyncWith)):
        parts = [i.optional_vars for i in statement.items if i.optional_vars is not None]
    elif isinstance(statement, COMPOUND):
        parts = []
    else:
        return set(Bindings([statement]).here)
    return {
        node.id
        for part in parts
        for node in ast.walk(part)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
