"""Comparing the live state with a recorded one, bit by bit."""

from __future__ import annotations

import itertools
import marshal
import operator
import types
from dataclasses import dataclass
from functools import partial
from typing import Any, Optional, Sequence

from . import devices, hidden, memory
from .addresses import finder, may_be_address
from .atoms import same_atom, short
from .capture import read
from .classify import kind_of
from .containers import DictKind, FrozenSetKind, ListKind, SetKind, TupleKind, is_flat
from .errors import LayoutDiffers
from .functions import live_codes
from .instances import DictItems, InstanceKind, SetItems
from .kinds import ATOMS, Kind, describe
from .lost import Lost, Same, Unknown
from .plaindata import are_same
from .restore import Recorded, codes_of, gradients_off, spaces_like
from .roots import Roots
from .source import Source
from .tensors import StorageKind
from .walk import Gone, Walk, shorten, undisturbed

#: A path is its last label and the path before; rendered only where something differs.
Path = Optional[tuple[Any, Any]]


#: So many differing values are looked for, and one is told.
_MANY = 1000


@dataclass(frozen=True)
class Difference:
    """Where the live state is not the recorded one."""

    #: The first that was found, in a line for people.
    text: str
    #: Whether plain values differ and nothing else: filling in the recorded state makes the two equal.
    is_of_values: bool = False


def difference(walk: Walk, roots: Roots, stream: bytes, buffers: Sequence[Any]) -> Optional[Difference]:
    """None where the live state equals the recorded one."""
    before = hidden.read()
    try:
        devices.settle()
        with undisturbed(), walk.held(blocks=True), gradients_off(), live_codes(codes_of(roots)):
            walk.look()
            recorded = Recorded(walk, roots, stream, buffers)
            walk.number_shared(recorded.shared)
            recorded.fill_fresh(late=False)
            recorded.fill_fresh(late=True)
            comparison = Comparison(walk, Source(walk, roots.all_frames), recorded.tables)
            try:
                comparison.expect(recorded)
                comparison.spaces(roots, recorded)
                comparison.contents(recorded)
                comparison.plain(recorded)
                comparison.finish()
            except Differs as found:
                comparison.found.insert(0, str(found))
                comparison.is_of_values = False
        # Reading the stream may have run code of the program's classes: look at what was before.
        name, drawn = hidden.difference(recorded.hidden, before) or ("", None)
        if not comparison.found and drawn is None:
            return None
        # What was drawn from a generator shows in the data first, and explains them.
        text = "; ".join(comparison.found[:1] + ([drawn] if drawn else []))
        return Difference(text, comparison.is_of_values and name in ("", *hidden.OF_SURROUNDINGS))
    except LayoutDiffers as problem:
        return Difference(str(problem))
    finally:
        hidden.write(before)


class Differs(Exception):
    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path}: {what}" if path else what)


