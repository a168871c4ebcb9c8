"""What kinds need while contents are read, for capturing and for comparing alike."""

from __future__ import annotations

import copyreg
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any, Sequence

from . import rebuild
from .classify import mro
from .functions import importable
from .kinds import ATOMS

if TYPE_CHECKING:
    from .walk import Walk

#: Smaller buffers go into the stream: a blob of its own for every step counter would not pay.
INLINE = 4096


class Source:
    def __init__(self, walk: Walk, frames: Sequence[FrameType]) -> None:
        self.walk = walk
        self._frames = frames
        #: Objects that could not be captured, and results of operations whose graph was cut off.
        self.lost: list[Any] = []
        self.detached: list[Any] = []
        #: Numbered storages that some captured tensor looks into, in the order of first use.
        self.used_storages: dict[int, Any] = {}
        self._storages: dict[int, Any] = {}
        #: By block, which of its bytes tensors see, while states are compared.
        self._seen: dict[int, list[tuple[int, int]]] = {}
        self._kept: list[Any] = []
        #: Weak references and containers of them, each with a new object that it points at.
        self.weak: list[tuple[Any, Any]] = []

    def keep(self, o: Any) -> None:
        """Keeps what a buffer looks into alive as long as the source."""
        self._kept.append(o)

    def lose(self, o: Any) -> Any:
        """Notes that the object cannot be captured; what goes into the stream instead."""
        self.lost.append(o)
        return rebuild.Lost, (type(o).__qualname__,)

    def point(self, holder: Any, target: Any) -> None:
        """Notes what a weak reference points at: something else has to keep that alive in a replay, too."""
        if type(target) not in ATOMS and id(target) not in self.walk.index and not importable(target):
            self.weak.append((holder, target))

    def detach(self, o: Any) -> None:
        self.detached.append(o)

    def on_stack(self, frame: Any) -> bool:
        return frame is not None and any(frame is live for live in self._frames)

    def buffer(self, view: memoryview) -> Any:
        """Raw memory as part of contents."""
        return bytes(view) if len(view) < INLINE else view

    def storage(self, block: Any) -> Any:
        """The one `Storage` for a block of a tensor's memory."""
        from .tensors import Storage

        key = block._cdata
        numbered = self.walk.storages.get(key)
        if numbered is not None:
            numbered.block = block
            self.used_storages[key] = numbered
            return numbered
        made = self._storages.get(key)
        if made is None:
            made = self._storages[key] = Storage(block)
        return made

    def look(self, block: Any, start: int, stop: int) -> None:
        """Notes that a tensor sees these bytes of a block."""
        self._seen.setdefault(block._cdata, []).append((start, stop))

    def seen(self, block: Any) -> list[tuple[int, int]]:
        """The bytes of a block that mean something: behind a loss there may be memory that nobody has written."""
        spans: list[tuple[int, int]] = []
        for start, stop in sorted(self._seen.get(block._cdata) or [(0, block.nbytes())]):
            if spans and start <= spans[-1][1]:
                spans[-1] = spans[-1][0], max(stop, spans[-1][1])
            else:
                spans.append((start, stop))
        return spans

    def reduced(self, o: Any) -> Any:
        """What the object's own pickling says, for comparing."""
        try:
            return _reduce(o)
        except Exception:
            return None

    def own_reduce(self, o: Any) -> Any:
        try:
            result = _reduce(o)
        except Exception:
            return self.lose(o)
        if type(result) is str:
            found = getattr(sys.modules.get(getattr(o, "__module__", None) or ""), result, None)
            return result if found is o or importable(o) else self.lose(o)
        if type(result) is not tuple:
            return self.lose(o)
        # Without its class an object cannot be made.
        for part in (result[0], *result[1][:1]):
            if type in mro(type(part)) and not self.reaches(part):
                return self.lose(o)
        return result

    def reaches(self, cls: type) -> bool:
        """Whether a replay can find the class."""
        return importable(cls) or id(cls) in self.walk.index

    _taken_apart: dict[type, bool] = {}

    def takes_apart(self, o: Any, layout: Any) -> bool:
        """Whether an instance goes attribute by attribute although its class says how it is pickled.

        Pickling may leave out what the program can do without elsewhere (caches, counters), and a replay cannot.
        So the project's own classes are taken apart, and those of libraries where that loses nothing; not so what
        is unique by its value, which only the class itself finds again. Decided by the first instance seen.
        """
        cls = type(o)
        known = Source._taken_apart.get(cls)
        if known is None:
            Source._taken_apart[cls] = True  # for those inside it
            is_own = self.walk.is_project_name(cls.__module__)
            known = Source._taken_apart[cls] = not _is_unique(o) and (
                is_own or not layout.fixed and self._survives(o, layout)
            )
        return known

    def _survives(self, o: Any, layout: Any) -> bool:
        from .stream import CaptureSource, Writer

        trial = CaptureSource(self.walk, self._frames)
        try:
            Writer(self.walk.index, trial).dump(layout.state(o, live=False))
        except Exception:
            return False
        return not trial.lost

    _picklable: dict[type, bool] = {}

    @staticmethod
    def can_reduce(o: Any) -> bool:
        """Whether objects of the type pickle, decided by the first one seen."""
        known = Source._picklable.get(type(o))
        if known is None:
            try:
                _reduce(o)
                known = True
            except Exception:
                known = False
            Source._picklable[type(o)] = known
        return known


def _is_unique(o: Any) -> bool:
    cls = type(o)
    if cls in copyreg.dispatch_table:
        return True
    for owner in mro(cls):
        own = type.__dict__["__dict__"].__get__(owner)
        if "__new__" in own:
            if type(own["__new__"]) is staticmethod:
                return True  # written in Python: it may know its instances
            break
    try:
        return type(_reduce(o)) is str
    except Exception:
        return False


def _reduce(o: Any) -> Any:
    registered = copyreg.dispatch_table.get(type(o))
    if registered is not None:
        return registered(o)
    return type(o).__reduce_ex__(o, 5)
