"""A large nesting of lists, tuples and dictionaries of plain values, as a walk finds it (see `plaindata`)."""

from __future__ import annotations

import hashlib
import itertools
import operator
import sys
import sysconfig
from typing import Any, Callable, Iterator, Optional, Sequence

from .blocks import Block, Change, containers_in, of_type
from .kinds import ATOMS

_chain = itertools.chain.from_iterable

#: Members in a block.
BLOCK = 1024
#: Levels of containers below a root.
DEEPEST = 16
#: Where members are longer than this on average, each is better remembered by itself.
LONGEST = 32
#: What the members held at the walk is held on to: where their texts are longer than this on average, and more than
#: this in all, the program may count on getting that memory back.
LONGEST_TEXT, MOST_TEXT = 4096, 16 * 2**20

_NAMES = {list: "list", dict: "dict"}
_PLAIN = ATOMS | {list, tuple, dict}


def counts_of(objects: Sequence[Any]) -> list[int]:
    """The reference counts of a list's items."""
    return list(map(sys.getrefcount, objects))


#: The count of what only a list refers to.
ALONE = counts_of([object()])[0]
#: Whether counts tell who refers to an object.
_COUNTS_TELL = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")


class Tree:
    """One root's members and what they and the root held; it does not hold on to the root."""

    __slots__ = (
        "members", "root", "blocks", "is_simple", "identities", "expected", "others", "fingerprint",
    )  # fmt: skip

    def __init__(self, root: Any) -> None:
        self.members: list[Any] = []
        self.root = Block([root], -1, type(root) is dict)
        #: Of the members, by their places among them.
        self.blocks: list[Block] = []
        #: Whether every member has one place in all trees of the walk, and nothing else that is numbered has any.
        self.is_simple = True
        #: Of members that more than their place refers to.
        self.identities: set[int] = set()
        #: The reference counts that members have while only walks and trees refer to them.
        self.expected: Optional[list[int]] = None
        #: Trees of other walks that refer to the same members: as long as they exist, their references stay.
        self.others: list[Tree] = []
        #: Of all values and of what is where: what has not changed is not captured.
        self.fingerprint = ""

    def all_blocks(self) -> Iterator[Block]:
        yield self.root
        yield from self.blocks

    def changes(self, root: Any) -> list[Change]:
        """The holders that hold something else now, the root as -1."""
        found = [self.root.change([root])]
        found += (block.change(self.members[block.first : block.stop]) for block in self.blocks)
        return [change for change in found if change is not None]

    def is_alone(self, root: Any) -> bool:
        """Whether nothing has changed, and nothing but the tree refers to any member."""
        return self.is_simple and counts_of(self.members) == self.expected and not self.changes(root)

    def places(self) -> Iterator[int]:
        """The identities of containers, once for every place in which they are."""
        blocks = self.all_blocks()
        return _chain(map(id, containers_in(block.parts[1], block.types)) for block in blocks)

    def path(self, place: int) -> str:
        """How a member is reached from the root, as in the program's source."""
        label = ""
        while place >= 0:
            member = self.members[place]
            for block in self.all_blocks():
                at = next((i for i, x in enumerate(block.parts[1]) if x is member), None)
                if at is not None:
                    break
            else:
                return label
            keys = block.parts[0]
            ends = list(itertools.accumulate(block.sizes))
            owner = next(i for i, end in enumerate(ends) if at < end)
            key = at - (ends[owner - 1] if owner else 0) if keys is None else keys[at]
            label = f"[{key!r}]{label}"
            place = block.first + owner
        return label


def gather(
    root: Any, index: dict[int, Any], known: set[int], check: Callable[[], None]
) -> Optional[Tree]:
    """Everything below a root; None where that is not all plain.

    Members are no objects that have numbers, in `index`, nor are they in other trees, where their identities are
    `known`. The result depends on the data only. `check` is called from time to time.
    """
    if not _COUNTS_TELL:
        return None
    tree = Tree(root)
    level = [tree.root]
    for _ in range(DEEPEST):
        following: list[Block] = []
        if not all(block.types <= _PLAIN for block in level):
            return None
        if not all(are_flat(block.parts[0]) for block in level if block.parts[0] is not None):
            return None
        for cls in (list, tuple, dict):
            found: list[Any] = []
            for block in level:
                found += of_type(block.parts[1], block.types, cls)
            _drop_known(found, tree, index, known)
            for start in range(0, len(found), BLOCK):
                holders = found[start : start + BLOCK]
                following.append(Block(holders, len(tree.members), cls is dict))
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
    if _has_long_texts(tree):
        return None
    tree.fingerprint = _fingerprint(tree, index, check)
    return tree


