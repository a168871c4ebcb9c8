"""Which kind an object is of, by its exact type; decided once per type."""

from __future__ import annotations

from typing import Callable

from .kinds import Kind

_kinds: dict[type, Kind] = {}
_rules: list[Callable[[type], Kind | None]] = []


def kind_of(cls: type) -> Kind:
    """The kind of the objects of a type."""
    kind = _kinds.get(cls)
    if kind is None:
        for rule in _rules:
            kind = rule(cls)
            if kind is not None:
                break
        else:
            kind = Kind()
        _kinds[cls] = kind
    return kind


def register(kind: Kind, *types: type) -> None:
    """Sets the kind of exact types."""
    for cls in types:
        _kinds[cls] = kind


def rule(decide: Callable[[type], Kind | None]) -> Callable[[type], Kind | None]:
    """Adds a rule; rules are asked in the order in which they were added."""
    _rules.append(decide)
    return decide


def qualified_names(cls: type) -> list[str]:
    """`module.name` of the type and its bases, without running code of theirs."""
    names = []
    for base in mro(cls):
        module = _MODULE(base)
        names.append(f"{module if type(module) is str else 'builtins'}.{_QUALNAME(base)}")
    return names


# The descriptors of `type` itself: metaclasses may override the attributes.
_MRO = type.__dict__["__mro__"].__get__
_MODULE = type.__dict__["__module__"].__get__
_QUALNAME = type.__dict__["__qualname__"].__get__


def mro(cls: type) -> tuple[type, ...]:
    return _MRO(cls)
