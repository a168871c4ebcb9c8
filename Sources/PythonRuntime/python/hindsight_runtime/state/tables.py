"""Kinds for pandas, whose tables may share memory until one of them is written to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .classify import qualified_names, rule
from .kinds import Kind

if TYPE_CHECKING:
    from .source import Source


class IndexKind(Kind):
    """Immutable, with caches that belong to nobody."""

    name = "index"

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)

    def compared(self, o: Any, source: Source) -> Any:
        return source.reduced(o)


class ManagerKind(Kind):
    """What holds a table's blocks: always by value."""

    name = "table"

    def travels(self, o: Any) -> bool:
        return True

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)

    def compared(self, o: Any, source: Source) -> Any:
        return source.reduced(o)


class BlockKind(ManagerKind):
    """A block owns its values again when it is restored.

    With copy-on-write, pandas keeps count of who shares memory. That count cannot be stored; without it,
    a write to one table would show in another.
    """

    name = "block"

    def reduce(self, o: Any, source: Source) -> Any:
        reduced = source.own_reduce(o)
        return self._unshared(reduced, source) if _copies_on_write() else reduced

    def compared(self, o: Any, source: Source) -> Any:
        reduced = source.reduced(o)
        return self._unshared(reduced, source) if _copies_on_write() else reduced

    @staticmethod
    def _unshared(reduced: Any, source: Source) -> Any:
        if type(reduced) is not tuple or len(reduced) != 2 or not hasattr(reduced[1][0], "copy"):
            return reduced
        values = reduced[1][0]
        if type(values) is sys.modules["numpy"].ndarray:
            values = values.copy(order="K")
        else:
            values = values.copy()
        source.keep(values)
        return reduced[0], (values, *reduced[1][1:])


def _copies_on_write() -> bool:
    pandas = sys.modules["pandas"]
    if int(pandas.__version__.split(".")[0]) >= 3:
        return True
    return bool(getattr(pandas.options.mode, "copy_on_write", False))


class ReferencesKind(Kind):
    """Who shares a block's memory; see `BlockKind`."""

    name = "sharers"

    def reduce(self, o: Any, source: Source) -> Any:
        return type(o), ()

    def compared(self, o: Any, source: Source) -> Any:
        return None


_KINDS = {
    "pandas.core.indexes.base.Index": IndexKind(),
    "pandas.Index": IndexKind(),
    "pandas.core.internals.managers.BaseBlockManager": ManagerKind(),
    "pandas._libs.internals.Block": BlockKind(),
    "pandas._libs.internals.SharedBlock": BlockKind(),
    "pandas._libs.internals.BlockValuesRefs": ReferencesKind(),
}


@rule
def _by_name(cls: type) -> Kind | None:
    for name in qualified_names(cls):
        if name in _KINDS:
            return _KINDS[name]
    return None
