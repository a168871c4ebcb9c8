"""Large nestings of lists, tuples and dictionaries of plain values, which a walk does not number one by one.

A million rows, each a list, hang below one numbered object, their root, and are its *members*: known by their place
in the order in which they are found. What all of them hold is remembered and compared by pointers, in blocks. Only
what holds something else than at the walk is captured.

A member needs a number only where something else than its place in the tree refers to it: a variable, a new list. The
reference counts of all members tell whether there is anything: those that exceed what the walk accounts for are
*shared*, and get numbers for one capture.
"""

from __future__ import annotations

import hashlib
import itertools
import marshal
import operator
import sys
import sysconfig
from array import array
from collections import Counter
from typing import Any, Callable, Iterable, Iterator, Optional, Sequence

from .blocks import Block, Parts, containers_in, parts_of, tuples_with_more
from .errors import LayoutDiffers
from .identical import same_pointers
from .kinds import ATOMS

_chain = itertools.chain.from_iterable

#: Members in a block.
BLOCK = 4096
#: Levels of containers below a root.
DEEPEST = 16
#: Where members are longer than this on average, each is better remembered by itself.
LONGEST = 32

_PLAIN = ATOMS | {list, tuple, dict}

#: Items with members in them: the items with None in their places, the places, and the members' numbers.
Encoded = tuple[list[Any], bytes, bytes]
#: A root that holds something else: how much of its beginning and of its end is as it was, and what is between.
RootContents = tuple[int, int, Optional[Encoded], Encoded]
#: Members of one type that hold something else: their numbers, their sizes, keys and items.
MemberContents = tuple[bytes, bytes, Optional[Encoded], Encoded]
#: What is captured of a tree.
Contents = tuple[Optional[RootContents], list[MemberContents]]


def _counts(objects: Sequence[Any]) -> list[int]:
    return list(map(sys.getrefcount, objects))


#: The count of what only a list refers to.
_ALONE = _counts([object()])[0]
#: Whether counts tell who refers to an object.
_COUNTS_TELL = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")


class Tree:
    """One root's members and what they and the root held; it does not hold on to the root."""

    __slots__ = ("first", "members", "root", "blocks", "is_simple", "expected", "__weakref__")

    def __init__(self, root: Any, first: int) -> None:
        #: The number of its first member.
        self.first = first
        self.members: list[Any] = []
        self.root = Block([root], -1, type(root) is dict)
        self.blocks: list[Block] = []
        #: Whether every member has one place, and nothing else that is numbered has any.
        self.is_simple = True
        #: The reference counts of members that only walks and trees refer to.
        self.expected: list[int] = []

    def all_blocks(self) -> Iterator[Block]:
        yield self.root
        yield from self.blocks

    def changed(self, root: Any) -> list[tuple[int, Any, Parts]]:
        """The holders that hold something else now, the root as -1, with what they held."""
        found = self.root.changed([root])
        for block in self.blocks:
            start, stop = block.first - self.first, block.stop - self.first
            found += block.changed(self.members[start:stop])
        return found

    def places(self) -> Iterator[int]:
        """The identities of containers, once for every place in which they are."""
        for block in self.all_blocks():
            yield from map(id, containers_in(block.parts[1], block.types))


