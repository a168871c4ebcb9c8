"""What many containers held, remembered and compared at the speed of C."""

from __future__ import annotations

import itertools
import operator
from typing import Any, Iterable, Iterator, NamedTuple, Optional, Sequence

from .identical import same_pointers
from .kinds import ATOMS

_chain = itertools.chain.from_iterable

#: What a holder holds: a dictionary's keys, else nothing, and its items or values.
Parts = tuple[Optional[list[Any]], list[Any]]


def parts_of(holder: Any) -> Parts:
    if type(holder) is dict:
        return list(holder), list(holder.values())
    return None, list(holder)


def joined(holders: Iterable[Any], are_dictionaries: bool) -> Parts:
    """The parts of all of them, one behind the other."""
    if are_dictionaries:
        holders = list(holders)
        return list(_chain(holders)), list(_chain(map(dict.values, holders)))
    return None, list(_chain(holders))


def same_parts(one: Parts, other: Parts) -> bool:
    if one[0] is not None and not same_pointers(one[0], other[0]):  # type: ignore[arg-type]
        return False
    return same_pointers(one[1], other[1])


def of_type(items: list[Any], types: set[type], cls: type) -> list[Any]:
    """The lists or dictionaries among items of these types, or the tuples that hold more than atoms."""
    if cls not in types:
        return []
    found = items if types == {cls} else [x for x in items if type(x) is cls]
    if cls is tuple:
        if set(map(type, _chain(found))) <= ATOMS:
            return []
        return [x for x in found if not set(map(type, x)) <= ATOMS]
    return found


def containers_in(items: list[Any], types: Optional[set[type]] = None) -> list[Any]:
    """The lists, the dictionaries, and the tuples that hold more than atoms."""
    types = set(map(type, items)) if types is None else types
    if types == {list} or types <= ATOMS:
        return items if types == {list} else []
    return [x for cls in (list, dict, tuple) for x in of_type(items, types, cls)]


class Block:
    """Some containers, dictionaries or others, and what they held; it holds on to the latter only."""

    __slots__ = ("first", "stop", "are_dictionaries", "sizes", "parts", "types", "digest")

    def __init__(self, holders: Sequence[Any], first: int, are_dictionaries: bool) -> None:
        self.first = first
        self.stop = first + len(holders)
        self.are_dictionaries = are_dictionaries
        self.sizes = list(map(len, holders))
        self.parts = joined(holders, are_dictionaries)
        if sum(self.sizes) != len(self.parts[1]):
            raise RuntimeError("another thread has changed the data meanwhile")
        #: Of the items.
        self.types = set(map(type, self.parts[1]))
        #: Of what was held, once somebody has asked.
        self.digest = b""

    def before(self, numbers: Iterable[int]) -> Iterator[Parts]:
        """What the holders with these numbers held."""
        starts = list(itertools.accumulate(self.sizes, initial=0))
        keys, items = self.parts
        for number in numbers:
            start, stop = starts[number - self.first], starts[number - self.first + 1]
            yield None if keys is None else keys[start:stop], items[start:stop]

    def change(self, holders: Sequence[Any]) -> Optional[Change]:
        """The holders that hold something else now; where they are many, all."""
        sizes = list(map(len, holders))
        parts = joined(holders, self.are_dictionaries)
        if sizes == self.sizes and same_parts(parts, self.parts):
            return None
        if len(sizes) == 1:
            found = [0]
        elif sizes == self.sizes and sum(sizes) == len(parts[1]):
            found = list(self._owners(parts))
        else:
            held = self.before(range(self.first, self.stop))
            found = [i for i, (o, old) in enumerate(zip(holders, held)) if not same_parts(parts_of(o), old)]
        if 2 * len(found) > len(sizes):
            return Change(self, range(self.first, self.stop), holders)
        return Change(self, [self.first + i for i in found], [holders[i] for i in found])

    def _owners(self, parts: Parts) -> Iterable[int]:
        """Whose items are others than before."""
        differs = map(operator.is_not, parts[1], self.parts[1])
        if parts[0] is not None and self.parts[0] is not None:
            differs = map(operator.or_, differs, map(operator.is_not, parts[0], self.parts[0]))
        owners = _chain(map(itertools.repeat, range(len(self.sizes)), self.sizes))
        return dict.fromkeys(itertools.compress(owners, differs))


class Change(NamedTuple):
    """Holders of a block of which some hold something else than before."""

    block: Block
    numbers: Sequence[int]
    holders: Sequence[Any]