class Comparison:
    def __init__(self, walk: Walk, source: Source, tables: set[int]) -> None:
        self._walk = walk
        # New sets whose tables were recorded.
        self._tables = tables
        self._source = source
        self._pending: list[tuple[Any, Any, Path]] = []
        self._sets_of_new: list[tuple[list[Any], list[Any], Path]] = []
        #: Blocks of tensors' memory: compared when all tensors that look into them are known.
        self._blocks: list[tuple[Any, Any, Any, Path]] = []
        # New objects correspond one to one: recorded by live identity, and the other way round.
        self._partners: dict[int, int] = {}
        self._owners: dict[int, int] = {}
        self._kept: list[Any] = []
        # What was recorded of the numbered objects.
        self._records: dict[int, Any] = {}
        #: Differences of plain values: the search goes on behind them.
        self.found: list[str] = []
        self.is_of_values = True
        self._is_address = finder(walk.index)

    # What is compared.

    def expect(self, recorded: Recorded) -> None:
        self._records = dict(zip(self._walk.filled, recorded.records))

    def spaces(self, roots: Roots, recorded: Recorded) -> None:
        for (owner, space), (title, names) in zip(
            spaces_like(roots, recorded.spaces), recorded.spaces
        ):
            live = roots.names(owner, space)
            prefix = f"{title}." if title else ""
            for name in names:
                if name not in live:
                    raise Differs(f"{prefix}{name}", "has no value in the replay")
            for name, value in live.items():
                path = (None, f"{prefix}{name}")
                if name in names:
                    self._equal(value, names[name], path)
                elif not (value is None and isinstance(space, types.FrameType)):
                    raise Differs(f"{prefix}{name}", "has a value only in the replay")

    def contents(self, recorded: Recorded) -> None:
        walk, source = self._walk, self._source
        for number, contents in zip(walk.filled, recorded.records):
            if contents is Unknown or type(walk.objects[number]) is Gone:
                continue
            kind, o = walk.kinds[number], walk.objects[number]
            if contents is None and read(kind, o, source) is None:
                continue
            live = kind.compared(o, source)
            if live is Unknown:
                continue
            expected = kind.recorded(o, contents, walk)
            self._match(kind, o, live, expected, (None, number))
            self._drain()
        for number, data, *size_and_device in recorded.storages:
            storage = walk.objects[number]
            if storage.block is None:
                continue  # what looked into it was compared, and does no longer
            live = read(walk.kinds[number], storage, source)
            if list(live[1:]) != size_and_device:
                raise self._values_differ((None, number))
            self._blocks.append((storage.block, live[0], data, (None, number)))

    def plain(self, recorded: Recorded) -> None:
        """Compares what holders in plain data hold that hold something else than at the walk."""
        plain = self._walk.plain
        live, theirs = plain.contents(), recorded.plain
        for number in sorted(live.keys() | theirs.keys()):
            if are_same(live.get(number), theirs.get(number)):
                continue
            for place, ours, expected in plain.differing(number, theirs.get(number), self._walk.objects):
                path = ((None, number), partial(plain.trees[number].path, place))
                differs = list(map(operator.is_not, ours[1], expected[1]))
                for items in ours[1], expected[1]:
                    # A member that is met here counts as numbered: it must be the very same.
                    self._walk.number_shared(plain.members_among(itertools.compress(items, differs)))
                if ours[0] is not None:
                    self._mappings(ours, expected, path)
                elif len(ours[1]) != len(expected[1]):
                    self._sequences(ours[1], expected[1], path)
                else:
                    for i in reversed(list(itertools.compress(itertools.count(), differs))):
                        self._pending.append((ours[1][i], expected[1][i], (path, i)))
                self._drain()

    # How.

    def _equal(self, live: Any, recorded: Any, path: Path) -> None:
        self._pending.append((live, recorded, path))
        self._drain()

    def _drain(self) -> None:
        pending = self._pending
        while pending:
            self._step(*pending.pop())

    def finish(self) -> None:
        """Compares what could wait until all else was."""
        while self._sets_of_new:
            self._set_of_new(*self._sets_of_new.pop())
            self._drain()
        while self._blocks:
            block, live, recorded, path = self._blocks.pop(0)
            ours, theirs = memory.as_bytes(live), memory.as_bytes(recorded)
            for start, stop in self._source.seen(block):
                if not memory.equal(ours[start:stop], theirs[start:stop]):
                    raise self._values_differ(path)

    def _step(self, live: Any, recorded: Any, path: Path) -> None:
        if live is recorded or recorded is Same or recorded is Unknown or live is Unknown:
            return
        cls, other = type(live), type(recorded)
        if other is Lost or cls is Lost:
            self.is_of_values = False
            return
        if cls in ATOMS or other in ATOMS:
            if cls is not other or not same_atom(live, recorded):
                if cls is bytes and other in (bytes, memoryview):
                    raise Differs(self._render(path), "values differ")
                differs = self._differs(path, live, recorded)
                if may_be_address(live) and may_be_address(recorded) and self._is_address(live):
                    self._walk.addresses.add(live)
                    return
                if cls not in ATOMS or other not in ATOMS or len(self.found) >= _MANY:
                    raise differs
                self.found.append(str(differs))
            return
        if cls is memoryview:
            if other is not memoryview or not memory.equal(live, recorded):
                raise Differs(self._render(path), "values differ")
            return
        kind = kind_of(cls)
        if other is Gone and self._is_like_dropped(kind, live, recorded, path):
            return
        if cls is not other and not (
            kind is kind_of(other) and kind.name in ("iterator", "file", "weak reference")
        ):
            raise self._differs(path, live, recorded)
        index = self._walk.index
        if id(live) in index or id(recorded) in index:
            raise Differs(self._render(path), "refers to another object than in the recording")
        if kind.plain(live) and kind.name == "constant":
            if not bool(live == recorded) and repr(live) != repr(recorded):
                raise self._differs(path, live, recorded)
            return
        if not self._pair(kind, live, recorded, path):
            return
        source = self._source
        ours, theirs = kind.compared_by_value(live, source), kind.compared_by_value(
            recorded, source
        )
        if isinstance(kind, SetKind) and id(recorded) not in self._tables:
            theirs = theirs[0], None
        self._kept.append((live, recorded, ours, theirs))
        if isinstance(kind, InstanceKind) and kind.reduces_itself(recorded, source):
            self._structure(ours, theirs, path)
        else:
            self._match(kind, live, ours, theirs, path)

    def _is_like_dropped(self, kind: Kind, live: Any, gone: Gone, path: Path) -> bool:
        """Takes a new object for a numbered one that the replay has dropped and the recording has not, if it can be.

        Values that a library shares among its objects are copies in a restored program, until it makes them again.
        """
        number = self._walk.index[id(gone)][0]
        contents = self._records.get(number, Unknown)
        if contents is None or contents is Unknown or kind is not self._walk.kinds[number]:
            return False
        if id(live) in self._walk.index or kind.travels(live):
            return False
        if self._pair(kind, live, gone, path):
            ours, theirs = kind.compared(live, self._source), kind.recorded(live, contents, self._walk)
            self._kept.append((live, gone, ours, theirs))
            self._match(kind, live, ours, theirs, path)
        return True

    def _pair(self, kind: Kind, live: Any, recorded: Any, path: Path) -> bool:
        """Whether the two are met for the first time; raises where they belong to others."""
        partner = self._partners.get(id(live))
        owner = self._owners.get(id(recorded))
        if partner == id(recorded):
            return False
        if isinstance(kind, (TupleKind, FrozenSetKind)):
            # Equal immutable values may or may not be one object.
            self._partners[id(live)] = id(recorded)
            self._kept.append((live, recorded))
            return True
        if partner is not None or owner is not None:
            raise Differs(
                self._render(path), "is shared with other variables than in the recording"
            )
        self._partners[id(live)] = id(recorded)
        self._owners[id(recorded)] = id(live)
        return True

    def _match(self, kind: Kind, o: Any, live: Any, recorded: Any, path: Path) -> None:
        if isinstance(kind, DictKind):
            self._mappings(live, recorded, path)
        elif isinstance(kind, (ListKind, TupleKind)):
            self._sequences(live, recorded, path)
        elif isinstance(kind, (SetKind, FrozenSetKind)):
            self._sets(live, recorded, path)
        elif isinstance(kind, InstanceKind):
            self._instances(kind, live, recorded, path)
        elif isinstance(kind, StorageKind):
            if live[1:] != recorded[1:]:
                raise self._values_differ(path)
            self._blocks.append((o.block, live[0], recorded[0], path))
        else:
            self._structure(live, recorded, path)

    def _instances(self, kind: InstanceKind, live: Any, recorded: Any, path: Path) -> None:
        self._structure(live[0], recorded[0], path)
        for (name, _), ours, theirs in zip(kind.layout.slots, live[1] or (), recorded[1] or ()):
            self._pending.append((ours, theirs, (path, f".{name}")))
        if isinstance(kind.layout.items, DictItems):
            self._mappings(live[2], recorded[2], path)
            self._structure(live[2][2:], recorded[2][2:], path)
        elif isinstance(kind.layout.items, SetItems):
            self._sets((live[2], None), (recorded[2], None), path)
        else:
            self._structure(live[2:], recorded[2 : len(live)], path)

    def _structure(self, live: Any, recorded: Any, path: Path) -> None:
        """Compares contents, whose own tuples and dictionaries are not objects of the program."""
        cls = type(live)
        if cls is type(recorded) and cls in (tuple, list) and len(live) == len(recorded):
            if cls is list:
                self._sequences(live, recorded, path)
            else:
                for ours, theirs in zip(live, recorded):
                    self._structure(ours, theirs, path)
        elif cls is dict and type(recorded) is dict:
            if list(live) != list(recorded):
                self._keys(list(live), list(recorded), path)
            for name, ours in live.items():
                self._pending.append((ours, recorded[name], (path, f".{name}")))
        elif recorded is not Same:
            self._pending.append((live, recorded, path))

    def _keys(self, live: list[Any], recorded: list[Any], path: Path) -> None:
        where = self._render(path)
        for name in recorded:
            if name not in live:
                raise Differs(f"{where}.{name}", "is absent from the replay")
        for name in live:
            if name not in recorded:
                raise Differs(f"{where}.{name}", "exists only in the replay")
        raise Differs(where, "the order of its attributes differs")

    def _sequences(self, live: Any, recorded: Any, path: Path) -> None:
        if len(live) != len(recorded):
            what = f"{len(live)} items in the replay, {len(recorded)} in the recording"
            raise Differs(self._render(path), what)
        if len(live) > 32 and is_flat(live) and is_flat(recorded):
            try:
                if marshal.dumps(live, 2) == marshal.dumps(recorded, 2):
                    return
            except ValueError:
                pass
        self._pending.extend(
            (ours, theirs, (path, i))
            for i, (ours, theirs) in reversed(list(enumerate(zip(live, recorded))))
        )

    def _mappings(self, live: Any, recorded: Any, path: Path) -> None:
        keys, expected = live[0], recorded[0]
        if len(keys) != len(expected):
            what = f"{len(keys)} entries in the replay, {len(expected)} in the recording"
            raise Differs(self._render(path), what)
        triples = []
        for i, (ours, theirs) in enumerate(zip(keys, expected)):
            if type(ours) in ATOMS:
                if type(theirs) is not type(ours) or not same_atom(ours, theirs):
                    where = self._render(path)
                    raise Differs(
                        where, f"key {short(ours)} in the replay, {short(theirs)} in the recording"
                    )
                triples.append((live[1][i], recorded[1][i], (path, (ours,))))
            else:
                triples.append((ours, theirs, (path, f".keys()[{i}]")))
                triples.append((live[1][i], recorded[1][i], (path, f".values()[{i}]")))
        self._pending.extend(reversed(triples))

    def _sets(self, live: Any, recorded: Any, path: Path) -> None:
        """Compares items and, where it is known, the table, which decides the order in which they come."""
        (ours, new), (theirs, expected) = self._known(live[0]), self._known(recorded[0])
        if ours != theirs or len(new) != len(expected):
            raise Differs(self._render(path), "its items differ")
        # An empty set's history may be one of items that are placed by their addresses.
        if live[0] and None not in (live[1], recorded[1]) and live[1] != recorded[1]:
            raise Differs(self._render(path), "its items will come in another order")
        if new:
            self._sets_of_new.append((new, expected, path))

    def _known(self, items: list[Any]) -> tuple[set[Any], list[Any]]:
        """Items that are known by their values or their numbers, and the others."""
        index = self._walk.index
        fixed, new = set(), []
        for item in items:
            if type(item) in ATOMS:
                fixed.add((type(item).__name__, item if item == item else repr(item)))
            elif id(item) in index:
                fixed.add(("", index[id(item)][0]))
            elif type(item) is tuple and is_flat(item):
                fixed.add(("tuple", repr(item)))
            else:
                new.append(item)
        return fixed, new

    def _set_of_new(self, new: list[Any], expected: list[Any], path: Path) -> None:
        """Pairs the new objects in a set. Most were met elsewhere by now."""
        left = {id(o): o for o in expected}
        unmatched = []
        for item in new:
            if left.pop(self._partners.get(id(item), 0), None) is None:
                unmatched.append(item)
        for item in unmatched:
            candidates = [o for o in left.values() if type(o) is type(item)]
            if len(candidates) == 1:
                self._pending.append((item, candidates[0], (path, ".item")))
                match = candidates[0]
            else:
                match = next((o for o in candidates if self._would_match(item, o, path)), None)
            if match is None:
                raise Differs(self._render(path), "its items differ")
            del left[id(match)]

    def _would_match(self, live: Any, recorded: Any, path: Path) -> bool:
        saved = self._pending, self._sets_of_new, self._blocks, dict(self._partners), dict(self._owners)
        self._pending, self._sets_of_new, self._blocks = [], [], []
        found = len(self.found)
        try:
            self._equal(live, recorded, (path, ".item"))
            self.finish()
            if len(self.found) == found:
                return True
        except Differs:
            pass
        finally:
            self._pending, self._sets_of_new, self._blocks = saved[:3]
        del self.found[found:]
        self._partners, self._owners = saved[3:]
        return False

    # Words.

    def _values_differ(self, path: Path) -> Differs:
        return Differs(self._render(path).replace(".storage", ""), "values differ")

    def _differs(self, path: Path, live: Any, recorded: Any) -> Differs:
        what = f"{short(live)} in the replay, {short(recorded)} in the recording"
        return Differs(self._render(path), what)

    def _render(self, path: Path) -> str:
        labels: list[str] = []
        while path is not None:
            before, label = path
            label = label() if type(label) is partial else label
            if before is None and type(label) is int:
                labels.append(self._walk.path(label))
            else:
                labels.append(describe(label))
            path = before
        return shorten("".join(reversed(labels)))
