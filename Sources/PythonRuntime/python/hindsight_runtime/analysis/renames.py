"""Variables and functions that were renamed since the run.

A name counts as renamed where statements are equal but for it, everywhere in its scope: the old one
is gone and the new one was not there. The edited tree is then changed back, so that probes speak of
the recorded names.
"""

from __future__ import annotations

import ast
from typing import Iterator, Optional

from .matching import Matching
from .recorded import RecordedFile
from .scopes import Scope
from .source import DEFINITIONS, FUNCTIONS, IMPORTS, Source, named_blocks, statements

_LEFT_OUT = frozenset({"ctx", "annotation", "returns", "type_comment", "kind", "type_params"})


def undo_renames(matching: Matching) -> bool:
    """Gives renamed things in the edited tree their recorded names; whether there were any."""
    found = _Renames(matching).found()
    for tree, old, new in found:
        for node in ast.walk(tree):
            _rename(node, new, old)
    if found:
        matching.edited.has_own_text = False
        matching.edited.forget()
    return bool(found)


class _Renames:
    def __init__(self, matching: Matching) -> None:
        self._matching = matching
        self._file: RecordedFile = matching.recorded
        self._edited: Source = matching.edited
        # The edited function of each recorded one; the trees stand for the module's own scope, unless
        # what moved here has a module's scope of its own.
        self._trees: dict[int, ast.AST] = {}
        if matching.roots is None:
            self._trees[id(self._file.tree)] = self._edited.tree
        for pair in matching.pairs.values():
            if isinstance(pair.recorded, FUNCTIONS):
                self._trees[id(pair.recorded)] = pair.edited

    def found(self) -> list[tuple[ast.AST, str, str]]:
        """The edited trees with the recorded and the present name."""
        wanted: dict[tuple[int, str], set[str]] = {}
        scopes: dict[int, Scope] = {}
        for scope, old, new in self._differences():
            owner = self._owner(scope, old)
            if owner is not None:
                scopes[id(owner)] = owner
                wanted.setdefault((id(owner), old), set()).add(new)
        result = []
        for (owner_id, old), names in wanted.items():
            owner = scopes[owner_id]
            tree = self._trees.get(id(owner.node))
            if tree is None or len(names) != 1:
                continue
            new = next(iter(names))
            present = _names(tree)
            is_taken = new in owner.used or any(new in child.used for child in owner.children)
            if not is_taken and old not in present and not _is_imported(tree, new):
                result.append((tree, old, new))
        return result

    def _owner(self, scope: Scope, name: str) -> Optional[Scope]:
        """The function or module that binds the name."""
        current: Optional[Scope] = scope
        while current is not None:
            if name in current.bound and current.kind in ("function", "module"):
                return current
            current = current.parent
        return None

    def _differences(self) -> Iterator[tuple[Scope, str, str]]:
        for pair in self._matching.pairs.values():
            if pair.kind not in ("changed", "log", "header"):
                continue
            if not isinstance(pair.recorded, ast.stmt):
                continue
            scope = self._file.scope_at(self._file.place(pair.recorded))
            if isinstance(pair.recorded, DEFINITIONS):
                if pair.recorded.name != pair.edited.name:
                    yield scope, pair.recorded.name, pair.edited.name
                if not isinstance(pair.recorded, FUNCTIONS):
                    continue
                inner = self._file.scopes.of[id(pair.recorded)]
                found = _compare(pair.recorded.args, pair.edited.args)
                for old, new in found or ():
                    yield inner, old, new
                continue
            found = _compare(pair.recorded, pair.edited)
            for old, new in found or ():
                yield scope, old, new


def _compare(one: ast.AST, other: ast.AST) -> Optional[set[tuple[str, str]]]:
    """The names in which two nodes differ, blocks left out; None where they differ in more."""
    found: set[tuple[str, str]] = set()
    if type(one) is not type(other):
        return None
    if isinstance(one, ast.Name):
        return {(one.id, other.id)} if one.id != other.id else set()
    if isinstance(one, ast.arg):
        return {(one.arg, other.arg)} if one.arg != other.arg else set()
    blocks = {field for field, _ in named_blocks(one)}
    for field in one._fields:
        if field in blocks or field in _LEFT_OUT:
            continue
        left, right = getattr(one, field, None), getattr(other, field, None)
        if not isinstance(left, list):
            left, right = [left], [right]
        if not isinstance(right, list) or len(left) != len(right):
            return None
        for part, counterpart in zip(left, right):
            if isinstance(part, ast.AST) and isinstance(counterpart, ast.AST):
                inner = _compare(part, counterpart)
                if inner is None:
                    return None
                found |= inner
            elif part != counterpart or type(part) is not type(counterpart):
                return None
    return found


def _names(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, DEFINITIONS) and node is not tree:
            found.add(node.name)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            found.update(node.names)
    return found


def _is_imported(tree: ast.AST, name: str) -> bool:
    return any(
        isinstance(node, IMPORTS) and any((a.asname or a.name) == name for a in node.names)
        for node in statements(tree)
    )


def _rename(node: ast.AST, present: str, recorded: str) -> None:
    if isinstance(node, ast.Name):
        if node.id == present:
            node.id = recorded
    elif isinstance(node, ast.arg):
        if node.arg == present:
            node.arg = recorded
    elif isinstance(node, (*DEFINITIONS, ast.ExceptHandler)):
        if node.name == present:
            node.name = recorded
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        node.names = [recorded if name == present else name for name in node.names]
