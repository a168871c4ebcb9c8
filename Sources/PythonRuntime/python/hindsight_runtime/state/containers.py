"""Kinds for Python's own containers."""

from __future__ import annotations

import hashlib
import itertools
import marshal
from typing import TYPE_CHECKING, Any

from . import settable
from .classify import kind_of
from .identical import same_pointers
from .kinds import ATOMS, Children, Kind
from .lost import Unset

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk

#: Containers of at least so many atoms are remembered as a whole and compared by pointer from then on.
LARGE = 256

_ATOMS_AND_TUPLES = ATOMS | {tuple}


class Together:
    """Stands, as a class, for the snapshot of a container that is handled with all below it (see `plaindata`)."""


def is_flat(items: Any) -> bool:
    """Whether all items are atoms, or tuples of atoms."""
    types = set(map(type, items))
    if types <= ATOMS:
        return True
    if not types <= _ATOMS_AND_TUPLES:
        return False
    tuples = (item for item in items if type(item) is tuple)
    return set(map(type, itertools.chain.from_iterable(tuples))) <= ATOMS


def fingerprint(items: Any) -> str:
    """Of the values of a flat container: part of the layout, since unchanged ones are not captured."""
    try:
        data = marshal.dumps(items, 2)
    except ValueError:
        data = repr(items).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=8).hexdigest()


class ListKind(Kind):
    name = "list"
    filled = True

    def visit(self, o: Any, walk: Walk) -> Children:
        if len(o) >= LARGE:
            if is_flat(o):
                walk.snapshots[id(o)] = snapshot = list(o)
                walk.mark(fingerprint(snapshot))
                return ()
            if walk.gather(o):
                walk.snapshots[id(o)] = Together
                return ()
        return self.children(o)

    def children(self, o: Any) -> Children:
        return [(i, item) for i, item in enumerate(o) if type(item) not in ATOMS]

    def contents(self, o: Any, source: Source) -> Any:
        snapshot = source.walk.snapshots.get(id(o))
        if snapshot is Together or snapshot is not None and same_pointers(o, snapshot):
            return None
        return list(o)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        contents = walk.snapshots[id(o)] if contents is None else contents
        if contents is not Together:
            o[:] = contents

    def shell(self, o: Any) -> Any:
        return list, ()

    def compared(self, o: Any, source: Source) -> Any:
        return list(o)

    def recorded(self, o: Any, contents: Any, walk: Walk) -> Any:
        return walk.snapshots[id(o)] if contents is None else contents


class DictKind(Kind):
    name = "dict"
    filled = True
    late = True

    def visit(self, o: Any, walk: Walk) -> Children:
        if len(o) >= LARGE:
            if is_flat(o) and is_flat(o.values()):
                walk.snapshots[id(o)] = snapshot = (list(o), list(o.values()))
                walk.mark(fingerprint(snapshot))
                return ()
            if walk.gather(o):
                walk.snapshots[id(o)] = Together
                return ()
        return self.children(o)

    def children(self, o: Any) -> Children:
        return pairs(o.items())

    def contents(self, o: Any, source: Source) -> Any:
        snapshot = source.walk.snapshots.get(id(o))
        if snapshot is Together:
            return None
        keys, values = list(o), list(o.values())
        if snapshot and same_pointers(keys, snapshot[0]) and same_pointers(values, snapshot[1]):
            return None
        return keys, values

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        contents = walk.snapshots[id(o)] if contents is None else contents
        if contents is not Together:
            refill_dict(o, *contents)

    def shell(self, o: Any) -> Any:
        return dict, ()

    def compared(self, o: Any, source: Source) -> Any:
        return list(o), list(o.values())

    def recorded(self, o: Any, contents: Any, walk: Walk) -> Any:
        return walk.snapshots[id(o)] if contents is None else contents


def pairs(items: Any) -> list[tuple[Any, Any]]:
    """Labelled keys and values of a dictionary."""
    found: list[tuple[Any, Any]] = []
    for number, (key, value) in enumerate(items):
        kind = type(key)
        if kind not in ATOMS:
            found.append((f".keys()[{number}]", key))
            if type(value) not in ATOMS:
                found.append((f".values()[{number}]", value))
        elif type(value) not in ATOMS:
            found.append(((key,), value))
    return found


