"""Large nestings of lists, tuples and dictionaries of plain values, which a walk does not number one by one.

A million rows, each a list, hang below one numbered object, their root, and are its *members*: known by their place
in the order in which they are found. What all of them hold is remembered and compared by pointers, in blocks. Only
what holds something else than at the walk is captured.

A member needs a number only where something else than its place in the tree refers to it: a variable, a new list. The
reference counts of all members tell whether there is anything: those that exceed what the walk accounts for are
*shared*, and get numbers for one capture.
"""

from __future__ import annotations

import itertools
import marshal
import operator
from array import array
from collections import Counter
from typing import Any, Callable, Iterable, Optional, Sequence

from .blocks import Change, Parts, containers_in, joined, parts_of
from .errors import LayoutDiffers
from .identical import same_pointers
from .kinds import ATOMS
from .trees import ALONE, Tree, are_flat, counts_of, derived, gather

_chain = itertools.chain.from_iterable

#: Items with members in them: the items with None in their places, the places, and the members' numbers.
Encoded = tuple[list[Any], bytes, bytes]
#: A root that holds something else: how much of its beginning and of its end is as it was, and what is between.
RootContents = tuple[int, int, Optional[Encoded], Encoded]
#: Members of one type that hold something else: their numbers, their sizes, keys and items.
MemberContents = tuple[bytes, bytes, Optional[Encoded], Encoded]
#: What is captured of a tree.
Contents = tuple[Optional[RootContents], list[MemberContents]]


