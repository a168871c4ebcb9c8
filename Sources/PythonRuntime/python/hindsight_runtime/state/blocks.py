"""What many containers held, remembered and compared at the speed of C."""

from __future__ import annotations

import itertools
import operator
from typing import Any, Iterable, Iterator, Optional, Sequence

from .identical import same_pointers
from .kinds import ATOMS

_chain = itertools.chain.from_iterable

#: What a holder holds: a dictionary's keys, else nothing, and its items or values.
Parts = tuple[Optional[list[Any]], list[Any]]


def parts_of(holder: Any) -> Parts:
    if type(holder) is dict:
        return list(holder), list(holder.values())
    return None, list(holder)


def joined(holders: Sequence[Any], are_dictionaries: bool) -> Parts:
    """The parts of all of them, one behind the other."""
    if are_dictionaries:
        return list(_chain(holders)), list(_chain(map(dict.values, holders)))
    return None, list(_chain(holders))


def same_parts(one: Parts, other: Parts) -> bool:
    if one[0] is not None and not same_pointers(one[0], other[0]):  # type: ignore[arg-type]
        return False
    return same_pointers(one[1], other[1])


def containers_in(items: Iterable[Any], types: Optional[set[type]] = None) -> Iterator[Any]:
    """The lists, the dictionaries, and the tuples that hold more than atoms, grouped in this order."""
    types = set(map(type, items)) if types is None else types
    for cls in (list, dict):
        if types == {cls}:
            yield from items
        elif cls in types:
            yield from (x for x in items if type(x) is cls)
    if tuple in types:
        yield from tuples_with_more([x for x in items if type(x) is tuple])


def tuples_with_more(tuples: list[Any]) -> list[Any]:
    """Those that hold more than atoms."""
    if set(map(type, _chain(tuples))) <= ATOMS:
        return []
    return [x for x in tuples if not set(map(type, x)) <= ATOMS]


class Block:
    """Some containers, dictionaries or others, and what they held; it holds on to the latter only."""

    __slots__ = ("first", "stop", "are_dictionaries", "sizes", "parts", "types")

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

    def changed(self, holders: Sequence[Any]) -> list[tuple[int, Any, Parts]]:
        """The holders that hold something else now, with their numbers and what they held."""
        sizes = list(map(len, holders))
        parts = joined(holders, self.are_dictionaries)
        if sizes == self.sizes and same_parts(parts, self.parts):
            return []
        if sizes == self.sizes and sum(sizes) == len(parts[1]):
            numbers = self._owners(parts)
        else:
            numbers = range(len(sizes))
        found = []
        starts = list(itertools.accumulate(self.sizes, initial=0))
        for number in numbers:
            before = self.part(starts[number], starts[number + 1])
            if not same_parts(parts_of(holders[number]), before):
                found.append((self.first + number, holders[number], before))
        return found

    def part(self, start: int, stop: int) -> Parts:
        keys, items = self.parts
        return None if keys is None else keys[start:stop], items[start:stop]

    def _owners(self, parts: Parts) -> Iterable[int]:
        """The numbers of the holders of items that are others than before."""
        differs = map(operator.is_not, parts[1], self.parts[1])
        if parts[0] is not None and self.parts[0] is not None:
            differs = map(operator.or_, differs, map(operator.is_not, parts[0], self.parts[0]))
        owners = _chain(map(itertools.repeat, range(len(self.sizes)), self.sizes))
        return dict.fromkeys(itertools.compress(owners, differs))
