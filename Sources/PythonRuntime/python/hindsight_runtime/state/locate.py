"""Finding the paths of objects for people to read."""

from __future__ import annotations

from collections import deque
from typing import Any, Iterator

from .classify import kind_of
from .kinds import ATOMS, describe
from .walk import Walk, shorten

#: Objects looked at before giving up.
_EFFORT = 20_000


#: Namespaces: their titles and their values by name.
Spaces = list[tuple[str, dict[str, Any]]]


def paths_of(walk: Walk, spaces: Spaces, *groups: list[Any]) -> tuple[list[str], ...]:
    """The access paths of the objects of each group, each path once."""
    found: dict[int, str] = {}
    _search(walk, spaces, {id(o) for group in groups for o in group}, found)
    return tuple(_names(group, found) for group in groups)


def lost_and_idle(
    walk: Walk, live: Spaces, spaces: Spaces, objects: list[Any]
) -> tuple[list[str], list[str]]:
    """The paths of those that live variables reach, and of the rest."""
    found: dict[int, str] = {}
    complete = _search(walk, live, {id(o) for o in objects}, found)
    lost = [o for o in objects if id(o) in found or not complete]
    idle = [o for o in objects if not (id(o) in found or not complete)]
    _search(walk, spaces, {id(o) for o in objects if id(o) not in found}, found)
    return _names(lost, found), _names(idle, found)


def _names(objects: list[Any], found: dict[int, str]) -> list[str]:
    names = [found.get(id(o), f"an object of type {type(o).__qualname__}") for o in objects]
    return list(dict.fromkeys(names))


def _search(walk: Walk, spaces: Spaces, wanted: set[int], found: dict[int, str]) -> bool:
    """Adds paths to `found`; whether everything was looked at."""
    for identity in wanted & walk.index.keys():
        found[identity] = walk.path(walk.index[identity][0])
    missing = wanted - found.keys()
    if not missing:
        return True
    looked_at = 0
    for o, steps in new_objects(walk, spaces):
        looked_at += 1
        if id(o) in missing:
            found[id(o)] = _render(walk, steps)
            missing.discard(id(o))
            if not missing:
                return True
    return looked_at < _EFFORT


def new_objects(walk: Walk, spaces: Spaces, effort: float = _EFFORT) -> Iterator[tuple[Any, Any]]:
    """What is reachable and has no number, with the steps of its path; nearest first."""
    pending: deque[tuple[Any, Any]] = deque()
    index = walk.index
    seen: dict[int, Any] = {}
    for title, names in spaces:
        prefix = f"{title}." if title else ""
        for name, o in names.items():
            if type(o) not in ATOMS and id(o) not in index and id(o) not in seen:
                seen[id(o)] = o
                steps = (None, prefix + name)
                yield o, steps
                pending.append((o, steps))
    # Whoever looks for a variable's value has stopped by now.
    for number in walk.filled:
        if number not in walk.plain.trees:
            pending.append((walk.objects[number], number))
    for number in walk.plain.trees:
        for label, o in walk.plain.newcomers(number):
            if id(o) not in index and id(o) not in seen:
                seen[id(o)] = o
                yield o, (number, label)
                pending.append((o, (number, label)))
    while pending and len(seen) < effort:
        parent, before = pending.popleft()
        for label, o in _children(parent):
            if type(o) not in ATOMS and id(o) not in index and id(o) not in seen:
                seen[id(o)] = o
                steps = (before, label)
                yield o, steps
                pending.append((o, steps))


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
