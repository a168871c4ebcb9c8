"""Which probes stand on their own.

A group is a probe with everything that was added for it: probes that share a name or an attribute
which only added statements bind are in one group, with the statements that bind it, and so are probes
of which one may call what another stands in. Each group has an answer of its own, whatever else is asked
at the same time.
"""

from __future__ import annotations

import ast
import hashlib
from typing import Iterable, Optional

from .extraction import Extraction
from .nesting import nested
from .probes import Addition, FileMatch, Probe
from .recorded import RecordedProgram
from .scopes import Bindings, imported_names
from .source import DEFINITIONS, IMPORTS, normalized


class Group:
    """Probes that are answered together, and the additions that they need."""

    def __init__(self, additions: list[Addition]) -> None:
        self.additions = additions
        self.extractions: list[Extraction] = []
        self.probes: list[Probe] = []

    @property
    def key(self) -> str:
        """Equal where the answer is: places and statements, without line numbers and formatting.

        Whoever asks gives the files in an order of their own.
        """
        parts = [
            f"{a.file.path} {a.file.path_to(a.place)} {a.kind} {a.sites} {normalized(a.node)}"
            for a in sorted(self.additions, key=lambda a: (a.file.path, a.path))
        ]
        steps = sorted(self.extractions, key=lambda step: step.file.path)
        parts += [f"{extraction.file.path} {extraction.key}" for extraction in steps]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def block(self) -> Optional[str]:
        """The recorded block that the only probe stands in as a statement of its own.

        Two such probes in one block are executed in the order of the text.
        """
        if len(self.probes) != 1:
            return None
        addition = self.probes[0].addition
        if not isinstance(addition.node, ast.Expr):
            return None
        path = addition.file.path_to(addition.place)
        return f"{addition.file.path} {path.rpartition('.')[0]}"


def groups(program: RecordedProgram, matches: list[FileMatch]) -> list[Group]:
    """The groups of an edit, in the order of their first probes."""
    additions = [addition for match in matches for addition in match.additions]
    parents = list(range(len(additions)))

    def find(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    bound = [_bound(addition.node) for addition in additions]
    named = [_mentioned(addition.node) for addition in additions]
    users: dict[str, list[int]] = {}
    for index, names in enumerate(named):
        for name in names:
            users.setdefault(name, []).append(index)
    for index, names in enumerate(bound):
        for name in names:
            for user in users.get(name, ()):
                parents[find(user)] = find(index)

    members: dict[int, list[int]] = {}
    for index in range(len(additions)):
        members.setdefault(find(index), []).append(index)
    probes: dict[int, list[Probe]] = {}
    numbers = {id(addition): index for index, addition in enumerate(additions)}
    for match in matches:
        for probe in match.probes:
            probes.setdefault(find(numbers[id(probe.addition)]), []).append(probe)
    # What is done for its effect alone, and for nobody by name, is done for the probes beside it and for those
    # that speak of the same things; where there are none, for all.
    shared = [
        index
        for root, indices in members.items()
        if root not in probes and any(_has_effect(additions[i].node) for i in indices)
        for index in indices
    ]

    def concerns(index: int, root: int) -> bool:
        one = additions[index]
        return any(
            one.scope is additions[i].scope
            and (one.place == additions[i].place or not named[index].isdisjoint(named[i]))
            for i in members[root]
        )

    users_of = {
        index: [root for root in probes if concerns(index, root)] or list(probes) for index in shared
    }
    parts = {
        root: {*members[root], *(index for index in shared if root in users_of[index])}
        for root in probes
    }
    roots = list(parts)
    leaders = {root: root for root in roots}
    for asker, other in nested(program, [[additions[i] for i in sorted(parts[r])] for r in roots]):
        joined = {leaders[roots[asker]], leaders[roots[other]]}
        first = next(root for root in roots if root in joined)
        leaders = {root: first if leader in joined else leader for root, leader in leaders.items()}

    result: list[Group] = []
    for leader in dict.fromkeys(leaders.values()):
        own_roots = [root for root in roots if leaders[root] == leader]
        group = Group([additions[i] for i in sorted(set().union(*(parts[r] for r in own_roots)))])
        group.probes = [probe for root in own_roots for probe in probes[root]]
        group.extractions = [
            extraction
            for match in matches
            for extraction in match.extractions
            if is_needed(extraction, group.additions)
        ]
        result.append(group)
    return result


def is_needed(extraction: Extraction, additions: Iterable[Addition]) -> bool:
    """Whether one of the additions looks at one of the steps."""
    for addition in additions:
        if addition.file is not extraction.file:
            continue
        place = addition.file.place(extraction.recorded)
        if addition.place[:3] == place[:3] and addition.place.step:
            return True
        if addition.scope is addition.file.scope_at(place):
            if not _mentioned(addition.node).isdisjoint(extraction.names):
                return True
    return False


def restrict(program: RecordedProgram, matches: list[FileMatch], keys: Iterable[str]) -> None:
    """Leaves only what the groups with these keys need."""
    wanted = set(keys)
    kept = [group for group in groups(program, matches) if group.key in wanted]
    if len({group.key for group in kept}) < len(wanted):
        raise LookupError("The edited sources do not hold the probes that were asked for.")
    additions = {id(addition) for group in kept for addition in group.additions}
    for match in matches:
        match.additions = [a for a in match.additions if id(a) in additions]
        match.probes = [p for p in match.probes if id(p.addition) in additions]
        match.extractions = [e for e in match.extractions if is_needed(e, match.additions)]


def _bound(node: ast.AST) -> set[str]:
    bindings = Bindings([node])  # type: ignore[list-item]
    attributes = {"." + attribute.attr for attribute in bindings.attributes}
    return {*bindings.here, *bindings.module, *attributes}


def _mentioned(node: ast.AST) -> set[str]:
    found: set[str] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Name):
            found.add(child.id)
        elif isinstance(child, ast.Attribute):
            found.add("." + child.attr)
        elif isinstance(child, (ast.ExceptHandler, *DEFINITIONS)) and child.name:
            found.add(child.name)
        elif isinstance(child, IMPORTS):
            found.update(imported_names(child))
    return found


def _has_effect(node: ast.AST) -> bool:
    """Whether a statement does more than to give something a name."""
    if isinstance(node, (*IMPORTS, *DEFINITIONS)):
        return False
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return not all(isinstance(target, ast.Name) for target in targets)
    return True
