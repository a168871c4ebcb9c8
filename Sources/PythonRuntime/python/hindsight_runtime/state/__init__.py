"""The program's state: captured, restored in place, and compared.

    walk = Walk(Roots(frames, modules, excluded), limit_seconds, keep)   at a loop's entry
    captured = capture(walk, roots)                                at a boundary; roots as they are then
    restore(walk, roots, stream, buffers)                          in a replay that walked at the same entry
    difference(walk, roots, stream, buffers)                       None, or "path: what differs"

`Walk` numbers everything mutable by its access path (the anchors). Captured state refers to anchors by
number and carries everything else by value; contents of anchors are filled in place, so that closures,
hooks and optimizers keep pointing at live objects. `walk.layout` must be equal in the recording and in the
replay; that is the caller's to check. `StateTooLarge` says that walking takes too long, `CaptureFailed` that
a capture as a whole went wrong, `LayoutDiffers` that a stream does not fit the live program.

`Captured.buffers` look into live memory: copy them before the program goes on. `Captured.lost` names what
exists and could not be captured: after restoring, using such an object raises `LostStateUsed`, unless it
existed at the walk, when it is the one that the replayed program made. `Captured.idle` names such objects
that only variables hold which the program will assign before it reads them: no loss, unless a probe looks
at them. `Captured.detached` names tensors that were captured without the graph that computed them: their
values and their looks are right, and a backward pass through them raises.

A walk holds its objects weakly, so that nothing lives longer than it would without. That suffices for
restoring at once and for going forward; `keep=True` is for restoring an earlier iteration. Drop a walk when
its loop ends.
`excluded(owner, name)` is asked with a code object, a module or a class as the owner.

How each type is handled is said by its kind (`kinds.Kind`); `catalog` lists the modules that define kinds.
"""

from .capture import Captured, capture
from .compare import difference
from .errors import CaptureFailed, LayoutDiffers, LostStateUsed, StateError, StateTooLarge
from .restore import restore
from .roots import Roots
from .walk import Walk

__all__ = [
    "CaptureFailed",
    "Captured",
    "LayoutDiffers",
    "LostStateUsed",
    "Roots",
    "StateError",
    "StateTooLarge",
    "Walk",
    "capture",
    "difference",
    "restore",
]
