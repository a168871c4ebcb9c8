"""Iterators held in variables: they go by value, through their own `__reduce__`."""

from __future__ import annotations

import builtins
import contextlib
import itertools
import sys
import warnings
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Iterator

from .kinds import Children, Kind

if TYPE_CHECKING:
    from .source import Source


@contextlib.contextmanager
def deprecations_ignored() -> Iterator[None]:
    """Iterators of itertools warn when they are pickled, on Python 3.12 and 3.13.

    `warnings.catch_warnings` would make the program's own warnings show again.
    """
    entry = ("ignore", None, DeprecationWarning, None, 0)
    warnings.filters.insert(0, entry)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            warnings.filters.remove(entry)  # type: ignore[attr-defined]


class IteratorKind(Kind):
    name = "iterator"

    def travels(self, o: Any) -> bool:
        return True

    def _reduced(self, o: Any) -> Any:
        if type(o).__module__ == "itertools":
            with deprecations_ignored():
                return o.__reduce__()
        return o.__reduce__()

    def children(self, o: Any) -> Children:
        if type(o).__name__.startswith(("dict", "set")):
            return ()  # these reduce to a copy of what is left
        try:
            reduced = self._reduced(o)
        except Exception:
            return ()
        return [(f".source{i}", x) for i, x in enumerate(reduced[1])]

    def reduce(self, o: Any, source: Source) -> Any:
        counted = _count(o)
        if counted is not None:
            return type(o), counted
        try:
            reduced = self._reduced(o)
        except Exception:
            return source.lose(o)
        return source.lose(o) if _is_asked(reduced) else reduced

    def compared(self, o: Any, source: Source) -> Any:
        counted = _count(o)
        if counted is not None:
            return counted
        try:
            reduced = self._reduced(o)
        except Exception:
            return None
        if reduced[0] is itertools.cycle:
            return self._turns(*reduced[1:], source)
        if reduced[0] is builtins.iter and type(reduced[1][0]) in (list, tuple, str):
            # Iterators over dictionaries come back as iterators over lists: compare what is still to come.
            start = reduced[2] if len(reduced) > 2 else 0
            return list(reduced[1][0])[start:] if type(start) is int else []
        return reduced


    def _turns(self, arguments: tuple[Any], state: tuple[list[Any], Any], source: Source) -> Any:
        """What an `itertools.cycle` gives next, and from then on: it shows the same in several ways."""
        (inner,), (saved, is_complete) = arguments, state
        rest = self.compared(inner, source)
        if type(rest) is not list:
            return arguments, state
        period = saved if is_complete else saved + rest
        return rest or period, period


def _is_asked(reduced: Any) -> bool:
    """Whether an iterator is just being asked for an item: what it counts is counted when that has come."""
    parts = [part for group in reduced[1:3] if type(group) is tuple for part in group]
    return any(type(part) is GeneratorType and part.gi_running for part in parts)


def _count(o: Any) -> tuple[Any, ...] | None:
    """`itertools.count` no longer pickles from Python 3.14 on, but still shows where it is."""
    if sys.version_info < (3, 14) or type(o).__qualname__ != "count":
        return None
    import ast

    try:
        return ast.literal_eval(repr(o)[len("count") :].replace(")", ",)"))
    except (ValueError, SyntaxError):
        return None
