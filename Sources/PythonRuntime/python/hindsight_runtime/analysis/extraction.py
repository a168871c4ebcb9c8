"""A recorded expression that was given a name in order to look at it.

`return self.head(self.body(x))` becomes `h = self.body(x); print(h.mean()); return self.head(h)`:
that is the recorded statement in two steps, with a probe between them, and no change of the
training.
"""

from __future__ import annotations

import ast
import copy
from typing import Collection, Iterator, Optional, Sequence

from .liveness import mentions
from .source import COMPOUND, Source, normalized


class Extraction:
    """A recorded statement in steps: the named parts in order, then the rest."""

    def __init__(
        self, file: Source, recorded: ast.stmt, steps: list[ast.Assign], final: ast.stmt
    ) -> None:
        # The recorded file that holds the statement.
        self.file = file
        self.recorded = recorded
        # The edited assignments.
        self.steps = steps
        # The edited statement that uses the names.
        self.final = final

    @property
    def names(self) -> list[str]:
        """The names of the steps, in order."""
        return [step.targets[0].id for step in self.steps]

    @property
    def key(self) -> str:
        """What decides the steps, without positions."""
        return ";".join(normalized(node) for node in [*self.steps, self.final])

    def apply(self) -> tuple[list[ast.stmt], ast.stmt]:
        """The recorded statement taken apart: steps as recorded statements, and what is left."""
        final = copy.deepcopy(self.recorded)
        steps: dict[str, ast.stmt] = {}
        by_name = dict(zip(self.names, self.steps))
        pending: list[tuple[ast.AST, ast.AST]] = [(self.final, final)]
        while pending:
            edited, recorded = pending.pop()
            for name, parent, field, index in _uses(edited, recorded, by_name):
                block = getattr(parent, field)
                expression = block if index is None else block[index]
                used = ast.copy_location(ast.Name(id=name, ctx=ast.Load()), expression)
                if index is None:
                    setattr(parent, field, used)
                else:
                    block[index] = used
                target = ast.copy_location(ast.Name(id=name, ctx=ast.Store()), expression)
                step = ast.copy_location(ast.Assign(targets=[target], value=expression), final)
                steps[name] = step
                pending.append((by_name[name], step))
        return [steps[name] for name in self.names], final


def find_extractions(
    recorded: Source,
    left: Sequence[ast.stmt],
    edited: Source,
    right: Sequence[ast.stmt],
    taken: Collection[str],
) -> Iterator[Extraction]:
    """Recorded statements (of `left`) that the edited block (`right`) executes in steps.

    `taken` are names that the recorded scope uses itself.
    """
    by_key: dict[str, ast.stmt] = {}
    for statement in left:
        if not isinstance(statement, COMPOUND):
            by_key.setdefault(recorded.key(statement), statement)
    steps: dict[str, ast.Assign] = {}
    for statement in right:
        if isinstance(statement, COMPOUND):
            continue
        if edited.key(statement) in by_key:
            # Recorded code in between: taking the step before it would change the order.
            steps = {}
            continue
        found = _extraction(recorded, statement, steps, by_key)
        if found is not None:
            del by_key[recorded.key(found.recorded)]
            steps = {}
            yield found
        elif (
            isinstance(statement, ast.Assign)
            and len(statement.targets) == 1
            and isinstance(statement.targets[0], ast.Name)
            and statement.targets[0].id not in taken
        ):
            name = statement.targets[0].id
            if name in steps:
                del steps[name]
            else:
                steps[name] = statement


def _extraction(
    file: Source, statement: ast.stmt, steps: dict[str, ast.Assign], by_key: dict[str, ast.stmt]
) -> Optional[Extraction]:
    if not any(mentions(statement, name) for name in steps):
        return None
    inlined = copy.deepcopy(statement)
    inliner = _Inliner(steps)
    inlined = inliner.visit(inlined)
    recorded = by_key.get(normalized(inlined))
    if recorded is None or len(set(inliner.used)) != len(inliner.used):
        return None
    chosen = [step for name, step in steps.items() if name in inliner.used]
    names = [name for name in steps if name in inliner.used]
    if not _is_evaluated_first(inlined, inliner, names):
        return None
    return Extraction(file, recorded, chosen, statement)


class _Inliner(ast.NodeTransformer):
    """Puts the steps' expressions back where their names are used."""

    def __init__(self, steps: dict[str, ast.Assign]) -> None:
        self._steps = steps
        # Steps use earlier ones only: `x = f(x)` looks at what `x` was before.
        self._order = {name: number for number, name in enumerate(steps)}
        self._limit = len(steps)
        self.used: list[str] = []
        # The step that each expression of the result belongs to.
        self.roots: dict[int, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.AST:  # noqa: N802
        step = self._steps.get(node.id)
        if step is None or not isinstance(node.ctx, ast.Load) or self._order[node.id] >= self._limit:
            return node
        self.used.append(node.id)
        outer, self._limit = self._limit, self._order[node.id]
        expression = self.visit(copy.deepcopy(step.value))
        self._limit = outer
        self.roots[id(expression)] = node.id
        return expression


def _is_evaluated_first(statement: ast.stmt, inliner: _Inliner, names: list[str]) -> bool:
    """Whether the steps' calls come first in the statement, in order, whatever happens."""
    order: list[Optional[str]] = []

    def visit(node: ast.AST, step: Optional[str], is_certain: bool) -> bool:
        step = inliner.roots.get(id(node), step)
        if id(node) in inliner.roots and not is_certain:
            return False
        for child, certain in _in_order(node):
            if not visit(child, step, is_certain and certain):
                return False
        if isinstance(node, (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)):
            order.append(step)
        return True

    if not visit(statement, None, True):
        return False
    # Calls of the first step, then of the second, …, then those of the rest.
    ranks = [names.index(step) if step is not None else len(names) for step in order]
    return ranks == sorted(ranks)


def _in_order(node: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """A node's parts as they are evaluated, and whether they are evaluated for certain and once."""
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        if node.value is not None:
            yield node.value, not isinstance(node, ast.AugAssign)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            yield target, True
        return
    if isinstance(node, ast.IfExp):
        yield node.test, True
        yield node.body, False
        yield node.orelse, False
        return
    if isinstance(node, ast.BoolOp):
        for index, value in enumerate(node.values):
            yield value, index == 0
        return
    if isinstance(node, ast.Compare):
        yield node.left, True
        for index, value in enumerate(node.comparators):
            yield value, index == 0
        return
    is_certain = not isinstance(
        node,
        (
            ast.Lambda,
            ast.ListComp,
            ast.SetComp,
            ast.DictComp,
            ast.GeneratorExp,
            ast.Dict,
            ast.Assert,
        ),
    )
    for child in ast.iter_child_nodes(node):
        yield child, is_certain


def _uses(
    edited: ast.AST, recorded: ast.AST, names: Collection[str]
) -> Iterator[tuple[str, ast.AST, str, Optional[int]]]:
    """Where the edited tree has one of the names, the place in the recorded one."""
    for field in edited._fields:
        one, other = getattr(edited, field, None), getattr(recorded, field, None)
        if isinstance(one, list) and isinstance(other, list):
            for index, (left, right) in enumerate(zip(one, other)):
                if _is_use(left, names):
                    yield left.id, recorded, field, index
                elif isinstance(left, ast.AST) and isinstance(right, ast.AST):
                    yield from _uses(left, right, names)
        elif _is_use(one, names):
            yield one.id, recorded, field, None
        elif isinstance(one, ast.AST) and isinstance(other, ast.AST):
            yield from _uses(one, other, names)


def _is_use(node: object, names: Collection[str]) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names
