"""The stack of live loops: coordinates of hits and checkpoints, and the order of events.

Only the main thread's loops count. A loop of a generator function is live while the generator is suspended,
but surrounds nothing then. Even while it runs, it gives no event its place in the order: what it does between
two `yield`s happens wherever its consumer stands by then. `active` leaves it out.
"""

from __future__ import annotations

import inspect
import sys
import threading
from types import FrameType
from typing import Any, Iterator, Optional

#: Types whose values a coordinate shows.
SCALARS = frozenset((int, float, str, bool))

LONGEST_VALUE = 200


class Loop:
    """One activation of a loop statement."""

    __slots__ = (
        "id",
        "target",
        "occurrence",
        "slot",
        "index",
        "value",
        "events",
        "hits",
        "occurrences",
        "frame_id",
        "in_generator",
        "is_silent",
        "is_loud",
        "parents",
        "prefix",
        "place",
        "walk",
        "iterator",
        "started",
        "marks",
        "countdown",
        "skipped",
    )

    def __init__(
        self,
        identity: str,
        target: str,
        frame: FrameType,
        parents: tuple["Loop", ...],
        is_silent: bool = False,
    ) -> None:
        parent = parents[-1] if parents and not is_silent else None
        self.id = identity
        self.target = target
        self.frame_id = id(frame)
        self.in_generator = bool(frame.f_code.co_flags & inspect.CO_GENERATOR)
        self.parents = parents
        #: Left alone while recording: shown around hits, but no event, and in no order key.
        self.is_silent = is_silent
        #: The program has logged inside it.
        self.is_loud = False
        #: Iterations begun: the index of the current one while its body runs is one less.
        self.index = 0
        self.value: Any = None
        #: The program's own events (loop entries, log records) in the current iteration.
        self.events = 0
        #: Hits of probes since the last of those events.
        self.hits = 0
        self.occurrences: dict[str, int] = {}
        self.occurrence = 0
        self.slot = 0
        if parent is not None:
            self.occurrence = parent.occurrences.get(identity, 0)
            parent.occurrences[identity] = self.occurrence + 1
            self.slot = 2 * parent.events + 1
            parent.events += 1
            parent.hits = 0
        #: The order key of what surrounds this activation, with the loop's own slot, and its coordinate. A
        #: generator's consumer goes on while the generator's loop lives: what counts is where that began.
        self.prefix = [x for p in parents[1:] for x in (p.slot, p.index - 1)]
        self.prefix.append(self.slot)
        self.place = [[p.id, p.occurrence, p.index - 1] for p in parents[1:]]
        #: The session's own: anchors of this activation, its iterator, when it was entered, what it noted.
        self.walk: Any = None
        self.iterator: Any = None
        self.started = 0.0
        self.marks: Any = None
        self.countdown = 1
        self.skipped: Any = None

    def begin_iteration(self, value: Any) -> None:
        self.index += 1
        self.value = value
        self.hits = 0
        if self.events:
            self.events = 0
            self.occurrences.clear()

    # What the program did before iteration `index`, seen from outside the loop's body.

    def boundary_key(self) -> list[int]:
        return [*self.prefix, self.index]

    def coordinate(self) -> list[list[Any]]:
        """Where the next iteration's boundary (or, after the loop, its exit) is."""
        return [*self.place, [self.id, self.occurrence, self.index]]