class PlainData:
    """The trees of one walk."""

    def __init__(self) -> None:
        #: By the numbers of their roots.
        self.trees: dict[int, Tree] = {}
        self.count = 0
        #: The identities of all members, while the walk is under way.
        self.identities: set[int] = set()
        self._others: list[Tree] = []
        #: While objects are held: what holds something else than at the walk, by root.
        self.changed: dict[int, list[tuple[int, Any, Parts]]] = {}

    # Walking.

    def gather(
        self, root: Any, number: int, index: dict[int, Any], check: Callable[[], None]
    ) -> Optional[str]:
        """Takes everything below a root; returns its fingerprint, or None where that is not all plain."""
        if not _COUNTS_TELL:
            return None
        tree = Tree(root, self.count)
        identities: set[int] = set()
        level = [tree.root]
        for _ in range(DEEPEST):
            following: list[Block] = []
            for cls in (list, tuple, dict):
                found: list[Any] = []
                for block in level:
                    if not block.types <= _PLAIN:
                        return None
                    if cls is list and block.are_dictionaries and not _are_flat(block.parts[0]):
                        return None
                    found += _of_type(block, cls)
                new = self._new(found, tree, identities, index)
                for start in range(0, len(new), BLOCK):
                    holders = new[start : start + BLOCK]
                    following.append(Block(holders, self.count + len(tree.members), cls is dict))
                    tree.members += holders
                    check()
            tree.blocks += following
            level = following
            if not level:
                break
        else:
            return None
        if sum(len(block.parts[1]) for block in tree.blocks) > LONGEST * len(tree.members) > 0:
            return None
        fingerprint = _fingerprint(tree, index, check)
        self.trees[number] = tree
        self.identities |= identities
        self.count += len(tree.members)
        return fingerprint

    def _new(
        self, found: list[Any], tree: Tree, identities: set[int], index: dict[int, Any]
    ) -> list[Any]:
        """Those that have no number and are no members yet, each once."""
        ids = set(map(id, found))
        if (
            len(ids) < len(found)
            or not ids.isdisjoint(identities)
            or not ids.isdisjoint(self.identities)
            or not ids.isdisjoint(index)
        ):
            tree.is_simple = False
            known = identities, self.identities, index
            once = dict(zip(map(id, found), found))
            found = [x for i, x in once.items() if not any(i in ids for ids in known)]
            ids = set(map(id, found))
        identities |= ids
        return found

    def finish(self, others: Iterable[Tree]) -> None:
        """All trees are there: accounts for the references to their members."""
        self.identities = set()
        #: Trees of other walks refer to the same members. Held on to, so that their references stay.
        self._others = [other for other in others if other.members or other.blocks] if self.trees else []
        own = self.trees.values()
        if not self._others and all(tree.is_simple for tree in own):
            for tree in own:
                tree.expected = [_ALONE + 2] * len(tree.members)
            return
        # A place in the program's container and one in ours, and one where a list has the members.
        references: Counter[int] = Counter(_chain(tree.places() for tree in own))
        references.update(references.copy())
        for other in self._others:
            references.update(other.places())
            references.update(map(id, other.members))
        for tree in own:
            tree.expected = [_ALONE + references[id(member)] for member in tree.members]

    # Between.

    def look(self, objects: list[Any]) -> list[tuple[int, Any]]:
        """Finds out what has changed; returns the shared members with their numbers."""
        numbers: set[int] = set()
        # First, since what comes after refers to members, too.
        for tree in self.trees.values():
            counts = _counts(tree.members)
            if counts != tree.expected:
                more = map(operator.ne, counts, tree.expected)
                numbers.update(itertools.compress(itertools.count(tree.first), more))
        self.changed = {
            number: tree.changed(objects[number]) for number, tree in self.trees.items()
        }
        # A member that has left its place may have as many references as before.
        numbers.update(self._numbers(self._removed()).values())
        if not numbers:
            return []
        members = self.members()
        return [(number, members[number]) for number in sorted(numbers)]

    def forget(self) -> None:
        self.changed = {}

    def is_orphan(self, number: int, root: Any) -> bool:
        """Whether nothing but walks would refer to any member if the root went."""
        tree = self.trees[number]
        return _counts(tree.members) == tree.expected and not tree.changed(root)

    def release(self, number: int) -> None:
        del self.trees[number]

    def members(self) -> Sequence[Any]:
        """All members by number; None for those that the program has dropped."""
        trees = list(self.trees.values())
        if len(trees) == 1 and len(trees[0].members) == self.count:
            return trees[0].members
        found: list[Any] = [None] * self.count
        for tree in trees:
            found[tree.first : tree.first + len(tree.members)] = tree.members
        return found

    def with_numbers(self, packed: bytes) -> list[Any]:
        """The members with these numbers."""
        if len(packed) % 8:
            raise LayoutDiffers("The checkpoint is damaged.")
        numbers = array("q", packed)
        members = self.members() if numbers else []
        found = [members[number] if 0 <= number < len(members) else None for number in numbers]
        if any(member is None for member in found):
            raise LayoutDiffers("The program has dropped data which the checkpoint holds.")
        return found

    def holder(self, number: int, position: int, objects: list[Any]) -> tuple[Any, Parts]:
        """A holder of a tree by its number there, the root as -1, and what it held at the walk."""
        tree = self.trees[number]
        if position < 0:
            return objects[number], tree.root.parts
        block = next(block for block in tree.blocks if position < block.stop)
        start = sum(block.sizes[: position - block.first])
        held = block.part(start, start + block.sizes[position - block.first])
        return tree.members[position - tree.first], held

    def _removed(self) -> list[int]:
        """The identities of members that are in fewer places than at the walk."""
        gone: Counter[int] = Counter()
        for changed in self.changed.values():
            for _, holder, (_, before) in changed:
                if set(map(type, before)) <= ATOMS:
                    continue
                now = parts_of(holder)[1]
                start, stop = _ends(before, now)
                gone.update(map(id, containers_in(before[start : len(before) - stop])))
                gone.subtract(map(id, containers_in(now[start : len(now) - stop])))
        return [identity for identity, count in gone.items() if count > 0]

    def _numbers(self, wanted: Iterable[int]) -> dict[int, int]:
        """The numbers of those that are members, by identity."""
        wanted = set(wanted)
        numbers: dict[int, int] = {}
        if wanted:
            for tree in self.trees.values():
                hits = list(map(wanted.__contains__, map(id, tree.members)))
                found = itertools.compress(itertools.count(tree.first), hits)
                numbers.update(zip(map(id, itertools.compress(tree.members, hits)), found))
        return numbers

    def newcomers(self, number: int) -> list[tuple[str, Any]]:
        """What is in changed holders and no atom, and no member either."""
        found = [
            x
            for _, holder, (keys, items) in self.changed.get(number, ())
            for x, old in _new_items(holder, keys, items)
            if type(x) not in ATOMS
        ]
        members = self._numbers(id(x) for x in found)
        return [("[…]", x) for x in found if id(x) not in members]

    # Capturing and restoring.

    def contents(self) -> dict[int, Contents]:
        """What the holders hold that hold something else than at the walk, by root."""
        return {number: self._tree_contents(found) for number, found in self.changed.items() if found}

    def _tree_contents(self, changed: list[tuple[int, Any, Parts]]) -> Contents:
        root: Optional[RootContents] = None
        members: list[MemberContents] = []
        for are_dictionaries in (False, True):
            numbers, sizes = array("q"), array("q")
            keys: list[Any] = []
            items: list[Any] = []
            for number, holder, before in changed:
                if (type(holder) is dict) is not are_dictionaries:
                    continue
                now = parts_of(holder)
                if number < 0:
                    root = self._root_contents(before, now)
                    continue
                numbers.append(number)
                sizes.append(len(now[1]))
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
        places, numbers = array("q"), array("q")
        found = self._numbers(map(id, containers_in(items)))
        if found:
            for place, item in enumerate(items):
                number = found.get(id(item))
                if number is not None:
                    places.append(place)
                    numbers.append(number)
                    items[place] = None
        return items, places.tobytes(), numbers.tobytes()

    def decoded(self, number: int, contents: Contents) -> dict[int, Parts]:
        """What the holders of a tree held, by their numbers."""
        tree = self.trees.get(number)
        if tree is None:
            raise LayoutDiffers("The program has dropped data which the checkpoint holds.")
        all_members = self.members()
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
            for member, size in zip(numbers, sizes):
                stop = start + size
                found[member] = (None if keys is None else keys[start:stop], items[start:stop])
                start = stop
        return found

    def restore(self, recorded: dict[int, Contents], objects: list[Any]) -> None:
        """Makes all holders hold what they held."""
        from .containers import refill_dict

        for number in {**self.trees, **recorded}:
            wanted = self.decoded(number, recorded[number]) if number in recorded else {}
            tree, root = self.trees[number], objects[number]
            for position, _, before in tree.changed(root):
                wanted.setdefault(position, before)
            for position, (keys, items) in wanted.items():
                holder = root if position < 0 else tree.members[position - tree.first]
                if type(holder) is dict:
                    refill_dict(holder, keys or [], items)
                elif type(holder) is list:
                    if not same_pointers(holder, items):
                        holder[:] = items

    # Words.

    def path(self, number: int, position: int) -> str:
        """How a member is reached from the root, as in the program's source."""
        tree = self.trees[number]
        label = ""
        while position >= 0:
            member = tree.members[position - tree.first]
            for block in tree.all_blocks():
                at = next((i for i, x in enumerate(block.parts[1]) if x is member), None)
                if at is not None:
                    break
            else:
                return label
            owner, within = _owner(block, at)
            keys = block.parts[0]
            label = f"[{within if keys is None else keys[at]!r}]{label}"
            position = owner
        return label


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
    return all(encoded is None or _are_flat(encoded[0]) for encoded in columns)


