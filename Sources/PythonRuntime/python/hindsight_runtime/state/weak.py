"""Kinds for weak references and the containers made of them. What they point at is not walked."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from . import rebuild
from .classify import mro, register, rule
from .kinds import ATOMS, Children, Kind

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk


class WeakReferenceKind(Kind):
    name = "weak reference"

    def reduce(self, o: Any, source: Source) -> Any:
        target = o()
        source.point(o, target)
        return (rebuild.dead_reference, ()) if target is None else (rebuild.reference, (target,))

    def compared(self, o: Any, source: Source) -> Any:
        return (o(),)


class WeakProxyKind(Kind):
    """Answers for its target in everything, so that only its exact type tells it apart."""

    name = "weak proxy"

    def reduce(self, o: Any, source: Source) -> Any:
        try:
            target = target_of(o)
        except ReferenceError:
            return rebuild.dead_proxy, ()
        return source.lose(o) if target is None else (rebuild.proxy, (target,))

    def compared(self, o: Any, source: Source) -> Any:
        try:
            return (target_of(o),)
        except ReferenceError:
            return ()


def target_of(proxy: Any) -> Any:
    """None where it cannot be told; raises `ReferenceError` where it is gone."""
    # A bound method of the target, which classes have little reason to override.
    target = getattr(proxy.__dir__, "__self__", None)
    return target if any(one is proxy for one in weakref.getweakrefs(target)) else None


class WeakContainerKind(Kind):
    """Contents are the living items, in order."""

    name = "weak container"
    filled = True
    late = True

    def __init__(self, base: Any) -> None:
        self.base = base

    def children(self, o: Any) -> Children:
        if self.base is weakref.WeakSet:
            return ()
        strong = 0 if self.base is weakref.WeakValueDictionary else 1
        items = [pair[strong] for pair in self.base.items(o)]
        return [(f".items()[{i}]", x) for i, x in enumerate(items) if type(x) not in ATOMS]

    def contents(self, o: Any, source: Source) -> Any:
        if self.base is weakref.WeakSet:
            items = targets = list(self.base.__iter__(o))
        else:
            items = [list(pair) for pair in self.base.items(o)]
            weak = 1 if self.base is weakref.WeakValueDictionary else 0
            targets = [pair[weak] for pair in items]
        for target in targets:
            source.point(o, target)
        return items

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        self.base.clear(o)
        for item in contents:
            if self.base is weakref.WeakSet:
                self.base.add(o, item)
            else:
                self.base.__setitem__(o, *item)

    def reduce(self, o: Any, source: Source) -> Any:
        state = self.contents(o, source)
        return rebuild.weak_container, (type(o),), state, None, None, rebuild.set_weak_container

    def compared(self, o: Any, source: Source) -> Any:
        items = self.contents(o, source)
        return set(items) if self.base is weakref.WeakSet else items

    def recorded(self, o: Any, contents: Any, walk: Walk) -> Any:
        return set(contents) if self.base is weakref.WeakSet else contents


register(WeakReferenceKind(), weakref.ref, weakref.ReferenceType)
register(WeakProxyKind(), weakref.ProxyType, weakref.CallableProxyType)
_containers = [
    (base, WeakContainerKind(base))
    for base in (weakref.WeakValueDictionary, weakref.WeakKeyDictionary, weakref.WeakSet)
]


@rule
def _by_base(cls: type) -> Kind | None:
    return next((kind for base, kind in _containers if base in mro(cls)), None)
