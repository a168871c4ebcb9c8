"""What the checkpoints of a loop refer to: the objects that were numbered at one of its boundaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
        #: Statements and activations of the loops that generators rested in.
        self.begun = {(loop.id, loop.serial) for rest in walk.rests() for loop in rest.loops}
