"""What the checkpoints of a loop refer to: the objects that were numbered at one of its boundaries."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Callable

from .loaders import numbering

if TYPE_CHECKING:
    from .loops import Loop

#: The boundaries behind a loop's entry at which they may be numbered anew: a generator that drives the loop has
#: come to its first `yield` at the first, and to the first one within its own loop at the second.
LATER = (1, 2)


class Anchors:
    __slots__ = ("walk", "shared", "index", "begun")

    def __init__(self, walk: Any, shared: tuple["Loop", ...], index: int) -> None:
        self.walk = walk
        #: The live loops whose iterators are captured: variables hold them, too, or generators of the program
        #: are behind them.
        self.shared = shared
        #: The iteration before which that was: a jump to a checkpoint that refers to them begins there or later.
        self.index = index
        #: By statement, the activation of the loops that generators rested in, and what numbers its items.
        self.begun = {
            loop.id: (loop.serial, _weakly(numbering(loop.iterator)))
            for rest in walk.rests()
            for loop in rest.loops
        }

    def has_begun(self, loop: "Loop") -> bool:
        """Whether a loop of a generator at rest is the same activation."""
        return loop.id in self.begun and self.begun[loop.id][0] == loop.serial

    def has_numbered(self, loop: "Loop") -> bool:
        """Whether it is another one over the same loader."""
        numbered = numbering(loop.iterator)
        return numbered is not None and loop.id in self.begun and self.begun[loop.id][1]() is numbered


def _weakly(o: Any) -> Callable[[], Any]:
    return (lambda: None) if o is None else weakref.ref(o)
