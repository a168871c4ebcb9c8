"""What the names of a module mean to code that has moved out of it.

A probe in a function that stands in another file now is executed in the file which held the function when it was
recorded: what it names must be the same there.
"""

from __future__ import annotations

import ast
import copy
from typing import Iterator, Optional

from .matching import Matching, split_imports
from .recorded import RecordedFile
from .scopes import Bindings, Scope, loaded_names
from .source import DEFINITIONS, IMPORTS, Source, blocks, module_name, normalized


class Home:
    """The recorded file of a function, and the edited one that it stands in now."""

    def __init__(self, matching: Matching) -> None:
        assert matching.roots is not None
        self._file: RecordedFile = matching.recorded
        self._there = _meanings(self._file.tree)
        self._here = _meanings(matching.edited.tree)
        self._imports = _imports(matching.edited)
        # The function itself, under the name that it has now.
        one, other = matching.roots
        if one.name == other.name:
            self._here[other.name] = self._there.get(one.name, frozenset())

    def names_of_module(self, node: ast.AST, scope: Scope) -> set[str]:
        """The names that an added statement looks up outside of the function."""
        names = loaded_names(node)
        current: Optional[Scope] = scope
        while current is not None and current.kind != "module":
            if current.kind != "class" or current is scope:
                names -= current.bound - current.globals
            current = current.parent
        return names & (self._here.keys() | self._there.keys())

    def means_the_same(self, name: str) -> bool:
        """Whether a name is the same thing in both files, as far as the recorded one has it at all."""
        there, here = self._there.get(name), self._here.get(name)
        if there is None:
            return True
        if here is None:
            return False
        # What the edited file imports from the recorded one is what that one calls so.
        from_there = f"from {module_name(self._file.path)} import {name}"
        return here == {from_there} or here == there

    def import_of(self, name: str) -> Optional[ast.stmt]:
        """The edited file's import of something that the recorded one does not have."""
        return None if name in self._there else copy.deepcopy(self._imports.get(name))


def _meanings(tree: ast.Module) -> dict[str, frozenset[str]]:
    """What a module binds its names to, as texts that are equal for equal things."""
    found: dict[str, set[str]] = {}
    for statement in _of_module(tree):
        if isinstance(statement, IMPORTS):
            for alias in statement.names:
                found.setdefault(_name(alias), set()).add(_meaning(statement, alias))
        else:
            for name in Bindings([statement]).here:
                found.setdefault(name, set()).add(normalized(statement))
    return {name: frozenset(meanings) for name, meanings in found.items()}


def _of_module(tree: ast.AST) -> Iterator[ast.stmt]:
    for block in blocks(tree):
        for child in block:
            yield child
            if not isinstance(child, DEFINITIONS):
                yield from _of_module(child)


def _imports(edited: Source) -> dict[str, ast.stmt]:
    split_imports(edited.tree)
    return {
        _name(statement.names[0]): statement
        for statement in _of_module(edited.tree)
        if isinstance(statement, IMPORTS) and not getattr(statement, "level", 0)
    }


def _name(alias: ast.alias) -> str:
    return alias.asname or alias.name.split(".")[0]


def _meaning(statement: ast.stmt, alias: ast.alias) -> str:
    if isinstance(statement, ast.Import):
        return f"import {alias.name if alias.asname else alias.name.split('.')[0]}"
    return f"from {(statement.module or '').split('.')[-1]} import {alias.name}"
