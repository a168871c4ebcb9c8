"""Filling recorded state into the live program, in place."""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
from typing import Any, Sequence

from . import devices, hidden, settable
from .classify import kind_of, mro
from .errors import LayoutDiffers
from .functions import LiveCodes, live_codes
from .lost import Unknown
from .roots import Roots, write_locals
from .stream import FORMAT, Reader, split
from .walk import Gone, Walk, undisturbed


def restore(walk: Walk, roots: Roots, stream: bytes, buffers: Sequence[Any]) -> None:
    """Makes the live state the recorded one. The layouts must have been found equal before.

    Raises `LayoutDiffers` where that cannot be done; the program is not to be gone on with then.
    """
    devices.settle()
    with undisturbed(), walk.held(blocks=True), gradients_off(), live_codes(codes_of(roots)):
        recorded = Recorded(walk, roots, stream, buffers)
        if Gone in map(type, recorded.shared):
            raise LayoutDiffers("The program has dropped data which the checkpoint may hold.")
        for number, *contents in recorded.storages:
            _fill(walk, number, contents)
        recorded.fill_fresh(late=False)
        late = []
        for number, contents in zip(walk.filled, recorded.records):
            if contents is Unknown:
                continue
            if type(walk.objects[number]) is Gone:
                raise LayoutDiffers(
                    f"The program has dropped `{walk.path(number)}`, which the checkpoint holds."
                )
            if walk.kinds[number].late:
                late.append((number, contents))
            else:
                _fill(walk, number, contents)
        recorded.fill_fresh(late=True)
        for number, contents in late:
            _fill(walk, number, contents)
        walk.plain.restore(recorded.plain, walk.objects)
        for (owner, space), (_, names) in zip(spaces_like(roots, recorded.spaces), recorded.spaces):
            _fill_space(roots, owner, space, names)
    hidden.write(recorded.hidden)
    devices.settle()  # other streams do not wait for the one that has filled the memory


def _fill(walk: Walk, number: int, contents: Any) -> None:
    try:
        walk.kinds[number].fill(walk.objects[number], contents, walk)
    except LayoutDiffers:
        raise
    except Exception as problem:
        raise LayoutDiffers(
            f"`{walk.path(number)}` cannot be set to its recorded state: {type(problem).__name__}: {problem}"
        ) from problem


class Recorded:
    """A stream read and found to belong here."""

    def __init__(self, walk: Walk, roots: Roots, stream: bytes, buffers: Sequence[Any]) -> None:
        shared, rest = split(stream)
        shells, main = split(rest)
        self._walk = walk
        #: Members of plain data that more than their places may have referred to.
        self.shared = [Gone() if o is None else o for o in walk.plain.with_numbers(shared)]
        objects = walk.objects + self.shared
        self._fresh: list[Any] = []
        if shells:
            self._fresh = [make(*given) for make, given in Reader(objects, shells).read()]
        reader = Reader(objects + self._fresh, main, buffers)
        (
            version, count, identity, self.spaces, self.records, self._contents, self.plain, self.hidden,
        ) = reader.read()  # fmt: skip
        self.storages: list[Any]
        self.storages, sets = reader.read()
        for o, items, table in sets:
            settable.write(o, items, table)
        self.tables = {id(o) for o, _, table in sets if table is not None}
        if version != FORMAT:
            raise LayoutDiffers("The checkpoint was written by another release of Hindsight.")
        live = roots.identity()
        if identity != live:
            raise LayoutDiffers(
                f"The checkpoint was taken inside {_calls(identity)}, the program stands in {_calls(live)}."
            )
        if count != walk.count or len(self.records) != len(walk.filled):
            raise LayoutDiffers(
                f"The program reaches {walk.count} objects where the recorded one reached {count}."
            )

    def fill_fresh(self, late: bool) -> None:
        """Fills the new objects that were made empty; those last whose items must be complete to be hashed."""
        for o, contents in zip(self._fresh, self._contents):
            kind = kind_of(type(o))
            if kind.late is late and contents is not Unknown:
                kind.fill(o, contents, self._walk)


def _calls(identity: list[tuple[str, str]]) -> str:
    return " → ".join(f"{name}() of {file}" for file, name in identity) or "no function"


def spaces_like(roots: Roots, recorded: list[tuple[str, Any]]) -> list[tuple[Any, Any]]:
    """The live namespaces in the order of the recorded ones."""
    frames = [(frame.f_code, frame) for frame in roots.frames]
    spaces: list[tuple[Any, Any]] = list(frames)
    for title, _ in recorded[len(frames) :]:
        module = roots.modules.get(title or "__main__")
        if module is None:
            module = sys.modules.get(title) or _import(title)
        spaces.append((module, module))
    return spaces


def _import(name: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as problem:
        raise LayoutDiffers(
            f"The recorded program had imported {name} by then; importing it failed: {problem}"
        ) from problem


def _fill_space(roots: Roots, owner: Any, space: Any, names: dict[str, Any]) -> None:
    if isinstance(space, types.FrameType):
        write_locals(space, names, lambda name: roots.excluded(owner, name))
        return
    live = space.__dict__
    for name in [n for n in live if n not in names and not roots.excluded(owner, n)]:
        del live[name]
    live.update(names)


def codes_of(roots: Roots) -> LiveCodes:
    """Every code object of the project's that can be found."""
    starts = [frame.f_code for frame in roots.all_frames]
    for module in roots.modules.values():
        for value in list(vars(module).values()):
            if type(value) is types.FunctionType:
                starts.append(value.__code__)
            elif type in mro(type(value)) and value.__module__ == module.__name__:
                starts.extend(
                    x.__code__ for x in vars(value).values() if type(x) is types.FunctionType
                )
    return LiveCodes(starts)


def gradients_off() -> Any:
    torch = sys.modules.get("torch")
    return torch.no_grad() if hasattr(torch, "no_grad") else contextlib.nullcontext()  # type: ignore[union-attr]