def _has_long_texts(tree: Tree) -> bool:
    count = size = 0
    for block in tree.all_blocks():
        if not block.types.isdisjoint((str, bytes)):
            lengths = [len(x) for x in block.parts[1] if type(x) in (str, bytes)]
            count, size = count + len(lengths), size + sum(lengths)
    return size > MOST_TEXT and size > LONGEST_TEXT * count


def _drop_known(found: list[Any], tree: Tree, index: dict[int, Any], known: set[int]) -> None:
    """Leaves only those that have no number and are no members yet, each once."""
    # Where only this list, a container, and what we remember of it refer to an object, it is met once.
    once = ALONE + 2
    several = list(map(once.__ne__, counts_of(found)))
    identities = set(map(id, itertools.compress(found, several)))
    seen = tree.identities
    if len(identities) == sum(several) and all(map(identities.isdisjoint, (seen, known, index))):
        tree.identities = seen | identities if seen else identities
        return
    if identities <= known:
        tree.is_simple = False
        found[:] = itertools.compress(found, map(operator.not_, several))
        return
    dropped: set[int] = set()
    for place in itertools.compress(itertools.count(), several):
        identity = id(found[place])
        if identity in seen or identity in known or identity in index:
            dropped.add(place)
        else:
            seen.add(identity)
    if dropped:
        tree.is_simple = False
        found[:] = [x for place, x in enumerate(found) if place not in dropped]


def are_flat(items: Any) -> bool:
    """Whether all are atoms, or tuples of atoms."""
    types = set(map(type, items))
    return types <= ATOMS or (
        types <= ATOMS | {tuple} and not of_type([x for x in items if type(x) is tuple], {tuple}, tuple)
    )


def derived(other: Tree, root: Any, index: dict[int, Any], known: set[int]) -> Optional[Tree]:
    """The tree that `gather` would find, made from one of another walk; None where it may look different.

    They share all that is the same, so that neither counts as a reference for the other.
    """
    if not other.is_simple or other.expected is None:
        return None
    counts = counts_of(other.members)
    changes = other.changes(root)
    several = map(operator.ne, counts, other.expected)
    identities = set(map(id, itertools.compress(other.members, several)))
    if not (identities.isdisjoint(index) and identities.isdisjoint(known)):
        return None
    if not changes and not identities:
        return other
    tree = Tree.__new__(Tree)
    tree.members, tree.root, tree.is_simple = other.members, other.root, True
    tree.expected, tree.others, tree.identities = other.expected, other.others, identities
    blocks = {block.first: block for block in other.blocks}
    for change in changes:
        old = change.block
        if old.first < 0:
            return None
        new = Block(tree.members[old.first : old.stop], old.first, old.are_dictionaries)
        if not new.types <= _PLAIN or new.parts[0] is not None and not are_flat(new.parts[0]):
            return None
        if containers_in(old.parts[1], old.types) or containers_in(new.parts[1], new.types):
            return None
        blocks[old.first] = new
    tree.blocks = list(blocks.values())
    tree.fingerprint = _fingerprint(tree, index, lambda: None)
    return tree


def _fingerprint(tree: Tree, index: dict[int, Any], check: Callable[[], None]) -> str:
    numbers: dict[int, int] = {}
    if not tree.is_simple:
        numbers = {identity: -1 - entry[0] for identity, entry in index.items()}
        numbers.update(zip(map(id, tree.members), itertools.count()))
    digest = hashlib.blake2b(digest_size=8)
    for block in tree.all_blocks():
        digest.update(_digest(block, numbers) if numbers else block.digest or _digest(block, numbers))
        check()
    return digest.hexdigest()


def _digest(block: Block, numbers: dict[int, int]) -> bytes:
    """Of values, and of which items are containers; with `numbers`, of which ones they are."""
    from .containers import fingerprint

    keys, items = block.parts
    nested: Any = None
    if not block.types <= ATOMS:
        # What is left are atoms and tuples of atoms.
        if len(block.types) == 1 and tuple not in block.types:
            nested, left = [cls.__name__ for cls in block.types], []
        else:
            nested = list(map(_NAMES.get, map(type, items)))
            if tuple in block.types:
                more = set(map(id, of_type(items, block.types, tuple)))
                nested = ["tuple" if id(x) in more else name for x, name in zip(items, nested)]
            left = list(itertools.compress(items, map(operator.not_, nested)))
        if numbers:
            nested += [numbers.get(id(x)) for x in items]
        items = left
    digest = fingerprint((block.are_dictionaries, block.sizes, nested, keys, items)).encode()
    if not numbers:
        block.digest = digest
    return digest
