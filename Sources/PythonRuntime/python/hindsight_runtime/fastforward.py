"""Advances a loop's iterator to a later item without running the loop's body."""

from __future__ import annotations

import collections
import itertools
import sys
from typing import Any, Iterator

from .loops import Started


def advanced(iterator: Iterator, steps: int) -> Iterator:
    """An iterator that gives what `iterator` would give after so many items.

    What drawing the items does besides (random numbers, caches) is undone by the checkpoint that is filled
    in afterwards. So a `DataLoader` without workers need not read its samples: its sampler alone is moved.
    """
    if type(iterator) is enumerate:
        _, (inner, count) = iterator.__reduce__()
        if _is_plain_loader(inner):
            return enumerate(advanced(inner, steps), count + steps)
    if _is_plain_loader(iterator):
        for _ in range(steps):
            iterator._next_index()  # type: ignore[attr-defined]
            iterator._num_yielded += 1  # type: ignore[attr-defined]
        return iterator
    collections.deque(itertools.islice(Started(iterator), steps), maxlen=0)
    return iterator


def _is_plain_loader(iterator: Any) -> bool:
    """A PyTorch loader that reads samples by index, in this process."""
    module = sys.modules.get("torch.utils.data.dataloader")
    single = getattr(module, "_SingleProcessDataLoaderIter", None)
    if single is None or type(iterator) is not single:
        return False
    kind = getattr(iterator, "_dataset_kind", None)
    return kind is not None and kind == module._DatasetKind.Map  # type: ignore[union-attr]
