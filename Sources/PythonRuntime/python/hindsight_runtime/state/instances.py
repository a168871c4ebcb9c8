"""Instances of classes written in Python, with what they inherit from a built-in container.

Their state is `__dict__`, slots and items, read and written below the level at which user code runs: no
`__getattr__`, no properties, no `__setattr__`, no overridden container methods.
"""

from __future__ import annotations

import collections
import types
from typing import TYPE_CHECKING, Any, Iterator

from .classify import mro
from .containers import pairs
from .kinds import ATOMS, Children, Kind
from .lost import Same, Unset

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk

_DICT_OF_TYPE = type.__dict__["__dict__"].__get__


class Items:
    """What an instance holds by inheriting from a container; by default nothing."""

    base: type = object

    def arguments(self, o: Any) -> tuple[Any, ...]:
        """For making a new one."""
        return ()

    def make(self, cls: type, *arguments: Any) -> Any:
        return self.base.__new__(cls)

    def read(self, o: Any) -> Any:
        return None

    def children(self, o: Any) -> Children:
        return ()

    def fill(self, o: Any, items: Any) -> None:
        pass


class ListItems(Items):
    base = list

    def read(self, o: Any) -> Any:
        return list(list.__iter__(o))

    def children(self, o: Any) -> Children:
        return [(i, item) for i, item in enumerate(self.read(o)) if type(item) not in ATOMS]

    def fill(self, o: Any, items: Any) -> None:
        list.__setitem__(o, slice(None), items)


class DequeItems(ListItems):
    base = collections.deque

    def arguments(self, o: Any) -> tuple[Any, ...]:
        return (collections.deque.maxlen.__get__(o),)  # type: ignore[attr-defined]

    def make(self, cls: type, *arguments: Any) -> Any:
        made = collections.deque.__new__(cls)
        collections.deque.__init__(made, (), *arguments)
        return made

    def read(self, o: Any) -> Any:
        return list(collections.deque.__iter__(o))

    def fill(self, o: Any, items: Any) -> None:
        collections.deque.clear(o)
        collections.deque.extend(o, items)


class DictItems(Items):
    base: Any = dict

    def read(self, o: Any) -> Any:
        return list(self.base.keys(o)), list(self.base.values(o))

    def children(self, o: Any) -> Children:
        return pairs(zip(*self.read(o)))

    def fill(self, o: Any, items: Any) -> None:
        if list(map(id, dict.keys(o))) != list(map(id, items[0])):
            dict.clear(o)
        for key, value in zip(*items):
            dict.__setitem__(o, key, value)


class DefaultDictItems(DictItems):
    base = collections.defaultdict

    def make(self, cls: type, *arguments: Any) -> Any:
        made = collections.defaultdict.__new__(cls)
        collections.defaultdict.__init__(made)
        return made

    def read(self, o: Any) -> Any:
        factory = collections.defaultdict.default_factory.__get__(o)  # type: ignore[attr-defined]
        return list(dict.keys(o)), list(dict.values(o)), factory

    def children(self, o: Any) -> Children:
        keys, values, factory = self.read(o)
        return pairs(zip(keys, values)) + [(".default_factory", factory)]

    def fill(self, o: Any, items: Any) -> None:
        super().fill(o, items[:2])
        factory = collections.defaultdict.default_factory
        if factory.__get__(o) is not items[2]:  # type: ignore[attr-defined]
            factory.__set__(o, items[2])  # type: ignore[attr-defined]


class OrderedDictItems(DictItems):
    base = collections.OrderedDict

    def make(self, cls: type, *arguments: Any) -> Any:
        made = collections.OrderedDict.__new__(cls)
        collections.OrderedDict.__init__(made)
        return made

    def read(self, o: Any) -> Any:
        items = list(collections.OrderedDict.items(o))
        return [key for key, _ in items], [value for _, value in items]

    def fill(self, o: Any, items: Any) -> None:
        base = collections.OrderedDict
        if list(map(id, base.keys(o))) != list(map(id, items[0])):
            base.clear(o)
        for key, value in zip(*items):
            base.__setitem__(o, key, value)


