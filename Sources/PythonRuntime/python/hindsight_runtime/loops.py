"""The stack of live loops: coordinates of hits and checkpoints, and the order of events.

Only the main thread's loops count. A loop of a generator function is live while the generator is suspended,
but surrounds nothing then; `active` leaves it out. Wherever the generator goes on, its loops are a new event
there. What an iterator does to give an item belongs to the iteration that the item is for.
"""

from __future__ import annotations

import gc
import inspect
import itertools
import os
import sys
import threading
from contextlib import contextmanager
from types import CodeType, FrameType, GeneratorType
from typing import Any, Callable, Container, Iterable, Iterator, Optional

from .anchors import Anchors

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
        "is_open",
        "is_fetching",
        "fetched",
        "context",
        "has_moved",
        "has_ended",
        "is_loud",
        "parents",
        "serial",
        "anchors",
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
        #: Whether giving an item may run code of the program, and does just now.
        self.is_open = False
        self.is_fetching = False
        #: The index of the iteration before which that was last seen to happen.
        self.fetched = -1
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
        #: For a generator's loop: the surrounding loop, what had happened in it, whether it was another once.
        self.context: Any = None
        self.has_moved = self.has_ended = False
        if parent is not None:
            self.attach(parent)
        #: The session's own: the how manieth activation of its statement this is, its anchors, its iterator, when
        #: it was entered, what it noted.
        self.serial = 0
        self.anchors: list[Anchors] = []
        self.iterator: Any = None
        self.started = 0.0
        self.marks: Any = None
        self.countdown = 1
        self.skipped: Any = None

    def attach(self, parent: "Loop") -> None:
        """Becomes the next event in a surrounding loop."""
        self.occurrence = parent.occurrences.get(self.id, 0)
        parent.occurrences[self.id] = self.occurrence + 1
        self.slot = 2 * parent.events + 1
        parent.events += 1
        parent.hits = 0
        if self.in_generator:
            self.has_moved = self.context is not None
            self.context = (parent, parent.position, parent.events)

    def is_attached(self, parent: "Loop") -> bool:
        """False where its generator has been suspended and now goes on elsewhere."""
        context = self.context
        return not self.in_generator or (
            context[0] is parent and context[1] == parent.position and context[2] == parent.events
        )

    def is_in_place(self) -> bool:
        """Whether its own boundaries are where it was entered; elsewhere they have no place in the order.

        A loop around it may have begun elsewhere: it has gone on here before this one was entered.
        """
        around = (*self.parents, self)
        return not (self.in_generator and self.has_moved) and all(
            not loop.in_generator or (loop.is_attached(parent) and not parent.has_ended)
            for parent, loop in zip(around, around[1:])
        )

    @property
    def position(self) -> int:
        """The index of the iteration that is under way: its item is being fetched, or its body runs."""
        return self.index if self.is_fetching else self.index - 1

    def begin_iteration(self, value: Any) -> None:
        self.index += 1
        self.value = value
        if self.fetched != self.index - 1:
            self.hits = 0
            if self.events:
                self.events = 0
                self.occurrences.clear()

    def begin_fetch(self) -> None:
        """Something happens while the next item is fetched."""
        self.is_fetching = True
        if self.fetched != self.index:
            self.fetched = self.index
            self.events = self.hits = 0
            self.occurrences.clear()

    # What the program did before iteration `index`, seen from outside the loop's body.

    def prefix(self) -> list[int]:
        """The order key of what surrounds this activation, with the loop's own slot."""
        key: list[int] = []
        for parent in self.parents[1:]:
            key += (parent.slot, parent.position)
        key.append(self.slot)
        return key

    def boundary_key(self) -> list[int]:
        return [*self.prefix(), self.index]

    def exit_key(self) -> list[int]:
        """Behind what happened when no further item came."""
        return [*self.prefix(), self.index + (self.fetched == self.index)]

    def coordinate(self) -> list[list[Any]]:
        """Where the next iteration's boundary (or, after the loop, its exit) is."""
        at = [[p.id, p.occurrence, p.position] for p in self.parents[1:]]
        at.append([self.id, self.occurrence, self.index])
        return at


