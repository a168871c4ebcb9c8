"""Log statements in added functions that nobody calls.

The recorded program calls none of them: an edited call in the training is not replayed. Only what else was added
can bring them to run.
"""

from __future__ import annotations

import ast
from typing import Iterable

from .probes import Addition, FileMatch, refusal
from .source import DEFINITIONS, FUNCTIONS


def refuse_uncalled(matches: Iterable[FileMatch]) -> None:
    """Says so of the log statements in them, and takes them out."""
    matches = list(matches)
    waiting = [(m, a) for m in matches for a in m.additions if _waits_for_a_call(a)]
    if not waiting:
        return
    names: set[str] = set()
    for match in matches:
        for addition in match.additions:
            if not _waits_for_a_call(addition):
                names |= _mentioned(addition.node)
    is_growing = True
    while is_growing:
        called = [(m, a) for m, a in waiting if a.node.name in names]
        is_growing = bool(called)
        waiting = [(m, a) for m, a in waiting if a.node.name not in names]
        for _, addition in called:
            names |= _mentioned(addition.node)
    for match, addition in waiting:
        probes = [probe for probe in match.probes if probe.addition is addition]
        if not probes:
            continue
        match.additions.remove(addition)
        match.probes = [probe for probe in match.probes if probe.addition is not addition]
        reason = f"the recorded program has no `{addition.node.name}`, so it never called it"
        for probe in probes:
            change = refusal(addition, reason)
            change.line, change.end_line = probe.line, probe.end_line
            match.changes.append(change)


def _waits_for_a_call(addition: Addition) -> bool:
    """Whether an added definition does nothing unless something mentions its name."""
    node = addition.node
    if not isinstance(node, DEFINITIONS) or node.decorator_list:
        return False
    if addition.scope.kind == "class":
        # Python and libraries call methods by their names.
        bases = getattr(addition.scope.node, "bases", ())
        return not node.name.startswith("__") and not bases
    # Making a class with bases may run code of theirs.
    return isinstance(node, FUNCTIONS) or not (node.bases or node.keywords)


def _mentioned(node: ast.AST) -> set[str]:
    found: set[str] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Name):
            found.add(child.id)
        elif isinstance(child, ast.Attribute):
            found.add(child.attr)
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            found.add(child.value)
    return found
