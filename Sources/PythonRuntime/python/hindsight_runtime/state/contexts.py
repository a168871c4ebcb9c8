"""Kinds for values that depend on where they are asked for: context variables, thread locals, decimal contexts."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, Any

from . import settings
from .classify import mro, qualified_names, register, rule
from .errors import LayoutDiffers
from .kinds import ATOMS, Children, Kind
from .lost import Unset

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk


class ContextVariableKind(Kind):
    """Its value in the main thread's context; the variable itself is the one that the re-run program made."""

    name = "context variable"
    filled = True

    def children(self, o: Any) -> Children:
        value = o.get(Unset)
        return () if value is Unset or type(value) in ATOMS else [("", value)]

    def contents(self, o: Any, source: Source) -> Any:
        # One that was never set may have a default, which is not told apart here and need not be.
        return (o.get(Unset),)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        (value,) = contents
        if value is Unset:
            if o.get(Unset) is not Unset:
                raise LayoutDiffers(f"The context variable {o.name} had no value in the recording.")
        elif o.get(Unset) is not value:
            o.set(value)


class ThreadLocalKind(Kind):
    """Attributes that every thread has for itself: those of the thread that runs the loops."""

    name = "thread local"
    filled = True

    def children(self, o: Any) -> Children:
        return [(f".{n}", x) for n, x in o.__dict__.items() if type(x) not in ATOMS]

    def contents(self, o: Any, source: Source) -> Any:
        return dict(o.__dict__)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        o.__dict__.clear()
        o.__dict__.update(contents)


class DecimalContextKind(Kind):
    name = "decimal context"
    filled = True

    def contents(self, o: Any, source: Source) -> Any:
        return settings.context_state(o)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        settings.set_context(o, contents)

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)


_local, _decimal = ThreadLocalKind(), DecimalContextKind()

register(ContextVariableKind(), contextvars.ContextVar)


@rule
def _by_base(cls: type) -> Kind | None:
    if threading.local in mro(cls):
        return _local
    names = qualified_names(cls)
    return _decimal if "decimal.Context" in names or "_pydecimal.Context" in names else None
