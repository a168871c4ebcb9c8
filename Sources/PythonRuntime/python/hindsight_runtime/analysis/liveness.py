"""Whether the recorded program still needs what a name holds at some place.

Where it does not, a probe may use the name for itself (`for p in model.parameters():
print(p.norm())` beside a recorded `p`): the name is then changed in the probe, so that nothing
recorded is touched.
"""

from __future__ import annotations

import ast
from typing import Iterable, Optional

from .source import DEFINITIONS, IMPORTS, LOOPS, MATCHES, TRIES, Place
from .scopes import imported_names


class _Point:
    """One step of a function: what it does with the name, and what may come next."""

    __slots__ = ("reads", "binds", "next", "raises")

    def __init__(self) -> None:
        self.reads = False
        self.binds = False
        self.next: list[_Point] = []
        # Where an exception out of this step leads; the name is then not bound by it.
        self.raises: list[_Point] = []


class _Around:
    """Where the statements that leave a block lead to."""

    def __init__(self) -> None:
        self.breaks: Optional[_Point] = None
        self.continues: Optional[_Point] = None
        self.returns: list[_Point] = []
        self.handlers: list[_Point] = []

    def copy(self) -> _Around:
        other = _Around()
        other.breaks, other.continues = self.breaks, self.continues
        other.returns, other.handlers = self.returns, self.handlers
        return other


class Liveness:
    """The uses of one name in one function (or module), nested scopes left out."""

    def __init__(self, owner: ast.AST, name: str) -> None:
        self.name = name
        self._entries: dict[int, _Point] = {}
        self._ends: dict[tuple[int, str], _Point] = {}
        self._block(owner, "body", [], _Around())

    def is_needed(self, place: Place, readers: Iterable[Place]) -> bool:
        """Whether the value at `place` may be read later, by the program or at another place."""
        others = {id(self._at(reader)) for reader in readers}
        start = self._at(place)
        pending, seen = [start], set()
        while pending:
            point = pending.pop()
            if id(point) in seen:
                continue
            seen.add(id(point))
            if point.reads or id(point) in others:
                return True
            pending.extend(point.raises)
            if not point.binds:
                pending.extend(point.next)
        return False

    def _at(self, place: Place) -> _Point:
        block = getattr(place.owner, place.field)
        if place.index < len(block):
            return self._entries[id(block[place.index])]
        return self._ends[(id(place.owner), place.field)]

    def _block(self, owner: ast.AST, field: str, after: list[_Point], around: _Around) -> _Point:
        end = self._point(None, after, around)
        self._ends[(id(owner), field)] = end
        entry = end
        for statement in reversed(getattr(owner, field)):
            entry = self._statement(statement, entry, around)
            self._entries[id(statement)] = entry
        return entry

    def _point(
        self,
        node: Optional[ast.AST],
        after: list[_Point],
        around: _Around,
        binds: bool = False,
    ) -> _Point:
        point = _Point()
        point.reads = node is not None and self._reads(node)
        point.binds = binds
        point.next = list(after)
        point.raises = around.handlers
        return point

    def _statement(self, node: ast.stmt, after: _Point, around: _Around) -> _Point:
        if isinstance(node, LOOPS):
            return self._loop(node, after, around)
        if isinstance(node, TRIES):
            return self._try(node, after, around)
        if isinstance(node, ast.If):
            body = self._block(node, "body", [after], around)
            orelse = self._block(node, "orelse", [after], around)
            return self._point(node.test, [body, orelse], around)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            body = self._block(node, "body", [after], around)
            point = _Point()
            point.reads = any(self._reads(item.context_expr) for item in node.items)
            point.binds = any(
                item.optional_vars is not None and self._stores(item.optional_vars)
                for item in node.items
            )
            point.next, point.raises = [body], around.handlers
            return point
        if MATCHES and isinstance(node, MATCHES):
            point = self._point(node.subject, [after], around)
            for case in node.cases:
                point.next.append(self._block(case, "body", [after], around))
                point.reads = point.reads or (case.guard is not None and self._reads(case.guard))
            return point
        if isinstance(node, ast.Break):
            return self._point(None, [around.breaks] if around.breaks else [], around)
        if isinstance(node, ast.Continue):
            return self._point(None, [around.continues] if around.continues else [], around)
        if isinstance(node, ast.Return):
            return self._point(node, around.returns, around)
        if isinstance(node, ast.Raise):
            return self._point(node, around.handlers, around)
        binds = isinstance(node, DEFINITIONS) and node.name == self.name
        if isinstance(node, IMPORTS):
            binds = self.name in imported_names(node)
        elif isinstance(node, ast.Assign):
            binds = any(self._stores(target) for target in node.targets)
        elif isinstance(node, ast.AnnAssign):
            binds = node.value is not None and self._stores(node.target)
        return self._point(node, [after], around, binds)

    def _loop(self, node: ast.stmt, after: _Point, around: _Around) -> _Point:
        inside = around.copy()
        turn = self._point(getattr(node, "test", None), [], around)
        inside.breaks, inside.continues = after, turn
        body = self._block(node, "body", [turn], inside)
        orelse = self._block(node, "orelse", [after], around)
        if isinstance(node, ast.While):
            turn.next = [body, orelse]
            return turn
        target = self._point(None, [body], around, self._stores(node.target))
        turn.next = [target, orelse]
        return self._point(node.iter, [turn], around)

    def _try(self, node: ast.stmt, after: _Point, around: _Around) -> _Point:
        outside = around
        leaving = [after]
        if node.finalbody:
            # However the block is left, the way goes through here and may then go on to anywhere.
            beyond = [after, *around.returns, *around.handlers]
            beyond += [point for point in (around.breaks, around.continues) if point is not None]
            final = self._block(node, "finalbody", beyond, around)
            leaving = [final]
            outside = around.copy()
            outside.returns = [final]
            outside.handlers = [final]
            outside.breaks = final if around.breaks else None
            outside.continues = final if around.continues else None
        else:
            self._ends[(id(node), "finalbody")] = self._point(None, leaving, around)
        caught = []
        for handler in node.handlers:
            body = self._block(handler, "body", leaving, outside)
            point = self._point(handler.type, [body], outside, handler.name == self.name)
            caught.append(point)
        inside = outside.copy()
        inside.handlers = [*caught, *outside.handlers]
        orelse = self._block(node, "orelse", leaving, outside)
        return self._block(node, "body", [orelse], inside)

    def _reads(self, node: ast.AST) -> bool:
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and child.id == self.name:
                if not isinstance(child.ctx, ast.Store):
                    return True
            elif isinstance(child, ast.AugAssign):
                if isinstance(child.target, ast.Name) and child.target.id == self.name:
                    return True
            elif isinstance(child, ast.Call) and isinstance(child.func, ast.Name):
                if child.func.id in ("locals", "vars", "eval", "exec", "dir"):
                    return True
        return False

    def _stores(self, target: ast.AST) -> bool:
        return any(
            isinstance(child, ast.Name)
            and child.id == self.name
            and isinstance(child.ctx, ast.Store)
            for child in ast.walk(target)
        )


