"""Writing the state down."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from typing import Any

from . import devices, hidden, settable
from .classify import kind_of
from .errors import CaptureFailed
from .kinds import Kind
from .liveness import dead_names
from .locate import Spaces, lost_and_idle, new_objects, paths_of
from .lost import Unknown
from .roots import Roots
from .source import Source
from .stream import FORMAT, CaptureSource, Writer, join
from .tensors import Storage
from .walk import Gone, Walk, undisturbed


@dataclass
class Captured:
    #: The pickled part.
    stream: bytes
    #: Raw memory of tensors and arrays, partly the program's own: copy it before the program goes on.
    buffers: list[memoryview]
    #: Paths of objects that exist and could not be captured.
    lost: list[str]
    #: The same, for objects held only by variables that will be assigned before they are read.
    idle: list[str] = field(default_factory=list)
    #: Paths of tensors captured without the graph that computed them.
    detached: list[str] = field(default_factory=list)
    #: Keeps alive what the buffers look into.
    owner: Any = field(default=None, repr=False)

    @property
    def size(self) -> int:
        return len(self.stream) + sum(map(len, self.buffers))


def capture(walk: Walk, roots: Roots) -> Captured:
    """The state of everything that the roots reach now; raises nothing but `CaptureFailed`."""
    try:
        with undisturbed(), walk.held():
            shared = array("q", walk.look())
            captured = _capture(walk, roots)
            captured.stream = join(shared.tobytes(), captured.stream)
            return captured
    except CaptureFailed:
        raise
    except RecursionError:
        raise CaptureFailed("objects made since the loop began are nested too deeply") from None
    except Exception as problem:
        raise CaptureFailed(f"{type(problem).__name__}: {problem}") from problem


def _capture(walk: Walk, roots: Roots) -> Captured:
    spaces = [(title, roots.names(owner, space)) for title, owner, space in roots.spaces()]
    try:
        return _write(walk, roots, spaces, [])
    except RecursionError:
        # A long chain of new objects: make them all first, and fill them one by one.
        found = (o for o, _ in new_objects(walk, spaces, math.inf))
        fresh = [o for o in found if kind_of(type(o)).shell(o) is not None]
        return _write(walk, roots, spaces, fresh)


def _write(walk: Walk, roots: Roots, spaces: Spaces, fresh: list[Any]) -> Captured:
    devices.settle()
    source = CaptureSource(walk, roots.all_frames)
    state = hidden.read()
    records = read_contents(walk, source)
    index, shells, contents = walk.index, b"", []
    if fresh:
        makers = Writer(walk.index, source)
        makers.dump([kind_of(type(o)).shell(o) for o in fresh])
        shells = makers.file.getvalue()
        index = {**index, **{id(o): (walk.numbers + i, o) for i, o in enumerate(fresh)}}
        contents = [read(kind_of(type(o)), o, source) for o in fresh]
    writer = Writer(index, source)
    plain = walk.plain.contents()
    writer.dump((FORMAT, walk.count, roots.identity(), spaces, records, contents, plain, state))
    # Which storages are looked into is known only now.
    storages = [
        (walk.index[id(storage)][0], *read(kind_of(Storage), storage, source))
        for storage in source.used_storages.values()
    ]
    writer.dump((storages, tables_of_new_sets(walk, spaces, writer)))
    stream = join(shells, writer.file.getvalue())
    captured = Captured(stream, [b.raw() for b in writer.buffers], [])
    captured.owner = source, records, contents, storages
    lose_unheld(walk, spaces, source)
    if source.lost:
        dead = dead_names(roots)
        live = [
            (title, {n: x for n, x in names.items() if n not in unread})
            for (title, names), unread in zip(spaces, dead)
        ]
        captured.lost, captured.idle = lost_and_idle(walk, live, spaces, source.lost)
    captured.lost += hidden.lost()
    if source.detached:
        (captured.detached,) = paths_of(walk, spaces, source.detached)
    return captured


def lose_unheld(walk: Walk, spaces: Spaces, source: Source) -> None:
    """Weak references to what no variable reaches are lost: when that ends, only the collector of cycles knows."""
    if source.weak:
        unheld = {id(target) for _, target in source.weak}
        for o, _ in new_objects(walk, spaces, math.inf):
            unheld.discard(id(o))
            if not unheld:
                return
        for holder, target in source.weak:
            if id(target) in unheld:
                source.lose(holder)


def tables_of_new_sets(
    walk: Walk, spaces: list[tuple[str, dict[str, Any]]], writer: Writer
) -> list[tuple[set[Any], list[Any], Any]]:
    """The pickler writes sets by itself, without their tables. They are rare: look for them only if there are any."""
    count = writer.file.getvalue().count(_NEW_SET)
    found: list[tuple[set[Any], list[Any], Any]] = []
    if count:
        for o, _ in new_objects(walk, spaces):
            if type(o) is set and o:
                items = list(o)
                found.append((o, items, settable.read(o, items)))
                if len(found) == count:
                    break
    return found


#: The pickle of a set with items begins so (EMPTY_SET, MEMOIZE, MARK).
_NEW_SET = b"\x8f\x94("


def read_contents(walk: Walk, source: Source) -> list[Any]:
    """The contents of every numbered object that has any, in order of their numbers."""
    objects, kinds = walk.objects, walk.kinds
    return [read(kinds[number], objects[number], source) for number in walk.filled]


def read(kind: Kind, o: Any, source: Source) -> Any:
    if type(o) is Gone:
        return Unknown
    try:
        return kind.contents(o, source)
    except Exception:
        # Another thread changed it, or its type is broken: one object must not cost the checkpoint.
        source.lose(o)
        return Unknown