def refill_dict(o: dict[Any, Any], keys: list[Any], values: list[Any]) -> None:
    """Leaves the dictionary's table alone where only values change."""
    if not same_pointers(list(o), keys) and list(map(id, o)) != list(map(id, keys)):
        o.clear()
    o.update(zip(keys, values))


class TupleKind(Kind):
    """Tuples never change: one that was there at the walk is a reference, unless it holds what travels."""

    name = "tuple"

    def plain(self, o: Any) -> bool:
        return len(o) < LARGE and all(type(item) in ATOMS for item in o)

    def travels(self, o: Any) -> bool:
        return any(kind_of(type(item)).travels(item) for item in o if type(item) not in ATOMS)

    def visit(self, o: Any, walk: Walk) -> Children:
        if is_flat(o):
            if len(o) >= LARGE:
                walk.mark(fingerprint(o))
            return ()
        if len(o) >= LARGE and walk.gather(o):
            return ()
        return self.children(o)

    def children(self, o: Any) -> Children:
        return [(i, item) for i, item in enumerate(o) if type(item) not in ATOMS]

    def reduce(self, o: Any, source: Source) -> Any:
        return NotImplemented

    def compared(self, o: Any, source: Source) -> Any:
        return list(o)


class SetKind(Kind):
    name = "set"
    filled = True
    late = True

    def visit(self, o: Any, walk: Walk) -> Children:
        types = set(map(type, o))
        if types <= ATOMS:
            if len(o) >= LARGE:
                # Iteration order of atoms follows their hashes and the set's history.
                walk.snapshots[id(o)] = list(o)
                walk.mark(str(len(o)))
        else:
            walk.postpone(o)
        return ()

    def children(self, o: Any) -> Children:
        return [(f".item{i}", item) for i, item in enumerate(o) if type(item) not in ATOMS]

    def contents(self, o: Any, source: Source) -> Any:
        items = list(o)
        snapshot = source.walk.snapshots.get(id(o))
        if snapshot is not None and same_pointers(items, snapshot):
            return None
        return items, settable.read(o, items)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        if contents is not None:
            settable.write(o, *contents)
        elif not same_pointers(list(o), walk.snapshots[id(o)]):
            settable.write(o, walk.snapshots[id(o)], None)

    def shell(self, o: Any) -> Any:
        return set, ()

    def compared(self, o: Any, source: Source) -> Any:
        items = list(o)
        return items, settable.read(o, items)

    def recorded(self, o: Any, contents: Any, walk: Walk) -> Any:
        return (walk.snapshots[id(o)], None) if contents is None else contents


class FrozenSetKind(Kind):
    name = "frozenset"

    def travels(self, o: Any) -> bool:
        return any(kind_of(type(item)).travels(item) for item in o if type(item) not in ATOMS)

    def visit(self, o: Any, walk: Walk) -> Children:
        if not set(map(type, o)) <= ATOMS:
            walk.postpone(o)
        return ()

    def children(self, o: Any) -> Children:
        return [(f".item{i}", item) for i, item in enumerate(o) if type(item) not in ATOMS]

    def reduce(self, o: Any, source: Source) -> Any:
        return NotImplemented

    def compared(self, o: Any, source: Source) -> Any:
        return list(o), None


class CellKind(Kind):
    """The variable that closures share."""

    name = "cell"
    filled = True

    def children(self, o: Any) -> Children:
        try:
            return [("", o.cell_contents)]
        except ValueError:
            return ()

    def contents(self, o: Any, source: Source) -> Any:
        try:
            return (o.cell_contents,)
        except ValueError:
            return (Unset,)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        if contents[0] is Unset:
            del o.cell_contents
        else:
            o.cell_contents = contents[0]

    def shell(self, o: Any) -> Any:
        from . import rebuild

        return rebuild.cell, ()

    def reduce(self, o: Any, source: Source) -> Any:
        from . import rebuild

        return rebuild.cell, (), self.contents(o, source), None, None, rebuild.set_cell