class LoopStack:
    """The live loops of the main thread, under a bottom entry that stands for the program as a whole."""

    def __init__(self, targets: dict[str, str]) -> None:
        self.targets = targets
        self.main_thread = threading.get_ident()
        #: While a probe runs, loops it reaches are not the program's.
        self.suspended = 0
        #: Live loops that do not simply surround what is inside them: of generators, and silent ones.
        self._irregular = 0
        bottom: Any = Loop.__new__(Loop)
        bottom.id, bottom.target, bottom.occurrence, bottom.slot, bottom.index = "", "", 0, 0, 1
        bottom.value, bottom.events, bottom.occurrences, bottom.parents = None, 0, {}, ()
        bottom.hits = 0
        bottom.frame_id, bottom.in_generator, bottom.is_silent = 0, False, False
        self.live: list[Loop] = [bottom]
        #: The loop that ended last: what `__hindsight_after__` refers to.
        self.ended: Optional[Loop] = None

    def is_main_thread(self) -> bool:
        return threading.get_ident() == self.main_thread

    def is_tracking(self) -> bool:
        """Whether what happens now has a place in the program's order."""
        return not (self.suspended or threading.get_ident() != self.main_thread or is_traced())

    def enter(self, identity: str, frame: FrameType, is_silent: bool = False) -> Loop:
        parents = tuple(self.active(frame))
        loop = Loop(identity, self.targets.get(identity, ""), frame, parents, is_silent)
        self.live.append(loop)
        self._irregular += loop.in_generator or is_silent
        return loop

    def leave(self, loop: Loop) -> bool:
        """Whether it was live until now."""
        live = self.live
        if live[-1] is loop:
            live.pop()
        elif loop in live:
            live.remove(loop)
        else:
            return False
        self._irregular -= loop.in_generator or loop.is_silent
        self.ended = loop
        return True

    def innermost(self, identity: str, frame: FrameType) -> Optional[Loop]:
        """The live activation of a statement in a frame (for `while`, which has no iterator to carry it)."""
        for loop in reversed(self.live):
            if loop.id == identity and loop.frame_id == id(frame):
                return loop
        return None

    def surrounding(self, frame: Optional[FrameType]) -> list[Loop]:
        """The loops around what runs now, from the bottom up."""
        if not self._irregular:
            return self.live
        running = set()
        while frame is not None:
            running.add(id(frame))
            frame = frame.f_back
        return [loop for loop in self.live if not loop.in_generator or loop.frame_id in running]

    def active(self, frame: Optional[FrameType]) -> list[Loop]:
        """The surrounding loops that give events their place."""
        if not self._irregular:
            return self.live
        return [loop for loop in self.live if not loop.is_silent and not loop.in_generator]

    def iterations(self, frame: Optional[FrameType]) -> list[list[Any]]:
        """The coordinate of a hit as clients see it: [target, index, value], outermost first."""
        loops = self.surrounding(frame)[1:]
        return [[loop.target, max(loop.index - 1, 0), loop.value] for loop in loops]

    def next_own_key(self, frame: Optional[FrameType]) -> list[int]:
        """The order key of an event of the program itself; counts it."""
        active = self.active(frame)
        key = _prefix(active)
        key.append(2 * active[-1].events + 1)
        active[-1].events += 1
        active[-1].hits = 0
        return key

    def present_key(self, frame: Optional[FrameType]) -> list[int]:
        """The order key of what happens now, before the next event or hit; counts nothing."""
        active = self.active(frame)
        return [*_prefix(active), 2 * active[-1].events]

    def probe_key(self, frame: Optional[FrameType]) -> list[int]:
        """The order key of a probe's hit, between the events of the program."""
        active = self.active(frame)
        active[-1].hits += 1
        return [*_prefix(active), 2 * active[-1].events, active[-1].hits]


def _prefix(active: list[Loop]) -> list[int]:
    key: list[int] = []
    for loop in active[1:]:
        key += (loop.slot, loop.index - 1)
    return key


def scalar(value: Any) -> Any:
    """A loop variable's value where a coordinate can carry it, else None."""
    kind = type(value)
    if kind not in SCALARS:
        return None
    if kind is str and len(value) > LONGEST_VALUE:
        return None
    if kind is float and (value != value or value in (float("inf"), float("-inf"))):
        return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
    return value


def is_traced() -> bool:
    """Whether JAX follows a function in order to compile it: then its statements run now, and not when it is called."""
    core = sys.modules.get("jax._src.core")
    is_clean = getattr(core, "trace_state_clean", None)
    return is_clean is not None and not is_clean()


class Started:
    """An iterator whose `__iter__` is not called again: one of the program's own may start over there."""

    __slots__ = ("_iterator",)

    def __init__(self, iterator: Iterator) -> None:
        self._iterator = iterator

    def __iter__(self) -> Iterator:
        return self._iterator


def driven_by_generator(iterator: Any, is_project_code: Any, depth: int = 3) -> bool:
    """Whether fetching from an iterator runs the program's own code, so that it cannot be fast-forwarded."""
    import gc

    seen = [iterator]
    for _ in range(depth):
        following = []
        for item in seen:
            if isinstance(item, type) or inspect.ismodule(item):
                continue
            if inspect.isgenerator(item):
                if is_project_code(item.gi_code):
                    return True
            kind = type(item)
            if kind.__module__ in ("builtins", "itertools"):  # with generators of libraries, such as tqdm's
                following += [r for r in gc.get_referents(item) if not isinstance(r, (list, dict, tuple, set))]
            else:
                step = getattr(kind, "__next__", None)
                if is_project_code(getattr(step, "__code__", None)):
                    return True
        seen = following
    return False
