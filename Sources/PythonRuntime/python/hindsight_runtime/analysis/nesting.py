"""Which groups of probes come to others: a probe that calls a function in which another one stands makes that one
give more, so that neither has its answer without the other.

It goes by names, and errs on the side of yes.
"""

from __future__ import annotations

import ast
from typing import Sequence

from .probes import Addition
from .reach import Reach
from .recorded import RecordedProgram
from .source import DEFINITIONS

#: Special methods that run where something is called, and those that run where something is looked into.
_BY_CALLS = frozenset(("__init__", "__new__", "__post_init__", "__call__"))
_BY_LOOKING = frozenset(
    """__getitem__ __iter__ __next__ __len__ __contains__ __enter__ __exit__ __aiter__ __anext__ __await__
    __reversed__ __setitem__ __delitem__ __missing__""".split()
)
_LOOKING = (ast.Subscript, ast.For, ast.comprehension, ast.Starred, ast.In, ast.NotIn, ast.With, ast.YieldFrom)
#: Calls that run nothing of the program's but special methods, where the program has no function of the name.
_PLAIN = frozenset(
    """print str repr float int bool round abs format type hex id isinstance
    item norm mean sum std var min max abs detach cpu numpy tolist size dim numel hex join keys values items get
    copy clone flatten reshape view exp log sqrt pow square argmax argmin any all parameters named_parameters
    debug info warning error add_scalar write hypot isnan isfinite""".split()
)


def nested(program: RecordedProgram, parts: Sequence[Sequence[Addition]]) -> list[tuple[int, int]]:
    """Pairs of parts of which the first may come to the second."""
    if len(parts) < 2:
        return []
    added = [node for part in parts for a in part for node in ast.walk(a.node)]
    defined = program.definitions | {node.name for node in added if isinstance(node, DEFINITIONS)}
    mentions = [_Mentions(part, defined) for part in parts]
    special = {name for name in defined if name.startswith("__") and name not in _BY_CALLS}
    askers = [
        number
        for number, own in enumerate(mentions)
        if own.has_calls or own.names & defined or special - _BY_LOOKING or (own.looks and special)
    ]
    if not askers:
        return []
    found = []
    for number, part in enumerate(parts):
        target = _Target(program, part)
        found += [
            (asker, number)
            for asker in askers
            if asker != number and target.is_reached(mentions[asker])
        ]
    return found


class _Mentions:
    """What the statements of a part name and do."""

    def __init__(self, part: Sequence[Addition], defined: frozenset[str]) -> None:
        #: Names that may lead to the program's functions, those of attributes with and without a dot.
        self.names: set[str] = set()
        #: Whether there are calls that may lead anywhere.
        self.has_calls = False
        self.looks = False
        for addition in part:
            for node in ast.walk(addition.node):
                self._note(node, addition, defined)

    def _note(self, node: ast.AST, addition: Addition, defined: frozenset[str]) -> None:
        self.looks = self.looks or isinstance(node, _LOOKING)
        if isinstance(node, ast.Attribute):
            self.names |= {node.attr, "." + node.attr}
        elif isinstance(node, ast.Name) and addition.scope.may_be_definition(node.id):
            self.names.add(node.id)
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            self.has_calls = self.has_calls or name not in _PLAIN or name in defined
            if name is not None:
                self.names.add(name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            module = getattr(node, "module", None)
            names = [alias.name for alias in node.names] + ([module] if module else [])
            self.names |= {"module " + name.rpartition(".")[2] for name in names}


class _Target:
    """The functions through which a part of the additions is come to."""

    def __init__(self, program: RecordedProgram, part: Sequence[Addition]) -> None:
        self._reach = Reach(program, list(part))
        functions, self._names = self._reach.reaching()
        functions = [f for f in functions if not isinstance(f.node, ast.Module)]
        special = {f.name for f in functions if f.owner is not None and f.name.startswith("__")}
        self._is_looked_at = bool(special & _BY_LOOKING)
        self._is_shown = bool(special - _BY_LOOKING - _BY_CALLS)
        self._is_called = bool(special) or any(map(self._reach.is_anytime, functions))

    def is_reached(self, mentions: _Mentions) -> bool:
        return (
            bool(self._reach.resolved(mentions.names) & self._names)
            or self._is_shown
            or (mentions.looks and self._is_looked_at)
            or (mentions.has_calls and self._is_called)
        )
