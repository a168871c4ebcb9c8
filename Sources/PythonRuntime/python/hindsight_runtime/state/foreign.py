"""Kinds for objects whose contents lie outside of Python's own: C data, and connections to data bases."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from .classify import qualified_names, rule
from .errors import LayoutDiffers
from .kinds import Children, Kind
from .lost import Unknown

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk

#: In a buffer's format: pointers and Python objects.
_ADDRESS = re.compile(r"[&PzZOX]")


class CDataKind(Kind):
    """Values of `ctypes` that hold no addresses."""

    name = "C data"
    filled = True

    def contents(self, o: Any, source: Source) -> Any:
        view = memoryview(o)
        if _ADDRESS.search(view.format):
            source.lose(o)
            return Unknown
        source.keep(o)
        return source.buffer(view.cast("B") if view.ndim else memoryview(bytes(view)))

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        live = memoryview(o).cast("B")
        if len(live) != len(contents):
            raise LayoutDiffers("A C value has another size than in the checkpoint.")
        live[:] = contents

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)


class SharedValueKind(Kind):
    """`multiprocessing.Value` and `Array`: the C value that they guard."""

    name = "shared value"

    def children(self, o: Any) -> Children:
        return [(".get_obj()", o.get_obj())]


class ConnectionKind(Kind):
    """A connection to an SQLite data base is the one that the re-run program opened, as long as nothing was changed."""

    name = "data base"
    filled = True

    def contents(self, o: Any, source: Source) -> Any:
        try:
            return o.total_changes
        except Exception:
            return "closed"

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        if self.contents(o, None) != contents:  # type: ignore[arg-type]
            raise LayoutDiffers(
                "An SQLite data base had been changed by then, which only the program itself can do."
            )


_data, _shared, _connection = CDataKind(), SharedValueKind(), ConnectionKind()


@rule
def _by_name(cls: type) -> Kind | None:
    names = qualified_names(cls)
    if "_ctypes._CData" in names:
        # Functions and pointers are addresses by nature.
        return None if names[-3:-2] in (["_ctypes.CFuncPtr"], ["_ctypes._Pointer"]) else _data
    if "multiprocessing.sharedctypes.SynchronizedBase" in names:
        return _shared
    if "sqlite3.Connection" in names and "sqlite3" in sys.modules:
        return _connection
    return None
