"""How far generators are that stand in the middle of their work. No checkpoint can hold that, but within one process
it can be compared: their variables, what they draw from, and where they stand.
"""

from __future__ import annotations

import gc
import inspect
import os
from types import FrameType, GeneratorType, ModuleType
from typing import Any, Callable

from .programs import RUNTIME_FOLDER
from .state import Roots, Walk
from .state.roots import read_locals

#: More are not looked into.
MOST = 50
#: Their namespace; no module can be called so.
_NAME = "generators at work"


def with_generators(
    visible: Callable[[], Roots], limit: float
) -> tuple[Roots, Walk, list[GeneratorType]]:
    """What is visible with what generators hold, a walk over it, and those generators."""
    generators: list[GeneratorType] = []
    roots = visible()
    walk = Walk(roots, limit)
    while len(generators) < MOST:
        known = set(map(id, generators))
        found = [g for g in _at_work(walk) if id(g) not in known]
        if not found:
            break
        generators += found
        roots = extended(visible(), generators)
        walk = Walk(roots, limit)
    return roots, walk, generators


def extended(roots: Roots, generators: list[GeneratorType]) -> Roots:
    """What is visible, and what these generators hold now."""
    space = ModuleType(_NAME)
    for number, generator in enumerate(generators):
        frame = generator.gi_frame
        if frame is None:
            continue  # it has come to its end
        roots.frames.append(frame)
        roots.all_frames.append(frame)
        setattr(space, f"place{number}", frame.f_lasti)
        for place, iterator in enumerate(_drawn_from(generator, frame)):
            setattr(space, f"iterator{number}_{place}", iterator)
    if generators:
        roots.modules[_NAME] = space
    return roots


def _at_work(walk: Walk) -> list[GeneratorType]:
    with walk.held():
        return [
            o
            for o, kind in zip(walk.objects, walk.kinds)
            if kind.name == "generator"
            and type(o) is GeneratorType
            and inspect.getgeneratorstate(o) == inspect.GEN_SUSPENDED
        ]


def _drawn_from(generator: GeneratorType, frame: FrameType) -> list[Any]:
    """The iterators of the loops that it is in, which no variable holds."""
    # That of a comprehension has a name with a dot, which is nobody's.
    variables = {id(value) for name, value in read_locals(frame).items() if name[0] != "."}
    held = [*gc.get_referents(generator), *gc.get_referents(frame)]
    unique = {id(o): o for o in held if hasattr(type(o), "__next__") and id(o) not in variables}
    return [_behind(iterator) for iterator in unique.values()]


def _behind(iterator: Any) -> Any:
    """What one of our own generators, which observe loops, draws from."""
    frame = getattr(iterator, "gi_frame", None)
    if frame is None or os.path.dirname(frame.f_code.co_filename) != RUNTIME_FOLDER:
        return iterator
    own = read_locals(frame)
    found = own.get("iterator", getattr(own.get("loop"), "iterator", None))
    return iterator if found is None else found
