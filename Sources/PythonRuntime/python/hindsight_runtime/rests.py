"""Generators of the program that rest at a `yield`, and the loops that they are in.

What a resting generator goes on with is its variables, which are captured like those of the functions on the stack,
and the loops around the `yield`. A replay brings it to where it stood in the run if it rests at the same `yield`
by then: variables and loops are set in place.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import FrameType, GeneratorType
from typing import Any, Callable, Iterable, Mapping, Optional

from .fastforward import advanced
from .loaders import begun_anew, order_of
from .loops import Loop

#: For a loop that goes on in no surroundings that it has been in.
_NOWHERE = (None, -1, -1)


@dataclass(frozen=True)
class Rest:
    """Where a generator rests."""

    #: The `yield`: its file and line.
    place: str
    frame: FrameType
    #: Around the `yield`, outermost first.
    loops: tuple[Loop, ...]

    #: Which of their iterators a checkpoint holds.
    carried: tuple[bool, ...]

    @property
    def iterators(self) -> list[tuple[int, Any]]:
        """Those, by the loop's position."""
        numbered = enumerate(zip(self.loops, self.carried))
        return [(n, loop.iterator) for n, (loop, is_carried) in numbered if is_carried]


def rest_of(
    generator: GeneratorType,
    places: Mapping[str, tuple[str, Mapping[int, tuple[str, ...]]]],
    live: Iterable[Loop],
    is_carried: Callable[[Any], bool],
) -> Optional[Rest]:
    """None where a generator is not at rest, or where not all is known of what it would go on with.

    `places` are each source's path and its `yields.resting_places`, by the file's name.
    """
    frame, source = generator.gi_frame, places.get(generator.gi_code.co_filename)
    if frame is None or source is None or generator.gi_yieldfrom is not None:
        return None
    if generator.gi_code.co_name.startswith("<"):
        return None  # what an expression draws from is on its stack alone
    if inspect.getgeneratorstate(generator) != inspect.GEN_SUSPENDED:
        return None
    path, lines = source
    around = lines.get(frame.f_lineno)
    loops = tuple(loop for loop in live if loop.frame_id == id(frame))
    # A loop that is left alone keeps its iterator where it cannot be set.
    if around != tuple(loop.id for loop in loops if not loop.is_silent):
        return None
    carried = tuple(loop.iterator is not None and is_carried(loop.iterator) for loop in loops)
    return Rest(f"{path}:{frame.f_lineno}", frame, loops, carried)


def state_of(rest: Rest) -> list[dict[str, Any]]:
    """What a checkpoint keeps of the loops."""
    states = []
    for loop, is_carried in zip(rest.loops, rest.carried):
        parent, position, events = loop.context or _NOWHERE
        inner = rest.loops.index(parent) if parent in rest.loops else None
        states.append(
            {
                "id": loop.id,
                "serial": loop.serial,
                "index": loop.index,
                "value": loop.value,
                "events": loop.events,
                "occurrences": loop.occurrences,
                "occurrence": loop.occurrence,
                "slot": loop.slot,
                "fetched": loop.fetched,
                "moved": loop.has_moved,
                "context": None if inner is None else [inner, position, events],
                "carried": is_carried,
                "order": order_of(loop.iterator),
            }
        )
    return states


class Unreachable(Exception):
    """The loops of a generator cannot be brought to where they stood."""


def advance(rest: Rest, states: list[dict[str, Any]]) -> None:
    """Brings the iterators that a checkpoint does not keep to where they stood."""
    if [loop.id for loop in rest.loops] != [state["id"] for state in states]:
        raise Unreachable(f"the generator at {rest.place} is in other loops")
    for loop, state in zip(rest.loops, states):
        if loop.iterator is None or state["carried"]:
            continue
        if loop.serial == state["serial"] and loop.index <= state["index"]:
            loop.iterator = advanced(loop.iterator, state["index"] - loop.index)
            continue
        again = None
        if state["order"] is not None:
            again = begun_anew(loop.iterator, loop.index, state["index"], state["order"])
        if again is None:
            raise Unreachable(f"the loop at {loop.id} has been begun anew")
        loop.iterator = again


def set_loops(rest: Rest, states: list[dict[str, Any]]) -> None:
    for loop, state in zip(rest.loops, states):
        loop.serial, loop.index, loop.value = state["serial"], state["index"], state["value"]
        loop.events, loop.hits, loop.occurrences = state["events"], 0, dict(state["occurrences"])
        loop.occurrence, loop.slot = state["occurrence"], state["slot"]
        loop.fetched, loop.has_moved = state["fetched"], state["moved"]
        context = state["context"]
        loop.context = _NOWHERE if context is None else (rest.loops[context[0]], *context[1:])
        # What the plan wanted was for the activation that it was.
        loop.marks = None


#: What depends on how often a replay has looked at a loop.
_PASSING = {"fetched", "value"}


def difference(live: list[list[dict[str, Any]]], recorded: list[list[dict[str, Any]]]) -> Optional[str]:
    """A line for people where the loops of resting generators do not stand where they stood."""
    for ours, theirs in zip(live, recorded):
        for mine, other in zip(ours, theirs):
            for name in mine.keys() - _PASSING:
                if mine[name] != other[name]:
                    return f"the generator's loop at {mine['id']} stands elsewhere: {name}"
    if [len(states) for states in live] != [len(states) for states in recorded]:
        return "generators of the program are in other loops"
    return None
