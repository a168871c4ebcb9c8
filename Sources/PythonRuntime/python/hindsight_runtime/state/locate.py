"""Finding the paths of objects for people to read."""

from __future__ import annotations

from collections import deque
from typing import Any, Iterator

from .classify import kind_of
from .kinds import ATOMS, describe
from .walk import Walk, shorten

#: Objects looked at before giving up.
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
    if not missing:
        return
    for o, steps in new_objects(walk, spaces):
        if id(o) in missing:
            found[id(o)] = _render(walk, steps)
            missing.discard(id(o))
            if not missing:
                return


def new_objects(
    walk: Walk, spaces: list[tuple[str, dict[str, Any]]]
) -> Iterator[tuple[Any, Any]]:
    """What is reachable and has no number, with the steps of its path; nearest first."""
    pending: deque[tuple[Any, Any]] = deque()
    index = walk.index
    for title, names in spaces:
        prefix = f"{title}." if title else ""
        pending.extend((x, (None, prefix + n)) for n, x in names.items() if id(x) not in index)
    for number in walk.filled:
        for label, child in _children(walk.objects[number]):
            if id(child) not in index:
                pending.append((child, (number, label)))
    seen: dict[int, Any] = {}
    while pending and len(seen) < _EFFORT:
        o, steps = pending.popleft()
        if type(o) in ATOMS or id(o) in seen or id(o) in index:
            continue
        seen[id(o)] = o
        yield o, steps
        pending.extend((child, (steps, label)) for label, child in _children(o))


def _render(walk: Walk, steps: Any) -> str:
    labels: list[str] = []
    while type(steps) is tuple:
        steps, label = steps
        labels.append(describe(label))
    if steps is not None:
        labels.append(walk.path(steps))
    return shorten("".join(reversed(labels)))


def _children(o: Any) -> list[Any]:
    try:
        return list(kind_of(type(o)).children(o))
    except Exception:
        return []
