"""Variables and functions that were renamed since the run.

A variable is what the statements are that bind it. Where each of these is a recorded statement but for names, and
the names in it belong together in the same way everywhere, the edited tree is changed back, so that probes speak of
the recorded names; two variables may even have changed their names with each other.
"""

from __future__ import annotations

import ast
from typing import Iterator, NamedTuple, Optional

from .matching import Matching, Pair
from .recorded import RecordedFile
from .scopes import Scope
from .source import DEFINITIONS, FUNCTIONS, IMPORTS, Source, named_blocks, statements

_LEFT_OUT = frozenset({"ctx", "annotation", "returns", "type_comment", "kind", "type_params"})


def undo_renames(matching: Matching) -> bool:
    """Gives renamed things in the edited tree their recorded names; whether there were any."""
    found = _Renames(matching).found()
    for tree, names in found:
        for node in ast.walk(tree):
            _rename(node, names)
    if found:
        matching.edited.has_own_text = False
        matching.edited.forget()
    return bool(found)


class _Use(NamedTuple):
    """A name at some place of a recorded statement, and the one at the same place of the edited statement."""

    recorded: str
    edited: str
    binds: bool


class _Statement(NamedTuple):
    scope: Scope
    uses: frozenset[_Use]


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
        # By scope: the recorded name of each renamed variable.
        self._names: dict[int, dict[str, str]] = {}
        self._owners: dict[int, Scope] = {}

    def found(self) -> list[tuple[ast.AST, dict[str, str]]]:
        """The edited trees with the recorded names by the present ones."""
        changed = list(self._statements(("changed", "log", "header")))
        self._propose(changed)
        if not self._names:
            return []
        all_statements = changed + list(self._statements(("same", "block", "step", "final")))
        while self._drop_contradicted(all_statements) or self._drop_taken():
            pass
        return [(self._trees[owner], names) for owner, names in self._names.items() if names]

    def _propose(self, changed: list[_Statement]) -> None:
        refused: set[tuple[int, str]] = set()
        for scope, uses in changed:
            for use in uses:
                owner = self._owner(scope, use.recorded)
                if not use.binds or use.recorded == use.edited or owner is None:
                    continue
                if id(owner.node) not in self._trees:
                    continue
                self._owners[id(owner.node)] = owner
                names = self._names.setdefault(id(owner.node), {})
                if names.setdefault(use.edited, use.recorded) != use.recorded:
                    refused.add((id(owner.node), use.edited))
        for identity, name in refused:
            del self._names[identity][name]

    def _drop_contradicted(self, all_statements: list[_Statement]) -> bool:
        """Takes back what a statement that binds the name contradicts; whether there was something."""
        dropped = False
        for scope, uses in all_statements:
            owned = [(use, self._owner(scope, use.recorded)) for use in uses]
            wrong = {use.edited for use, owner in owned if self._recorded(owner, use) != use.recorded}
            if not wrong:
                continue
            for use, owner in owned:
                names = self._names.get(id(owner.node), {}) if owner is not None else {}
                if use.edited in names and (use.binds or use.edited in wrong):
                    del names[use.edited]
                    dropped = True
        return dropped

    def _recorded(self, owner: Optional[Scope], use: _Use) -> str:
        """What the name stands for, as far as is known."""
        if owner is None:
            return use.edited
        return self._names.get(id(owner.node), {}).get(use.edited, use.edited)

    def _drop_taken(self) -> bool:
        """Takes back names that could then not be told from others."""
        dropped = False
        for identity, names in self._names.items():
            owner, tree = self._owners[identity], self._trees[identity]
            present = _names(tree)
            for new, old in list(names.items()):
                is_free = old not in present or old in names
                was_free = new not in owner.used or new in names.values()
                inner = any(new in child.bound or old in child.bound for child in _below(owner))
                is_double = list(names.values()).count(old) > 1
                if not (is_free and was_free) or inner or is_double or _is_imported(tree, new):
                    del names[new]
                    dropped = True
        return dropped

    def _owner(self, scope: Scope, name: str) -> Optional[Scope]:
        """The function or module that binds the name."""
        current: Optional[Scope] = scope
        while current is not None:
            if name in current.bound and current.kind in ("function", "module"):
                return current
            if current is scope and current.kind == "class" and name in current.bound:
                return None
            current = current.parent
        return None

    def _statements(self, kinds: tuple[str, ...]) -> Iterator[_Statement]:
        """The names of paired statements, blocks left out; of equal ones, with their blocks."""
        for pair in self._matching.pairs.values():
            if pair.kind not in kinds or not isinstance(pair.recorded, ast.stmt):
                continue
            scope = self._file.scope_at(self._file.place(pair.recorded))
            if isinstance(pair.recorded, DEFINITIONS):
                yield from self._definition(scope, pair)
            elif pair.kind == "same":
                yield _Statement(scope, frozenset(_equal_names(pair.recorded)))
            elif pair.kind not in ("step", "final"):
                found = _compare(pair.recorded, pair.edited)
                if found is not None:
                    yield _Statement(scope, frozenset(found))

    def _definition(self, scope: Scope, pair: Pair) -> Iterator[_Statement]:
        one, other = pair.recorded, pair.edited
        yield _Statement(scope, frozenset({_Use(one.name, other.name, True)}))
        inner = self._file.scopes.of[id(one)]
        if pair.kind == "same":
            for child in statements(one):
                nested = self._file.scope_at(self._file.place(child))
                if not isinstance(child, DEFINITIONS):
                    yield _Statement(nested, frozenset(_equal_names(child, is_whole=False)))
        if isinstance(one, FUNCTIONS):
            found = _compare(one.args, other.args)
            # Defaults belong to the scope around; they are no parameters.
            binding = frozenset(use for use in found or () if use.binds)
            if binding:
                yield _Statement(inner, binding)


def _equal_names(node: ast.AST, is_whole: bool = True) -> Iterator[_Use]:
    inside = {id(child) for _, block in named_blocks(node) for child in block} if not is_whole else set()
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, ast.Name):
            yield _Use(current.id, current.id, not isinstance(current.ctx, ast.Load))
        pending.extend(c for c in ast.iter_child_nodes(current) if id(c) not in inside)


def _compare(one: ast.AST, other: ast.AST) -> Optional[set[_Use]]:
    """The names of two nodes, blocks left out; None where they differ in more than names."""
    if type(one) is not type(other):
        return None
    if isinstance(one, ast.Name):
        return {_Use(one.id, other.id, not isinstance(one.ctx, ast.Load))}
    found: set[_Use] = set()
    if isinstance(one, ast.arg):
        return {_Use(one.arg, other.arg, True)}
    skipped = {field for field, _ in named_blocks(one)}
    for field in one._fields:
        if field in skipped or field in _LEFT_OUT:
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


def _below(scope: Scope) -> Iterator[Scope]:
    for child in scope.children:
        yield child
        yield from _below(child)


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


def _rename(node: ast.AST, names: dict[str, str]) -> None:
    if isinstance(node, ast.Name):
        node.id = names.get(node.id, node.id)
    elif isinstance(node, ast.arg):
        node.arg = names.get(node.arg, node.arg)
    elif isinstance(node, (*DEFINITIONS, ast.ExceptHandler)):
        if node.name is not None:
            node.name = names.get(node.name, node.name)
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        node.names = [names.get(name, name) for name in node.names]
