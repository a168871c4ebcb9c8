"""Advances a loop's iterator to a later item without running the loop's body."""

from __future__ import annotations

import collections
import itertools
from typing import Any, Iterator

from .loaders import is_plain, move
from .loops import Started


def advanced(iterator: Iterator, steps: int) -> Iterator:
    """An iterator that gives what `iterator` would give after so many items.

    What drawing the items does besides (random numbers, caches) is undone by the checkpoint that is filled
    in afterwards. So a `DataLoader` without workers need not read its samples: its sampler alone is moved.
    """
    if type(iterator) is enumerate:
        _, (inner, count) = iterator.__reduce__()
        if is_plain(inner):
            return enumerate(advanced(inner, steps), count + steps)
    if is_plain(iterator):
        move(iterator, steps)
        return iterator
    collections.deque(itertools.islice(Started(iterator), steps), maxlen=0)
    return iterator
