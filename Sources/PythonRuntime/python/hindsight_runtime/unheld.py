"""What a checkpoint does not hold of the program's generators that are in the middle of their work."""

from __future__ import annotations

from types import FrameType
from typing import TYPE_CHECKING, Optional

from .anchors import Anchors
from .loaders import order_of
from .loops import Loop, draws_from, driven_by_generator

if TYPE_CHECKING:
    from .session import Session


def known_anchors(session: Session, kind: str, loop: Loop, frame: FrameType) -> Optional[Anchors]:
    """The anchors of a loop relative to which a checkpoint holds all generators."""
    for anchors in loop.anchors:
        if anchors.walk.knows_generators() and not unheld(session, kind, loop, frame, anchors):
            return anchors
    return None


def unheld(session: Session, kind: str, loop: Loop, frame: FrameType, anchors: Anchors) -> list[str]:
    """What a checkpoint would lack, in words; those that run are on the stack."""
    running = {id(f) for f in session.frames(frame)}
    known = set(running)
    found = []
    for rest in anchors.walk.rests():
        known.add(id(rest.frame))
        for inner, is_carried in zip(rest.loops, rest.carried):
            if not (is_carried or inner.iterator is None or _is_continued(session, inner, anchors)):
                found.append(f"iterator of the loop at {inner.id}")
    for live in session.stack.live[1:]:
        if live.in_generator and live.frame_id not in known:
            found.append(f"generator with the loop at {live.id}")
    if loop.index and loop.id in session.yielding:
        # Whoever jumps over that has none.
        found.append(f"items that the loop at {loop.id} has handed out")
    around = [*loop.parents[1:], loop] if kind == "boundary" else loop.parents[1:]
    for parent in around:
        if parent.iterator is None or (parent is loop and loop.index == 0):
            continue
        if driven_by_generator(parent.iterator, session.is_project_code, known):
            found.append(f"generator that drives the loop at {parent.id}")
        elif parent in anchors.shared:
            if parent is not loop and parent.is_fetching:
                found.append(f"iterator of the loop at {parent.id}, which is being asked")
        elif known != running:
            if driven_by_generator(parent.iterator, session.is_project_code, running):
                found.append(f"iterator of the loop at {parent.id}")
    return found


def _is_continued(session: Session, loop: Loop, anchors: Anchors) -> bool:
    """Whether what a loop of a generator draws from can be moved on from where it was, or begun anew."""
    if driven_by_generator(loop.iterator, session.is_project_code):
        return False
    if draws_from(loop.iterator, anchors.walk.passed):
        return False
    if anchors.has_begun(loop):
        return True
    return anchors.has_numbered(loop) and order_of(loop.iterator) is not None
