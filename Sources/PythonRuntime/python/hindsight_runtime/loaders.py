"""PyTorch's loaders that read in this process: their iterators begin again where it is known how they were shuffled."""

from __future__ import annotations

import gc
import sys
from types import GeneratorType
from typing import Any, Iterator, Optional

#: How the order of the items was drawn: how many there are, and the seed if they are shuffled.
Order = list


def is_plain(iterator: Any) -> bool:
    """A loader's iterator that reads samples by index, in this process."""
    module = sys.modules.get("torch.utils.data.dataloader")
    single = getattr(module, "_SingleProcessDataLoaderIter", None)
    if single is None or type(iterator) is not single:
        return False
    kind = getattr(iterator, "_dataset_kind", None)
    return kind is not None and kind == module._DatasetKind.Map  # type: ignore[union-attr]


def move(iterator: Any, steps: int) -> None:
    """Passes over so many items without reading them."""
    for _ in range(steps):
        iterator._next_index()
        iterator._num_yielded += 1


def numbering(iterator: Any) -> Any:
    """What gives a loader's iterator its indices: the loader's own, the same for all of its iterators."""
    inner = _inner(iterator)
    return getattr(inner, "_index_sampler", None) if is_plain(inner) else None


def order_of(iterator: Any) -> Optional[Order]:
    """None where that is not known, or where more decides the order."""
    from .state.roots import read_locals

    sampler = _sampler(numbering(iterator))
    if sampler is None:
        return None
    pending, looked_at = [_inner(iterator)._sampler_iter], 0
    while pending and looked_at < 50:
        found = pending.pop(0)
        looked_at += 1
        if type(found) is type(iter(range(1))):
            (numbers,) = found.__reduce__()[1]
            return [len(numbers), None] if type(sampler).__name__ == "SequentialSampler" else None
        if type(found) is not GeneratorType or found.gi_frame is None:
            continue
        if found.gi_code is getattr(type(sampler).__iter__, "__code__", None):
            names = read_locals(found.gi_frame)
            count, generator = names.get("n"), names.get("generator")
            return None if count is None or generator is None else [count, generator.initial_seed()]
        pending += [o for o in gc.get_referents(found) if hasattr(type(o), "__next__")]
    return None


def begun_anew(iterator: Any, given: int, steps: int, order: Order) -> Optional[Iterator]:
    """A loader's iterator, which has given so many items, as if it had given the first `steps` of those in an order;
    None where there are others by now."""
    inner, sampler = _inner(iterator), _sampler(numbering(iterator))
    if sampler is None:
        return None
    if order[1] is not None:
        # As it would seed one of its own.
        sampler.generator = sys.modules["torch"].Generator()
        sampler.generator.manual_seed(order[1])
    inner._sampler_iter = iter(inner._index_sampler)
    inner._num_yielded = 0
    move(inner, steps)
    if order[1] is not None:
        sampler.generator = None
    if order_of(inner) != order:
        return None
    if type(iterator) is enumerate:
        return enumerate(inner, iterator.__reduce__()[1][1] - given + steps)
    return inner


def _inner(iterator: Any) -> Any:
    return iterator.__reduce__()[1][0] if type(iterator) is enumerate else iterator


def _sampler(numbering: Any) -> Any:
    """One that goes through the data in their order, or shuffles them by torch's own generator."""
    module = sys.modules.get("torch.utils.data.sampler")
    if module is not None and type(numbering) is getattr(module, "BatchSampler", None):
        numbering = numbering.sampler
    if module is not None and type(numbering) is getattr(module, "SequentialSampler", None):
        return numbering
    if module is not None and type(numbering) is getattr(module, "RandomSampler", None):
        return numbering if numbering.generator is None else None
    return None
