"""Numbering everything mutable by the path on which the program reaches it."""

from __future__ import annotations

import gc
import hashlib
import inspect
import sys
import time
import weakref
from contextlib import contextmanager
from types import FrameType, GeneratorType
from typing import Any, Iterator

from . import catalog
from .cells import cells_of
from .classify import kind_of
from .errors import StateTooLarge
from .kinds import ATOMS, Kind, Label, describe
from .lost import Lost
from .plaindata import PlainData
from .roots import Roots


class Walk:
    """The anchors: objects that exist at a loop's entry and are restored in place.

    References to them cost a capture nothing, and a replayed program that walks at the same point numbers
    its own objects alike, which `layout` tells.

    The walk holds them weakly: nothing lives longer, no finalizer runs later, than without us, but for lists,
    dictionaries, tuples and the like, which are let go at the next capture. With `keep` it keeps them alive:
    then it can also restore what an earlier iteration had and the program has dropped since. Gradients and
    results of operations are never kept; they go by value.
    """

    def __init__(
        self, roots: Roots, limit_seconds: float | None = None, keep: bool = False
    ) -> None:
        self.objects: list[Any] = []
        self.kinds: list[Kind] = []
        #: For every object its number and itself, by identity: the memo that the pickler starts with.
        #: Complete only within `held()`.
        self.index: dict[int, tuple[int, Any]] = {}
        self._gone: dict[int, Gone] = {}
        #: Large flat containers as they were.
        self.snapshots: dict[int, Any] = {}
        #: Large nestings of plain containers.
        self.plain = PlainData()
        self._shared: list[Any] = []
        self.storages: dict[int, Any] = {}
        self._identities: list[Any] = []
        #: Numbers of the objects that have contents of their own.
        self.filled: list[int] = []
        self.excluded = roots.excluded
        #: See `Roots`.
        self.rest_of = roots.rest_of
        #: The program's, and by their identity those at rest, and where that was.
        self.generators: list[weakref.ref[GeneratorType]] = []
        self._resting: dict[int, tuple[weakref.ref[GeneratorType], str]] = {}
        #: Addresses of objects that comparing has met where the recording had others.
        self.addresses: set[int] = set()
        self._modules = set(roots.modules)
        self._parents: list[int] = []
        self._labels: list[Any] = []
        self._marks: list[str] = []
        self._pending: list[tuple[Any, int, Label]] = []
        self._postponed: list[tuple[Any, int, list[Any]]] = []
        self._number = -1
        self._namespaces = {id(module.__dict__) for module in roots.modules.values()}
        #: Objects that go by value although they were there: their children were walked, once.
        self._passed: dict[int, Any] = {}
        self._limit = limit_seconds
        self._started = time.perf_counter()
        self._trees_elsewhere = {
            id(walk.objects[number]): tree
            for walk in _walks
            for number, tree in walk.plain.trees.items()
        }
        with undisturbed():
            self._run(roots)
            self.plain.finish(self._trees_elsewhere.values())
            self._trees_elsewhere = {}
        #: Their identities, as good as long as the program holds them.
        self.passed = _held_elsewhere(self._passed)
        self._passed.clear()
        self._postponed.clear()
        self.layout = self._digest()
        #: Whether some of the objects stood for ones that a checkpoint could not carry; they may be gone by now.
        self.met_losses = Lost in map(type, self.objects)
        self._weak: list[tuple[int, weakref.ref[Any]]] = []
        if not keep:
            self._weak = weakly(self.objects, [kind.name == "storage" for kind in self.kinds])
            self._let_go()
            _walks.add(self)
        self._set_blocks({})

    @property
    def count(self) -> int:
        return len(self.objects)

    @property
    def numbers(self) -> int:
        """How many numbers are taken, by objects and by what `look` has found."""
        return self.count + len(self._shared)

    def path(self, number: int) -> str:
        """How the program reaches an object, as in its source."""
        labels: list[str] = []
        while number >= 0:
            labels.append(describe(self._labels[number]))
            number = self._parents[number]
        return shorten("".join(reversed(labels)))


    def is_project(self, namespace: dict[str, Any]) -> bool:
        return id(namespace) in self._namespaces

    def is_project_name(self, module: Any) -> bool:
        return type(module) is str and module in self._modules

    # Generators at rest.

    def rests(self) -> list[Any]:
        """Where those are that rest where they rested at the walk, in the order of their numbers."""
        found = (self.rest(reference()) for reference, _ in list(self._resting.values()))
        return [rest for rest in found if rest is not None]

    def rest(self, generator: GeneratorType | None) -> Any:
        """Where a numbered generator rests, if it is there where it rested at the walk."""
        reference, place = self._resting.get(id(generator), (None, ""))
        if generator is None or reference is None or reference() is not generator:
            return None
        rest = self.rest_of(generator)
        return rest if rest is not None and rest.place == place else None

    def knows_generators(self) -> bool:
        """Whether none of the numbered ones stands in the middle of its work but where it did at the walk."""
        return all(
            generator is None
            or inspect.getgeneratorstate(generator) != inspect.GEN_SUSPENDED
            or self.rest(generator) is not None
            for generator in (reference() for reference in self.generators)
        )

    def note_rest(self, generator: GeneratorType, rest: Any) -> None:
        """For a generator that was just numbered."""
        self.mark(rest.place)
        self._resting[id(generator)] = weakref.ref(generator), rest.place

    # The time in between.

    @contextmanager
    def held(self, blocks: bool = False) -> Iterator[None]:
        """Takes hold of the objects, and with `blocks` of the memory behind storages, for one operation."""
        for number, reference in self._weak:
            o = reference()
            if o is None:
                # Its number stays taken.
                o = self.objects[number] = self._gone.setdefault(number, Gone())
            else:
                self.objects[number] = o
            self.index[id(o)] = (number, o)
        if self in _walks:
            self._release_orphans()
        if blocks:
            self._set_blocks(self._live_blocks())
        try:
            yield
        finally:
            self._forget_shared()
            self._let_go()
            self._set_blocks({})

    def look(self) -> list[int]:
        """While objects are held: gives numbers, behind all others, to shared members of plain data."""
        shared = self.plain.look(self.objects)
        self.number_shared([member for _, member in shared])
        return [number for number, _ in shared]

    def number_shared(self, members: list[Any]) -> None:
        for member in members:
            if id(member) not in self.index:
                self.index[id(member)] = (self.numbers, member)
                self._shared.append(member)

    def _forget_shared(self) -> None:
        self.plain.forget()
        for member in self._shared:
            del self.index[id(member)]
        self._shared.clear()

    def _let_go(self) -> None:
        for number, _ in self._weak:
            o = self.objects[number]
            if type(o) is not Gone:
                del self.index[id(o)]
                self.objects[number] = None

    def _release_orphans(self) -> None:
        """Drops objects that nothing but walks refers to, from the outside in."""
        weak = {number for number, _ in self._weak}
        objects, index = self.objects, self.index
        # Walks of surrounding loops hold on to what the program may have dropped since as well.
        others = [walk.index for walk in _walks if walk is not self]
        most = _OWN_REFERENCES + _EACH_WALK * len(others)
        for number in range(len(objects)):
            count = sys.getrefcount(objects[number]) if number not in weak else most + 1
            if count > most:
                continue
            holding = sum(id(objects[number]) in other for other in others) if others else 0
            if count <= _OWN_REFERENCES + _EACH_WALK * holding:
                if self.kinds[number].name != "storage" and type(objects[number]) is not Gone:
                    if number in self.plain.trees:
                        if not self.plain.is_orphan(number, objects[number]):
                            continue
                        self.plain.release(number)
                    del index[id(objects[number])]
                    gone = objects[number] = self._gone.setdefault(number, Gone())
                    index[id(gone)] = (number, gone)

    def _live_blocks(self) -> dict[Any, Any]:
        from .tensors import block_behind

        blocks = {}
        for o, kind in zip(self.objects, self.kinds):
            if kind.name in ("tensor", "bare storage") and type(o) is not Gone:
                block = block_behind(o)
                blocks[block._cdata] = block
        return blocks

    def _set_blocks(self, blocks: dict[Any, Any]) -> None:
        for storage in self.storages.values():
            storage.block = None
        for key in blocks.keys() & self.storages.keys():
            self.storages[key].block = blocks[key]

    def adopt(self, storage: Any, block: Any) -> None:
        """Another block takes a storage's place."""
        from .tensors import weak_identity

        storage.block = block
        self.storages[block._cdata] = storage
        self._identities.append(weak_identity(block))

    # For kinds, while they visit an object.

    def mark(self, text: str) -> None:
        """Adds to the layout what a large container holds, since only its changes are captured."""
        self._marks.append(f"{self._number}={text}")

    def gather(self, o: Any) -> bool:
        """Takes a container with all that is below it as plain data, if it is."""
        elsewhere = self._trees_elsewhere.get(id(o))
        mark = self.plain.gather(o, self._number, self.index, elsewhere, self._check_time)
        if mark is None:
            return False
        self.mark(mark)
        return True

    def _check_time(self) -> None:
        if self._limit is not None:
            seconds = time.perf_counter() - self._started
            if seconds > self._limit:
                raise StateTooLarge(self.path(self._number), seconds)

    def postpone(self, o: Any, items: list[Any] | None = None) -> None:
        """Leaves the items of a set, whose order may follow addresses, for when all else has its number."""
        self._postponed.append((o, self._number, list(o) if items is None else items))

    def number_storage(self, block: Any) -> None:
        """Numbers the memory that tensors look into, with the first of them."""
        from .tensors import Storage, weak_identity

        key = block._cdata
        if key not in self.storages:
            storage = Storage(block)
            self._identities.append(weak_identity(block))
            parent = self._number
            self._add(storage, kind_of(Storage), parent, ".storage")
            self.storages[key] = storage
            self._number = parent

    def _add(self, o: Any, kind: Kind, parent: int, label: Label) -> int:
        number = self._number = len(self.objects)
        self.index[id(o)] = (number, o)
        self.objects.append(o)
        self.kinds.append(kind)
        self._parents.append(parent)
        self._labels.append(label)
        return number

    def _run(self, roots: Roots) -> None:
        started, limit = self._started, self._limit
        pending = self._pending
        for title, owner, space in roots.spaces():
            names = roots.names(owner, space)
            for name, value in names.items():
                if type(value) not in ATOMS:
                    pending.append((value, -1, f"{title}.{name}" if title else name))
            if isinstance(space, FrameType):
                cells = cells_of(space).items()
                pending.extend(
                    (c, -1, f"{title}.{n}") for n, c in cells if not roots.excluded(owner, n)
                )
        pending.reverse()
        while True:
            checked = 0
            while pending:
                self._visit(*pending.pop())
                checked += 1
                if limit is not None and checked & 255 == 0:
                    seconds = time.perf_counter() - started
                    if seconds > limit:
                        raise StateTooLarge(self._heaviest(), seconds)
            if limit is not None and time.perf_counter() - started > limit:
                raise StateTooLarge(self._heaviest(), time.perf_counter() - started)
            if not self._next_set():
                return

    def _visit(self, o: Any, parent: int, label: Label) -> None:
        cls = type(o)
        if cls in ATOMS or id(o) in self.index or id(o) in self.plain.identities:
            return
        kind = kind_of(cls)
        if kind.plain(o):
            return
        if kind.travels(o):
            if id(o) not in self._passed:
                self._passed[id(o)] = o
                children = [(x, parent, _join(label, name)) for name, x in kind.children(o)]
                self._pending.extend(reversed(children))
            return
        number = self._add(o, kind, parent, label)
        if kind.filled and kind.holds(o, self):
            self.filled.append(number)
        children = [(x, number, name) for name, x in kind.visit(o, self)]
        if children:
            children.reverse()
            self._pending.extend(children)

    def _next_set(self) -> bool:
        """Goes on with a set of which only one item has no number yet; with more, their order is not certain."""
        for position, (_, number, items) in enumerate(self._postponed):
            left = [
                item
                for item in items
                if type(item) not in ATOMS
                and id(item) not in self.index
                and id(item) not in self.plain.identities
                and not kind_of(type(item)).plain(item)
                and not kind_of(type(item)).travels(item)
            ]
            if len(left) <= 1:
                del self._postponed[position]
                self._pending.extend((item, number, ".item") for item in left)
                return True
        return False

    def _heaviest(self) -> str:
        """The longest path below which most of what was numbered hangs."""
        weights = [1] * len(self.objects)
        children: dict[int, list[int]] = {}
        for number in range(len(self.objects) - 1, -1, -1):
            parent = self._parents[number]
            children.setdefault(parent, []).append(number)
            if parent >= 0:
                weights[parent] += weights[number]
        best, total = -1, len(self.objects)
        while True:
            heaviest = max(children.get(best, ()), key=weights.__getitem__, default=None)
            if heaviest is None or weights[heaviest] * 2 < total:
                break
            best = heaviest
        return self.path(best) if best >= 0 else "the program's variables"

    def _digest(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        lines = [
            f"{parent} {label!r} {kind.name}"
            for parent, label, kind in zip(self._parents, self._labels, self.kinds)
        ]
        digest.update("\n".join(lines + self._marks).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


class Gone:
    """Stands at the number of an object that the program has dropped."""

    __slots__ = ()


def weakly(objects: list[Any], strong: list[bool]) -> list[tuple[int, weakref.ref[Any]]]:
    """Weak references to all objects that allow it."""
    references = []
    for number, o in enumerate(objects):
        if not strong[number]:
            try:
                references.append((number, weakref.ref(o)))
            except TypeError:
                pass
    return references


def _references(passed: dict[int, Any]) -> list[int]:
    return [sys.getrefcount(passed[identity]) for identity in passed]


def _held_elsewhere(passed: dict[int, Any]) -> frozenset[int]:
    """Those that not only the walk holds: iterators make others to tell where they are.

    The place of one that nobody holds is given to the next iterator that the program makes.
    """
    references = _references(passed)
    return frozenset(i for i, count in zip(passed, references) if count > _PASSED_REFERENCES)


#: References to an object that only a dictionary holds.
_PASSED_REFERENCES = _references({0: object()})[0]


def _own_references() -> int:
    objects = [object()]
    index = {id(objects[0]): (0, objects[0])}
    return sys.getrefcount(objects[0]) + 0 * len(index)


#: References to an object that only a walk holds, as `sys.getrefcount` counts them.
_OWN_REFERENCES = _own_references()
#: Those of a walk's list and of its index.
_EACH_WALK = 2
#: The walks of loops that have not ended.
_walks: weakref.WeakSet[Walk] = weakref.WeakSet()


def _join(label: Label, name: Label) -> str:
    return describe(label) + describe(name)


def shorten(path: str) -> str:
    """Leaves out what users of torch do not write."""
    import re

    path = re.sub(r"\._(?:modules|parameters|buffers)\['([^'\]]+)'\]", r".\1", path)
    return path if len(path) <= 200 else f"{path[:120]} … {path[-70:]}"


@contextmanager
def undisturbed() -> Iterator[None]:
    """Holds off garbage collection, which is slow and runs finalizers, and overrides of torch's functions."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        with catalog.torch_overrides_off():
            yield
    finally:
        if enabled:
            gc.enable()