class SetItems(Items):
    base = set

    def read(self, o: Any) -> Any:
        return list(set.__iter__(o))

    def fill(self, o: Any, items: Any) -> None:
        set.clear(o)
        set.update(o, items)


class FixedItems(Items):
    """Subclasses of tuple, frozenset, int, str …: the value is given when the object is made."""

    def __init__(self, base: Any) -> None:
        self.base = base

    def arguments(self, o: Any) -> tuple[Any, ...]:
        if self.base is tuple:
            return (tuple(tuple.__iter__(o)),)
        if self.base is frozenset:
            return (frozenset(frozenset.__iter__(o)),)
        if self.base is bytes:
            return (bytes.__getitem__(o, slice(None)),)
        if self.base is str:
            return (str.__str__(o),)
        return (self.base.__pos__(o),)

    def make(self, cls: type, *arguments: Any) -> Any:
        return self.base.__new__(cls, *arguments)

    def read(self, o: Any) -> Any:
        return self.arguments(o)[0]

    def children(self, o: Any) -> Children:
        if self.base is not tuple:
            return ()
        return [(i, x) for i, x in enumerate(tuple.__iter__(o)) if type(x) not in ATOMS]


_ITEMS: dict[type, Items] = {
    object: Items(),
    list: ListItems(),
    dict: DictItems(),
    set: SetItems(),
    collections.deque: DequeItems(),
    collections.defaultdict: DefaultDictItems(),
    collections.OrderedDict: OrderedDictItems(),
    types.SimpleNamespace: Items(),
    **{base: FixedItems(base) for base in (tuple, frozenset, int, float, str, bytes, complex)},
}
FIXED = (tuple, frozenset, int, float, str, bytes, complex)

_ITEMS[types.SimpleNamespace].base = types.SimpleNamespace


class Layout:
    """Where the instances of a type keep their state."""

    def __init__(self, cls: type, base: type) -> None:
        self.items = _ITEMS[base]
        self.fixed = base in FIXED
        self.dictionary: Any = None
        self.slots: list[tuple[str, Any]] = []
        for owner in mro(cls):
            names = _DICT_OF_TYPE(owner)
            found = names.get("__dict__")
            if self.dictionary is None and owner is not type:
                if type(found) in (types.GetSetDescriptorType, types.MemberDescriptorType):
                    self.dictionary = found
            if "__slots__" in names:
                for name, member in names.items():
                    if type(member) is types.MemberDescriptorType:
                        self.slots.append((name, member))
        self.local_class = "<locals>" in cls.__qualname__

    def attributes(self, o: Any) -> dict[str, Any] | None:
        if self.dictionary is None:
            return None
        found = self.dictionary.__get__(o)
        # `self.__dict__ = self`: the items are the attributes.
        return None if found is o else found

    def slot_values(self, o: Any) -> list[Any]:
        values = []
        for _, member in self.slots:
            try:
                values.append(member.__get__(o))
            except AttributeError:
                values.append(Unset)
        return values

    def named_slots(self, o: Any) -> Iterator[tuple[str, Any]]:
        for (name, _), value in zip(self.slots, self.slot_values(o)):
            if value is not Unset and type(value) not in ATOMS:
                yield f".{name}", value

    def make(self, cls: type, *arguments: Any) -> Any:
        return self.items.make(cls, *arguments)

    def state(self, o: Any, live: bool) -> Any:
        """Attributes, slots, items. With `live` the attributes are the very dictionary."""
        attributes = self.attributes(o)
        if attributes is not None and not live:
            attributes = dict(attributes)
        slots = self.slot_values(o) if self.slots else None
        return attributes, slots, None if self.fixed else self.items.read(o)

    def fill(self, o: Any, state: Any) -> None:
        attributes, slots, items = state
        if attributes is not None:
            live = self.dictionary.__get__(o)
            if list(live) != list(attributes):
                live.clear()
            live.update(attributes)
        self._fill_rest(o, slots, items)

    def adopt(self, o: Any, state: Any) -> None:
        """Fills a new object; its attributes' dictionary is the one given, which others may hold, too."""
        attributes, slots, items = state
        if attributes is not None:
            try:
                self.dictionary.__set__(o, attributes)
            except (AttributeError, TypeError):
                self.dictionary.__get__(o).update(attributes)
        self._fill_rest(o, slots, items)

    def _fill_rest(self, o: Any, slots: Any, items: Any) -> None:
        for (_, member), value in zip(self.slots, slots or ()):
            if value is not Unset:
                member.__set__(o, value)
            else:
                try:
                    member.__delete__(o)
                except AttributeError:
                    pass
        if items is not None:
            self.items.fill(o, items)