def can_be_renamed(tree: ast.AST, name: str) -> bool:
    """Whether the name occurs in a statement in no other way than as a variable's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.arg == name:
            return False
        if isinstance(node, DEFINITIONS) and node.name == name:
            return False
        if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
            return False
        if isinstance(node, IMPORTS) and name in imported_names(node):
            return False
        if MATCHES and name in (getattr(node, "rest", None),):
            return False
        if MATCHES and isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name == name:
            return False
    return True


def rename(tree: ast.AST, name: str, new: str) -> None:
    """Changes a variable's name everywhere in a statement."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == name:
            node.id = new
        elif isinstance(node, ast.ExceptHandler) and node.name == name:
            node.name = new


def binds_first(node: ast.AST, name: str) -> bool:
    """Whether a statement binds the name whatever happens, before it looks at it."""
    if isinstance(node, ast.Assign):
        return any(_stores(target, name) for target in node.targets) and not mentions(
            node.value, name
        )
    if isinstance(node, ast.AnnAssign):
        return (
            node.value is not None and _stores(node.target, name) and not mentions(node.value, name)
        )
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return _stores(node.target, name) and not mentions(node.iter, name)
    if isinstance(node, (ast.With, ast.AsyncWith)):
        for item in node.items:
            if mentions(item.context_expr, name):
                return False
            if item.optional_vars is not None and _stores(item.optional_vars, name):
                return True
        return bool(node.body) and _first_mention_binds(node.body, name)
    if isinstance(node, (*IMPORTS, *DEFINITIONS)):
        return True
    if isinstance(node, ast.If):
        return not mentions(node.test, name) and _only_there(node, name)
    return False


def _stores(target: ast.AST, name: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
        for node in ast.walk(target)
    )


def _only_there(node: ast.If, name: str) -> bool:
    return _first_mention_binds(node.body, name) and not any(
        mentions(child, name) for child in node.orelse
    )


def _first_mention_binds(block: list[ast.stmt], name: str) -> bool:
    for statement in block:
        if mentions(statement, name):
            return binds_first(statement, name)
    return False


def mentions(tree: ast.AST, name: str) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == name:
            return True
        if isinstance(node, DEFINITIONS) and node.name == name:
            return True
        if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
            return True
    return False