def _owner(block: Block, at: int) -> tuple[int, int]:
    """Whose item the one at this place of a block is, and where it is among the owner's."""
    for number, size in enumerate(block.sizes):
        if at < size:
            return block.first + number, at
        at -= size
    raise IndexError(at)


def _of_type(block: Block, cls: type) -> list[Any]:
    if cls not in block.types:
        return []
    items = block.parts[1]
    found = items if block.types == {cls} else [x for x in items if type(x) is cls]
    return tuples_with_more(found) if cls is tuple else found


def _are_flat(keys: Any) -> bool:
    types = set(map(type, keys))
    return types <= ATOMS or (
        types <= ATOMS | {tuple} and not tuples_with_more([k for k in keys if type(k) is tuple])
    )


def _fingerprint(tree: Tree, index: dict[int, Any], check: Callable[[], None]) -> str:
    """Of all values and of what is where: what has not changed is not captured."""
    from .containers import fingerprint

    numbers: dict[int, int] = {}
    if not tree.is_simple:
        numbers = {identity: -1 - entry[0] for identity, entry in index.items()}
        numbers.update(zip(map(id, tree.members), itertools.count(tree.first)))
    digest = hashlib.blake2b(digest_size=8)
    for block in tree.all_blocks():
        keys, items = block.parts
        shape: Any = None
        if not block.types <= ATOMS:
            names = {cls.__name__ for cls in block.types}
            shape = [names.pop()] if len(names) == 1 else [type(x).__name__ for x in items]
            if not tree.is_simple:
                shape += [numbers.get(id(x)) for x in items]
            # What is left are atoms and tuples of atoms.
            nested = set(map(id, containers_in(items, block.types)))
            items = [] if len(nested) == len(items) else [x for x in items if id(x) not in nested]
        digest.update(fingerprint((block.are_dictionaries, block.sizes, shape, keys, items)).encode())
        check()
    return digest.hexdigest()


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


def _new_items(holder: Any, keys: Any, items: list[Any]) -> list[tuple[Any, None]]:
    known = set(map(id, items))
    now = parts_of(holder)
    found = [x for x in now[1] if id(x) not in known]
    if keys is not None and now[0] is not None:
        known = set(map(id, keys))
        found += [x for x in now[0] if id(x) not in known]
    return [(x, None) for x in found]


def _decode(encoded: Encoded, members: Sequence[Any]) -> list[Any]:
    items, places, numbers = encoded
    items = list(items)
    for place, number in zip(array("q", places), array("q", numbers)):
        if members[number] is None:
            raise LayoutDiffers("The program has dropped data which the checkpoint holds.")
        items[place] = members[number]
    return items
