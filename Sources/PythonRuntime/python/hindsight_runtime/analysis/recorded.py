"""What a run recorded: its sources, parsed once."""

from __future__ import annotations

import ast
from typing import Iterable, Optional

from .logcalls import log_calls
from .scopes import Scope, Scopes
from .source import DEFINITIONS, LOOPS, NotParsed, Place, Source, statements


class RecordedFile(Source):
    """One source of the recorded program."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(path, text)
        self.logs: list[ast.stmt] = []
        self.loops: list[ast.stmt] = []
        for statement in statements(self.tree):
            if isinstance(statement, LOOPS):
                self.loops.append(statement)
            if next(log_calls(statement), None) is not None:
                self.logs.append(statement)
        self._scopes: Optional[Scopes] = None

    @property
    def scopes(self) -> Scopes:
        """The names of the program, by scope."""
        if self._scopes is None:
            self._scopes = Scopes(self.tree)
        return self._scopes

    def identifier(self, statement: ast.AST) -> str:
        """`path:line:column`, which names a loop or a log statement of the run."""
        return f"{self.path}:{statement.lineno}:{statement.col_offset}"

    def scope_at(self, place: Place) -> Scope:
        """The scope that code at this position belongs to."""
        for owner, field in self.ancestors(place):
            if isinstance(owner, (*DEFINITIONS, ast.Module)) and field == "body":
                return self.scopes.of[id(owner)]
        return self.scopes.module

    def loops_around(self, place: Place) -> list[ast.stmt]:
        """The loops of the same function whose bodies hold this position, outermost first."""
        found: list[ast.stmt] = []
        for owner, field in self.ancestors(place):
            if isinstance(owner, DEFINITIONS):
                break
            if isinstance(owner, LOOPS) and field == "body":
                found.append(owner)
        found.reverse()
        return found

    def path_to(self, place: Place) -> str:
        """The position by fields and indices from the top of the tree: no line numbers."""
        steps = [f"{place.index}/{place.step}" if place.step else str(place.index)]
        for owner, field in self.ancestors(place):
            steps.append(field)
            if not isinstance(owner, ast.Module):
                steps.append(str(self.place(owner).index))
        return ".".join(reversed(steps))


class RecordedProgram:
    """All project sources that a run loaded."""

    def __init__(self, sources: Iterable[tuple[str, str]]) -> None:
        self.files: dict[str, RecordedFile] = {}
        self.unreadable: dict[str, NotParsed] = {}
        for path, text in sources:
            try:
                self.files[path] = RecordedFile(path, text)
            except NotParsed as error:
                self.unreadable[path] = error
        self._attributes: Optional[frozenset[str]] = None
        self._definitions: Optional[frozenset[str]] = None

    @property
    def definitions(self) -> frozenset[str]:
        """The name of every function and class in the program."""
        if self._definitions is None:
            self._definitions = frozenset(
                node.name
                for file in self.files.values()
                for node in ast.walk(file.tree)
                if isinstance(node, DEFINITIONS)
            )
        return self._definitions

    @property
    def attributes(self) -> frozenset[str]:
        """Every attribute's name that the program mentions anywhere."""
        if self._attributes is None:
            names: set[str] = set()
            for file in self.files.values():
                names |= file.scopes.attributes
            self._attributes = frozenset(names)
        return self._attributes