_layouts: dict[type, Layout] = {}


def layout_of(cls: type) -> Layout:
    layout = _layouts.get(cls)
    if layout is None:
        base = container_base(cls)
        if base is None:
            raise TypeError(
                f"The class {cls.__qualname__} is not laid out as when it was recorded."
            )
        layout = _layouts[cls] = Layout(cls, base)
    return layout


def container_base(cls: type) -> type | None:
    """The built-in type that instances extend; None where some other type in C keeps state of its own."""
    for base in mro(cls):
        if base in _ITEMS:
            known = base
            break
    else:
        return None
    slots = sum(
        type(member) is types.MemberDescriptorType
        for owner in mro(cls)
        if owner is not known and "__slots__" in _DICT_OF_TYPE(owner)
        for member in _DICT_OF_TYPE(owner).values()
    )
    # Room for the slots, for `__dict__` and for `__weakref__`: anything more is C's.
    own = sum(
        getattr(cls, offset) != 0 and getattr(known, offset) == 0
        for offset in ("__dictoffset__", "__weakrefoffset__")
    )
    spare = cls.__basicsize__ - known.__basicsize__ - 8 * (slots + own)
    return known if spare <= 0 and cls.__itemsize__ == known.__itemsize__ else None


class InstanceKind(Kind):
    name = "instance"
    filled = True

    def __init__(self, cls: type) -> None:
        self.layout = layout_of(cls)
        self.late = isinstance(self.layout.items, (DictItems, SetItems))
        self.own_reduce = defines_own_reduce(cls)
        if self.layout.fixed and self.layout.dictionary is None:
            self.filled = False

    def plain(self, o: Any) -> bool:
        if not self.layout.fixed or self.filled:
            return False
        return not any(True for _ in self.children(o)) and not self.layout.local_class

    def travels(self, o: Any) -> bool:
        from .classify import kind_of

        if not self.layout.fixed:
            return False
        return any(kind_of(type(x)).travels(x) for _, x in self.layout.items.children(o))

    def visit(self, o: Any, walk: Walk) -> Children:
        if isinstance(self.layout.items, SetItems):
            walk.postpone(o, self.layout.items.read(o))
        return self.children(o)

    def children(self, o: Any) -> Children:
        layout = self.layout
        found: list[Any] = []
        attributes = layout.attributes(o)
        if attributes is not None:
            for name, value in attributes.items():
                if type(value) not in ATOMS:
                    found.append((f".{name}", value))
        if layout.slots:
            found.extend(layout.named_slots(o))
        found.extend(layout.items.children(o))
        if layout.local_class:
            found.append((".__class__", type(o)))
        return found

    def contents(self, o: Any, source: Source) -> Any:
        return self.layout.state(o, live=False)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        self.layout.fill(o, contents)

    def shell(self, o: Any) -> Any:
        from . import rebuild

        if self.own_reduce or self.layout.fixed or self.layout.local_class:
            return None
        return rebuild.instance, (type(o), *self.layout.items.arguments(o))

    def reduce(self, o: Any, source: Source) -> Any:
        from . import rebuild

        if self.reduces_itself(o, source):
            return source.own_reduce(o)
        if not source.reaches(type(o)):
            return source.lose(o)
        arguments = (type(o), *self.layout.items.arguments(o))
        state = self.layout.state(o, live=True)
        if state == (None, None, None):
            return rebuild.instance, arguments
        return rebuild.instance, arguments, state, None, None, rebuild.set_instance

    def compared(self, o: Any, source: Source) -> Any:
        fixed = self.layout.items.read(o) if self.layout.fixed else None
        state = self.layout.state(o, live=False)
        return (*state, fixed) if self.layout.fixed else state

    def recorded(self, o: Any, contents: Any, walk: Walk) -> Any:
        return (*contents, Same) if self.layout.fixed else contents

    def compared_by_value(self, o: Any, source: Source) -> Any:
        return source.reduced(o) if self.reduces_itself(o, source) else self.compared(o, source)

    def reduces_itself(self, o: Any, source: Source) -> bool:
        """Whether the object goes as its own pickling says, which may leave out what its author can do without."""
        return self.own_reduce and not source.takes_apart(o, self.layout)