class PlainData:
    """The trees of one walk. Members are numbered tree by tree."""

    def __init__(self) -> None:
        #: By the numbers of their roots.
        self.trees: dict[int, Tree] = {}
        #: The numbers of their first members.
        self.firsts: dict[int, int] = {}
        self.count = 0
        #: The identities of members that the walk may meet again.
        self.identities: set[int] = set()
        #: While objects are held: what holds something else than at the walk, by root.
        self.changes: dict[int, list[Change]] = {}
        self._noted: dict[int, int] = {}
        self._searches = 0

    # Walking.

    def gather(
        self,
        root: Any,
        number: int,
        index: dict[int, Any],
        other: Optional[Tree],
        check: Callable[[], None],
    ) -> Optional[str]:
        """Takes everything below a root; returns its fingerprint, or None where that is not all plain.

        `other` is what another walk has found there.
        """
        tree = None if other is None else derived(other, root, index, self.identities)
        tree = tree or gather(root, index, self.identities, check)
        if tree is None:
            return None
        self.trees[number] = tree
        self.firsts[number] = self.count
        self.count += len(tree.members)
        self.identities |= tree.identities
        tree.identities = set()
        return tree.fingerprint

    def finish(self, others: Iterable[Tree]) -> None:
        """All trees are there: accounts for the references to their members."""
        self.identities = set()
        own = list(self.trees.values())
        mine = set(map(id, own))
        elsewhere = [tree for tree in others if id(tree) not in mine]
        fresh = [tree for tree in own if tree.expected is None]
        for tree in fresh:
            tree.expected = [ALONE + 2] * len(tree.members)
            tree.others = elsewhere
        if not fresh or not elsewhere and all(tree.is_simple for tree in own):
            return
        unclear: list[tuple[Tree, list[int], list[int]]] = []
        wanted: set[int] = set()
        for tree in fresh:
            several = list(map((ALONE + 2).__ne__, counts_of(tree.members)))
            places = list(itertools.compress(itertools.count(), several))
            identities = list(map(id, itertools.compress(tree.members, several)))
            unclear.append((tree, places, identities))
            wanted.update(identities)
        # A place in the program's container and one in ours, and one where a list has the members.
        references: Counter[int] = Counter()
        for tree in own:
            references.update(filter(wanted.__contains__, tree.places()))
        for tree, _, identities in unclear:
            tree.is_simple = tree.is_simple and set(map(references.get, identities)) <= {1}
        references.update(references.copy())
        for tree in elsewhere:
            references.update(filter(wanted.__contains__, tree.places()))
            references.update(filter(wanted.__contains__, map(id, tree.members)))
        for tree, places, identities in unclear:
            assert tree.expected is not None
            for place, identity in zip(places, identities):
                tree.expected[place] = ALONE + references[identity]

    # Between.

    def look(self, objects: list[Any]) -> list[tuple[int, Any]]:
        """Finds out what has changed; returns the shared members with their numbers."""
        numbers: set[int] = set()
        # First, since what comes after refers to members, too.
        for root, tree in self.trees.items():
            counts = counts_of(tree.members)
            if counts != tree.expected:
                more = map(operator.ne, counts, tree.expected or ())
                numbers.update(itertools.compress(itertools.count(self.firsts[root]), more))
        self.changes = {root: tree.changes(objects[root]) for root, tree in self.trees.items()}
        # A member that has left its place may have as many references as before.
        removed = list(self._removed())
        known = self._numbers(removed)
        numbers.update(known[identity] for identity in removed if identity in known)
        if not numbers:
            return []
        members = self.members()
        return [(number, members[number]) for number in sorted(numbers)]

    def forget(self) -> None:
        self.changes = {}
        self._noted = {}
        self._searches = 0

    def is_orphan(self, number: int, root: Any) -> bool:
        """Whether nothing but walks would refer to any member if the root went."""
        return self.trees[number].is_alone(root)

    def release(self, number: int) -> None:
        del self.trees[number]

    def members(self) -> Sequence[Any]:
        """All members by number; None for those that the program has dropped."""
        trees = list(self.trees.items())
        if len(trees) == 1 and len(trees[0][1].members) == self.count:
            return trees[0][1].members
        found: list[Any] = [None] * self.count
        for root, tree in trees:
            first = self.firsts[root]
            found[first : first + len(tree.members)] = tree.members
        return found

    def with_numbers(self, packed: bytes) -> list[Any]:
        """The members with these numbers; None for those that the program has dropped."""
        if len(packed) % 8:
            raise LayoutDiffers("The checkpoint is damaged.")
        numbers = array("q", packed)
        members = self.members() if numbers else []
        if not all(0 <= number < len(members) for number in numbers):
            raise LayoutDiffers("The checkpoint is damaged.")
        return [members[number] for number in numbers]

    def _removed(self) -> Iterable[int]:
        """The identities of members that are in fewer places than at the walk."""
        before: list[Any] = []
        after: list[Any] = []
        for change in _chain(self.changes.values()):
            # What comes from elsewhere into a block without containers is not needed below: it has not left.
            if change.block.types <= ATOMS:
                continue
            old, new = change.block.parts[1], joined(change.holders, change.block.are_dictionaries)[1]
            if len(change.numbers) < len(change.block.sizes):
                old = list(_chain(items for _, items in change.block.before(change.numbers)))
            start, stop = _ends(old, new)
            before += containers_in(old[start : len(old) - stop])
            after += containers_in(new[start : len(new) - stop])
        if not before:
            return ()
        if all(tree.is_simple for tree in self.trees.values()):
            if not self._are_many(before):
                return set(map(id, before)).difference(map(id, after))
            numbers = self._all_numbers()
            left = set(map(numbers.get, map(id, after)))
            return [
                identity
                for identity in map(id, before)
                if identity in numbers and numbers[identity] not in left
            ]
        return Counter(map(id, before)) - Counter(map(id, after))

    def _are_many(self, some: Sequence[Any]) -> bool:
        """Whether looking for so many takes longer than noting the numbers of all."""
        return 4 * len(some) > self.count or self._searches > 4

    def _all_numbers(self) -> dict[int, int]:
        """The numbers of all members, by identity, noted until `forget`."""
        if not self._noted:
            for root, tree in self.trees.items():
                self._noted.update(zip(map(id, tree.members), itertools.count(self.firsts[root])))
        return self._noted

    def _numbers(self, identities: Sequence[int]) -> dict[int, int]:
        """The numbers of at least those that are members, by identity."""
        if self._are_many(identities):
            return self._all_numbers()
        wanted = set(identities)
        self._searches += bool(wanted)
        numbers: dict[int, int] = {}
        if wanted:
            for root, tree in self.trees.items():
                hits = list(map(wanted.__contains__, map(id, tree.members)))
                found = itertools.compress(itertools.count(self.firsts[root]), hits)
                numbers.update(zip(map(id, itertools.compress(tree.members, hits)), found))
        return numbers

    def members_among(self, objects: Iterable[Any]) -> list[Any]:
        objects = [o for o in objects if type(o) in (list, tuple, dict)]
        known = self._numbers(list(map(id, objects)))
        return [o for o in objects if id(o) in known]

    def newcomers(self, number: int) -> list[tuple[str, Any]]:
        """What is in changed holders and no atom, and no member either."""
        found: list[Any] = []
        for change in self.changes.get(number, ()):
            for items in joined(change.holders, change.block.are_dictionaries):
                if items is not None and not set(map(type, items)) <= ATOMS:
                    found += (x for x in items if type(x) not in ATOMS)
        members = self._numbers(list(map(id, found)))
        return [("[…]", x) for x in found if id(x) not in members]

    # Capturing and restoring.

    def contents(self) -> dict[int, Contents]:
        """What the holders hold that hold something else than at the walk, by root."""
        return {root: self._tree_contents(changes) for root, changes in self.changes.items() if changes}

    def _tree_contents(self, changes: list[Change]) -> Contents:
        root: Optional[RootContents] = None
        members: list[MemberContents] = []
        for are_dictionaries in (False, True):
            numbers, sizes = array("q"), array("q")
            keys: list[Any] = []
            items: list[Any] = []
            for change in changes:
                if change.block.are_dictionaries is not are_dictionaries:
                    continue
                if change.block.first < 0:
                    root = self._root_contents(change.block.parts, parts_of(change.holders[0]))
                    continue
                numbers.extend(change.numbers)
                sizes.extend(map(len, change.holders))
                now = joined(change.holders, are_dictionaries)
                keys += now[0] or ()
                items += now[1]
            if numbers:
                encoded_keys = self._encode(keys) if are_dictionaries else None
                members.append((numbers.tobytes(), sizes.tobytes(), encoded_keys, self._encode(items)))
        return root, members

    def _root_contents(self, before: Parts, now: Parts) -> RootContents:
        start, stop = _ends(before[1], now[1])
        if before[0] is not None and now[0] is not None:
            ends = _ends(before[0], now[0])
            start, stop = min(start, ends[0]), min(stop, ends[1])
        middle = slice(start, len(now[1]) - stop)
        keys = None if now[0] is None else self._encode(now[0][middle])
        return start, stop, keys, self._encode(now[1][middle])

    def _encode(self, items: list[Any]) -> Encoded:
        containers = containers_in(items)
        found = self._numbers(list(map(id, containers))) if containers else {}
        if not found:
            return items, b"", b""
        numbers = list(map(found.get, map(id, items)))
        if None not in numbers:
            return [None] * len(items), array("q", range(len(items))).tobytes(), array("q", numbers).tobytes()
        is_member = [number is not None for number in numbers]
        places = array("q", itertools.compress(itertools.count(), is_member))
        packed = array("q", itertools.compress(numbers, is_member))
        items = [None if is_in else item for item, is_in in zip(items, is_member)]
        return items, places.tobytes(), packed.tobytes()

    def decoded(
        self, number: int, contents: Contents, all_members: Sequence[Any]
    ) -> dict[int, Parts]:
        """What the holders of a tree held, by their places, the root as -1."""
        tree = self.trees.get(number)
        if tree is None:
            raise LayoutDiffers("The program has dropped data which the checkpoint holds.")
        root, members = contents
        found: dict[int, Parts] = {}
        if root is not None:
            start, stop, encoded_keys, encoded_items = root
            parts: list[Optional[list[Any]]] = []
            for before, encoded in zip(tree.root.parts, (encoded_keys, encoded_items)):
                if before is None or encoded is None:
                    parts.append(None)
                else:
                    middle = _decode(encoded, all_members)
                    parts.append(before[:start] + middle + before[len(before) - stop :])
            found[-1] = (parts[0], parts[1] or [])
        for packed_numbers, packed_sizes, encoded_keys, encoded_items in members:
            numbers, sizes = array("q", packed_numbers), array("q", packed_sizes)
            keys = None if encoded_keys is None else _decode(encoded_keys, all_members)
            items = _decode(encoded_items, all_members)
            start = 0
            for place, size in zip(numbers, sizes):
                stop = start + size
                found[place] = (None if keys is None else keys[start:stop], items[start:stop])
                start = stop
        return found

    def restore(self, recorded: dict[int, Contents], objects: list[Any]) -> None:
        """Makes all holders hold what they held."""
        from .containers import refill_dict

        members = self.members() if recorded else ()
        for number in {**self.trees, **recorded}:
            wanted = self.decoded(number, recorded[number], members) if number in recorded else {}
            tree, root = self.trees[number], objects[number]
            for change in tree.changes(root):
                for place, before in zip(change.numbers, change.block.before(change.numbers)):
                    wanted.setdefault(place, before)
            for place, (keys, items) in wanted.items():
                holder = root if place < 0 else tree.members[place]
                if type(holder) is dict:
                    refill_dict(holder, keys or [], items)
                elif type(holder) is list:
                    holder[:] = items

    def differing(
        self, number: int, recorded: Optional[Contents], objects: list[Any]
    ) -> list[tuple[int, Parts, Parts]]:
        """Places in a tree where something else is than at the walk, now or in the recording: both contents."""
        if number not in self.trees:
            raise LayoutDiffers("The program has dropped data which the checkpoint holds.")
        tree = self.trees[number]
        theirs = {} if recorded is None else self.decoded(number, recorded, self.members())
        changed: set[int] = set()
        for change in self.changes.get(number, ()):
            changed.update(change.numbers)
        found = []
        for block in tree.all_blocks():
            numbers = [n for n in range(block.first, block.stop) if n in changed or n in theirs]
            for place, before in zip(numbers, block.before(numbers)):
                holder = objects[number] if place < 0 else tree.members[place]
                found.append((place, parts_of(holder), theirs.get(place, before)))
        return found


