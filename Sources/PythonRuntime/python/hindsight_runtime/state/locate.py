"""Finding the paths of objects for people to read."""

from __future__ import annotations

from collections import deque
from typing import Any

from .classify import kind_of
from .kinds import ATOMS, describe
from .walk import Walk, shorten

#: Objects looked at before giving up: this only makes messages better.
_EFFORT = 20_000


def paths_of(
    walk: Walk, spaces: list[tuple[str, dict[str, Any]]], *groups: list[Any]
) -> tuple[list[str], ...]:
    """The access paths of the objects of each group, each path once."""
    wanted = {id(o) for group in groups for o in group}
    found: dict[int, str] = {}
    for identity in wanted:
        if identity in walk.index:
            found[identity] = walk.path(walk.index[identity][0])
    _search(walk, spaces, wanted - found.keys(), found)
    result: list[list[str]] = []
    for group in groups:
        names = [found.get(id(o), f"an object of type {type(o).__qualname__}") for o in group]
        result.append(list(dict.fromkeys(names)))
    return tuple(result)


def _search(
    walk: Walk, spaces: list[tuple[str, dict[str, Any]]], missing: set[int], found: dict[int, str]
) -> None:
    pending: deque[tuple[Any, str]] = deque()
    for title, names in spaces:
        pending.extend((x, f"{title}.{n}" if title else n) for n, x in names.items())
    for number in walk.filled:
        for label, child in _children(walk.objects[number]):
            if id(child) not in walk.index:
                pending.append((child, f"{walk.path(number)}{describe(label)}"))
    seen: dict[int, Any] = {}
    while pending and missing and len(seen) < _EFFORT:
        o, path = pending.popleft()
        if type(o) in ATOMS or id(o) in seen or id(o) in walk.index:
            continue
        seen[id(o)] = o
        if id(o) in missing:
            found[id(o)] = shorten(path)
            missing.discard(id(o))
        pending.extend((child, f"{path}{describe(label)}") for label, child in _children(o))


def _children(o: Any) -> list[Any]:
    try:
        return list(kind_of(type(o)).children(o))
    except Exception:
        return []
