"""Which kind an object is of, by its exact type; decided once per type."""

from __future__ import annotations

from typing import Any, Callable

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
    for base in type.__dict__["__mro__"].__get__(cls):
        module = type.__dict__["__dict__"].__get__(base).get("__module__")
        if type(module) is not str:
            module = "builtins"
        names.append(f"{module}.{type.__dict__['__qualname__'].__get__(base)}")
    return names


def mro(cls: type) -> Any:
    return type.__dict__["__mro__"].__get__(cls)