class LoopStack:
    """The live loops of the main thread, under a bottom entry that stands for the program as a whole.

    `fetching` are the functions of ours that run while an item of a loop is fetched.
    """

    def __init__(self, targets: dict[str, str], fetching: Iterable[CodeType] = ()) -> None:
        self.targets = targets
        self._fetching = frozenset(fetching)
        self.main_thread = threading.get_ident()
        #: While a probe runs, loops it reaches are not the program's.
        self.suspended = 0
        #: Live loops that do not simply surround what is inside them: of generators, silent and open ones.
        self._irregular = 0
        bottom: Any = Loop.__new__(Loop)
        bottom.id, bottom.target, bottom.occurrence, bottom.slot, bottom.index = "", "", 0, 0, 1
        bottom.value, bottom.events, bottom.occurrences, bottom.parents = None, 0, {}, ()
        bottom.hits = 0
        bottom.is_open, bottom.is_fetching, bottom.fetched = False, False, -1
        bottom.frame_id, bottom.in_generator, bottom.is_silent, bottom.has_ended = 0, False, False, False
        self.live: list[Loop] = [bottom]
        #: The loop that ended last: what `__hindsight_after__` refers to.
        self.ended: Optional[Loop] = None

    def is_main_thread(self) -> bool:
        return threading.get_ident() == self.main_thread

    def is_tracking(self) -> bool:
        """Whether what happens now has a place in the program's order."""
        return not (self.suspended or threading.get_ident() != self.main_thread or is_traced())

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What runs within is not the program's: numbering and copying its data calls methods of theirs."""
        self.suspended += 1
        try:
            yield
        finally:
            self.suspended -= 1

    def enter(self, identity: str, frame: FrameType, is_silent: bool = False) -> Loop:
        around = self.active(frame)
        # One that the recording left alone was no event, and makes the loops around it none.
        parents = tuple(around if is_silent else self._attached(around))
        loop = Loop(identity, self.targets.get(identity, ""), frame, parents, is_silent)
        self.live.append(loop)
        self._irregular += loop.in_generator or is_silent
        return loop

    def open(self, loop: Loop) -> None:
        """From now on its iterator is asked for items, or made."""
        if not loop.is_open:
            loop.is_open = True
            self._irregular += 1

    def close(self, loop: Loop) -> None:
        """Its iterator runs no code of the program."""
        if loop.is_open:
            loop.is_open = False
            self._irregular -= 1

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
        loop.has_ended = True
        self.close(loop)
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
        depths: dict[int, int] = {}
        fetching = set()
        while frame is not None:
            depths[id(frame)] = -len(depths)
            if frame.f_code in self._fetching:
                fetching.add(id(frame.f_back))
            frame = frame.f_back
        loops = [loop for loop in self.live if not loop.in_generator or loop.frame_id in depths]
        # A generator goes on inside loops that were reached after its own.
        loops.sort(key=lambda loop: depths.get(loop.frame_id, -len(depths)))
        for number, loop in enumerate(loops):
            loop.is_fetching = False
            if loop.is_open and loop.frame_id in fetching:
                if all(inner.frame_id != loop.frame_id for inner in loops[number + 1 :]):
                    loop.begin_fetch()
        return loops

    def active(self, frame: Optional[FrameType]) -> list[Loop]:
        """The surrounding loops that count."""
        loops = self.surrounding(frame)
        return [loop for loop in loops if not loop.is_silent] if self._irregular else loops

    def iterations(self, frame: Optional[FrameType]) -> list[list[Any]]:
        """The coordinate of a hit as clients see it: [target, index, value], outermost first."""
        loops = self.surrounding(frame)[1:]
        return [
            [loop.target, max(loop.position, 0), None if loop.is_fetching else loop.value]
            for loop in loops
        ]

    @staticmethod
    def _attached(active: list[Loop]) -> list[Loop]:
        """The loops, those of generators that go on here as new events."""
        for parent, loop in zip(active, active[1:]):
            if not loop.is_attached(parent):
                loop.attach(parent)
        return active

    def next_own_key(self, frame: Optional[FrameType]) -> list[int]:
        """The order key of an event of the program itself; counts it."""
        active = self._attached(self.active(frame))
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
        for number, (parent, loop) in enumerate(zip(active, active[1:]), 1):
            if not loop.is_attached(parent):
                # Only events of the program's own make it one here; until then, hits are the parent's.
                active = active[:number]
                break
        active[-1].hits += 1
        return [*_prefix(active), 2 * active[-1].events, active[-1].hits]