_AS_THEY_ARE = {"torch", "pandas", "sklearn"}
_REDUCERS = ("__reduce__", "__reduce_ex__", "__getstate__", "__getnewargs__", "__getnewargs_ex__")


def defines_own_reduce(cls: type) -> bool:
    """Whether the class says itself how it is pickled.

    Not so for some libraries' own classes: what they leave out (optimizers' hooks, scalers' found infinities) and add
    (versions, types) is not what the state is.
    """
    import copyreg

    if cls in copyreg.dispatch_table:
        return True
    for owner in mro(cls):
        if owner in _ITEMS or owner is collections.Counter:
            continue
        names = _DICT_OF_TYPE(owner)
        found = [type(names[name]) for name in _REDUCERS if name in names]
        if found:
            module = names.get("__module__")
            known = type(module) is str and module.split(".")[0] in _AS_THEY_ARE
            if (known or _is_namedtuple(names)) and found[0] is types.FunctionType:
                continue
            return True
    return False


def _is_namedtuple(names: Any) -> bool:
    return "_fields" in names and "__getnewargs__" in names


class ExceptionKind(Kind):
    name = "exception"
    filled = True

    def children(self, o: Any) -> Children:
        found: list[Any] = [(".args", o.args), (".__cause__", o.__cause__)]
        found.append((".__context__", o.__context__))
        found.extend(((f".{name}"), value) for name, value in _vars(o).items())
        return [child for child in found if type(child[1]) not in ATOMS]

    def contents(self, o: Any, source: Source) -> Any:
        base = BaseException
        return (
            base.args.__get__(o),  # type: ignore[attr-defined]
            dict(_vars(o)),
            base.__cause__.__get__(o),  # type: ignore[attr-defined]
            base.__context__.__get__(o),  # type: ignore[attr-defined]
            base.__suppress_context__.__get__(o),  # type: ignore[attr-defined]
        )

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        fill_exception(o, contents)

    def reduce(self, o: Any, source: Source) -> Any:
        from . import rebuild

        if isinstance(o, (OSError, ImportError, SyntaxError, UnicodeError)):
            return source.own_reduce(o)
        arguments = (type(o), tuple(BaseException.args.__get__(o)))  # type: ignore[attr-defined]
        return (
            rebuild.exception,
            arguments,
            self.contents(o, source),
            None,
            None,
            rebuild.set_exception,
        )


def _vars(o: BaseException) -> dict[str, Any]:
    return BaseException.__dict__["__dict__"].__get__(o)


def fill_exception(o: BaseException, state: Any) -> None:
    arguments, attributes, cause, context, suppress = state
    BaseException.args.__set__(o, arguments)  # type: ignore[attr-defined]
    live = _vars(o)
    live.clear()
    live.update(attributes)
    o.__cause__, o.__context__ = cause, context
    BaseException.__suppress_context__.__set__(o, suppress)  # type: ignore[attr-defined]