def are_same(one: Optional[Contents], other: Optional[Contents]) -> bool:
    """Whether contents are equal to the bit; false as well where that takes a closer look."""
    if one is None or other is None or not (_holds_atoms(one) and _holds_atoms(other)):
        return False
    try:
        return marshal.dumps(one, 2) == marshal.dumps(other, 2)
    except ValueError:
        return False


def _holds_atoms(contents: Contents) -> bool:
    """Whether there is nothing but atoms, tuples of them, and members."""
    root, members = contents
    columns = [encoded for part in (root, *members) if part is not None for encoded in part[2:]]
    return all(encoded is None or are_flat(encoded[0]) for encoded in columns)


def _ends(one: list[Any], other: list[Any]) -> tuple[int, int]:
    """How many items at the beginning and at the end are the same."""
    most = min(len(one), len(other))
    start = _common(most, lambda low, high: same_pointers(one[low:high], other[low:high]))
    back, forth = len(one), len(other)
    stop = _common(
        most - start,
        lambda low, high: same_pointers(one[back - high : back - low], other[forth - high : forth - low]),
    )
    return start, stop


def _common(most: int, is_same: Callable[[int, int], bool]) -> int:
    """The largest n up to `most` for which 0 to n are the same; looks at few places twice."""
    low, step = 0, 1
    while low < most and is_same(low, min(low + step, most)):
        low = min(low + step, most)
        step *= 2
    high = min(low + step, most)  # somewhere between the two it differs
    while high - low > 1:
        middle = (low + high) // 2
        if is_same(low, middle):
            low = middle
        else:
            high = middle
    return low


def _decode(encoded: Encoded, members: Sequence[Any]) -> list[Any]:
    items, places, numbers = encoded
    items = list(items)
    for place, number in zip(array("q", places), array("q", numbers)):
        if members[number] is None:
            raise LayoutDiffers("The program has dropped data which the checkpoint holds.")
        items[place] = members[number]
    return items