def _prefix(active: list[Loop]) -> list[int]:
    key: list[int] = []
    for loop in active[1:]:
        key += (loop.slot, loop.position)
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


#: Iterators that give items without running any code, and those that run what is below them.
_PLAIN = frozenset(
    type(iter(o)) for o in ((), [], {}, set(), "", "\u00e9", b"", range(1), range(1 << 70), {}.values(), {}.items())
)
_PLAIN |= {type(reversed([])), type(reversed(range(1)))}
_WRAPPERS = frozenset((enumerate, zip, itertools.islice, itertools.chain))


def may_run_code(iterator: Any, depth: int = 3) -> bool:
    """Whether fetching from an iterator may come to code of the program."""
    kind = type(iterator)
    if kind in _PLAIN:
        return False
    if kind not in _WRAPPERS or not depth:
        return True
    return any(
        may_run_code(inner, depth - 1)
        for inner in _flat(gc.get_referents(iterator))
        if hasattr(type(inner), "__next__")
    )


def draws_from(iterator: Any, objects: frozenset[int], depth: int = 4) -> bool:
    """Whether an iterator is one of the objects (by their identity), or takes its items from one."""
    if id(iterator) in objects:
        return True
    if not depth or type(iterator).__module__ not in ("builtins", "itertools") or _is_ours(iterator):
        return False
    return any(
        draws_from(inner, objects, depth - 1)
        for inner in _flat(gc.get_referents(iterator))
        if hasattr(type(inner), "__next__")
    )


def _is_ours(iterator: Any) -> bool:
    """A loop's generator in recordings and in replays, which hold what they draw from in different ways."""
    code = getattr(iterator, "gi_code", None)
    return code is not None and os.path.dirname(code.co_filename) == _FOLDER


_FOLDER = os.path.dirname(draws_from.__code__.co_filename)


def _flat(objects: list[Any]) -> Iterator[Any]:
    """`zip` holds its iterators in a tuple."""
    for o in objects:
        if type(o) is tuple:
            yield from o
        else:
            yield o


def is_carried(
    iterator: Any, is_at_rest: Callable[[GeneratorType], bool], depth: int = 4
) -> bool:
    """Whether a checkpoint can hold an iterator: it gives items without running code but that of resting generators."""
    kind = type(iterator)
    if kind in _PLAIN:
        return True
    if kind is GeneratorType:
        return is_at_rest(iterator)
    if kind.__module__ not in ("builtins", "itertools") or not depth:
        return False
    return all(
        is_carried(inner, is_at_rest, depth - 1)
        for inner in _flat(gc.get_referents(iterator))
        if hasattr(type(inner), "__next__")
    )


def driven_by_generator(
    iterator: Any, is_project_code: Any, known: Container[int] = (), depth: int = 3
) -> bool:
    """Whether fetching from an iterator runs the program's own code, so that it cannot be fast-forwarded.

    `known` are frames of generators, by identity, that do not count.
    """
    seen = [iterator]
    for _ in range(depth):
        following = []
        for item in seen:
            if isinstance(item, type) or inspect.ismodule(item):
                continue
            if inspect.isgenerator(item):
                if id(item.gi_frame) in known:
                    continue
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
