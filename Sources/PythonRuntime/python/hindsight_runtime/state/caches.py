"""Kinds for what `functools.lru_cache` makes.

What a cache holds decides whether the function inside runs, and so whether it draws random numbers or counts. The
items are state like any other; the numbers of hits and misses lie in C and are set there.
"""

from __future__ import annotations

import ctypes
import functools
import gc
from typing import TYPE_CHECKING, Any, Optional

from .classify import register
from .errors import LayoutDiffers
from .functions import importable
from .kinds import ATOMS, Children, Kind

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk

_word = ctypes.c_ssize_t.from_address


def _probe() -> Optional[tuple[int, int, int, Any]]:
    """Where a cache keeps its function, its hits and its misses, and its mark in keys; None if not as expected."""

    def f(*args: Any, **kw: Any) -> None:
        return None

    cached = functools.lru_cache(maxsize=None)(f)
    for number in range(37):
        cached(number)
    for _ in range(53):
        cached(0)
    cached(0, x=1)
    size = type(cached).__basicsize__
    words = [_word(id(cached) + offset).value for offset in range(0, size, 8)]
    expected = (id(f), 53, 38)
    if any(words.count(value) != 1 for value in expected):
        return None
    key = next(key for key in _table(cached) if type(key) is tuple)
    places = [8 * words.index(value) for value in expected]
    return places[0], places[1], places[2], key[1]


def _table(o: Any) -> dict[Any, Any]:
    # The last of them: results may be dictionaries, too.
    return [x for x in gc.get_referents(o) if type(x) is dict and x is not o.__dict__][-1]


_places: Any = NotImplemented


def _found() -> Any:
    global _places
    if _places is NotImplemented:
        try:
            _places = _probe()
        except Exception:
            _places = None
    return _places


def items_of(o: Any) -> list[tuple[Any, Any]]:
    """Keys and results, the one that was used longest ago first."""
    table = _table(o)
    if o.cache_parameters()["maxsize"] is None:
        return list(table.items())
    if not table:
        return []
    # A bounded cache keeps its items in links; the collector sees key, result and (in some releases) type of each.
    referents = gc.get_referents(o)
    start = 1 if referents[0] is type(o) else 0
    own = set(map(id, table))
    for step in (2, 3):
        places = range(start, start + step * len(table), step)
        if {id(referents[i]) for i in places} == own:
            return [(referents[i], referents[i + 1]) for i in places]
    raise ValueError("a cache is not laid out as expected")


def refill(o: Any, items: list[tuple[Any, Any]], hits: int, misses: int) -> None:
    """Makes the cache hold the items, by calling it with a function in place of its own that gives the results."""
    places = _found()
    if places is None:
        raise LayoutDiffers("What a function's cache holds cannot be set in this release of Python.")
    function_at, hits_at, misses_at, mark = places
    o.cache_clear()
    typed = o.cache_parameters()["typed"]
    results: list[Any] = []

    def give(*args: Any, **keywords: Any) -> Any:
        return results.pop()

    own = _word(id(o) + function_at).value
    for key, result in items:
        args, keywords = _arguments(key, typed, mark)
        results.append(result)
        _word(id(o) + function_at).value = id(give)
        try:
            o(*args, **keywords)
        finally:
            _word(id(o) + function_at).value = own
    _word(id(o) + hits_at).value = hits
    _word(id(o) + misses_at).value = misses


def _arguments(key: Any, typed: bool, mark: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The call that a key stands for."""
    if type(key) is not tuple:
        return (key,), {}
    at = next((i for i, part in enumerate(key) if part is mark), None)
    if at is None:
        return (key[: len(key) // 2] if typed else key), {}
    end = len(key)
    if typed:  # the types of all values follow: positional ones', then keywords'
        end = at + 1 + 2 * ((len(key) - 2 * at - 1) // 3)
    named = key[at + 1 : end]
    return key[:at], dict(zip(named[::2], named[1::2]))


class CachedFunctionKind(Kind):
    """The caches of the project's functions; those of libraries hold only what can be computed again."""

    name = "cached function"
    filled = True
    late = True

    def holds(self, o: Any, walk: Walk) -> bool:
        namespace = getattr(getattr(o, "__wrapped__", None), "__globals__", None)
        return namespace is not None and walk.is_project(namespace)

    def visit(self, o: Any, walk: Walk) -> Children:
        children = list(self.children(o))
        if self.holds(o, walk):
            for number, (key, result) in enumerate(items_of(o)):
                parts = key if type(key) is tuple else ()
                found = [
                    p for p in (*parts, result) if type(p) not in ATOMS and p is not _mark_in_keys()
                ]
                children += [(f".cache[{number}]", part) for part in found]
        return children

    def children(self, o: Any) -> Children:
        wrapped = getattr(o, "__wrapped__", None)
        return () if wrapped is None else [(".__wrapped__", wrapped)]

    def contents(self, o: Any, source: Source) -> Any:
        info = o.cache_info()
        mark = _mark_in_keys()
        keys = [_with(key, mark, Mark) for key, _ in items_of(o)]
        return keys, [result for _, result in items_of(o)], info.hits, info.misses

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        keys, results, hits, misses = contents
        mark = _mark_in_keys()
        refill(o, [(_with(k, Mark, mark), r) for k, r in zip(keys, results)], hits, misses)

    def reduce(self, o: Any, source: Source) -> Any:
        return o.__qualname__ if importable(o) else source.lose(o)


class Mark:
    """Stands, as a class, for the mark in keys."""


def _mark_in_keys() -> Any:
    places = _found()
    return Mark if places is None else places[3]


def _with(key: Any, old: Any, new: Any) -> Any:
    return tuple(new if part is old else part for part in key) if type(key) is tuple else key


register(CachedFunctionKind(), type(functools.lru_cache(lambda: None)))
