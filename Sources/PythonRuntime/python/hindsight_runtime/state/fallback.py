"""The last rules: instances of Python classes, then whatever C types say about themselves."""

from __future__ import annotations

import types
from typing import Any

from .classify import mro, register, rule
from .containers import CellKind, DictKind, FrozenSetKind, ListKind, SetKind, TupleKind
from .instances import ExceptionKind, InstanceKind, container_base
from .kinds import Kind
from .lost import Unknown
from .source import Source


class ValueKind(Kind):
    """A type in C that says how it is pickled: by value. One that does not is left alone, and reported."""

    name = "value"
    filled = True

    def travels(self, o: Any) -> bool:
        return Source.can_reduce(o)

    def contents(self, o: Any, source: Source) -> Any:
        source.lose(o)
        return Unknown

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)

    def compared(self, o: Any, source: Source) -> Any:
        return source.reduced(o)


class StatelessKind(Kind):
    """Types in C without state that a program could change."""

    name = "stateless"

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)

    def compared(self, o: Any, source: Source) -> Any:
        return None


_STATELESS = {
    "_abc_data", "Pattern", "TypeVar", "ParamSpec", "GenericAlias", "UnionType", "Union",
    "TypeAliasType", "object", "Scanner",
}  # fmt: skip

_value, _exception, _stateless = ValueKind(), ExceptionKind(), StatelessKind()

register(ListKind(), list)
register(DictKind(), dict)
register(TupleKind(), tuple)
register(SetKind(), set)
register(FrozenSetKind(), frozenset)
register(CellKind(), types.CellType)


@rule
def _by_layout(cls: type) -> Kind | None:
    if BaseException in mro(cls):
        return _exception
    if cls.__name__ in _STATELESS and cls.__module__ in (
        "re",
        "_struct",
        "_abc",
        "types",
        "typing",
        "builtins",
    ):
        return _stateless
    if container_base(cls) is not None and _made_in_python(cls):
        return InstanceKind(cls)
    return _value


def _made_in_python(cls: type) -> bool:
    """Types in C whose instances have no visible state at all are left to their own pickling."""
    from .instances import layout_of

    layout = layout_of(cls)
    python = any("__module__" in c.__dict__ and c.__flags__ & (1 << 9) for c in mro(cls))
    return python or layout.dictionary is not None or layout.items.base is not object
