"""Functions, methods, classes, modules and generators."""

from __future__ import annotations

import contextlib
import marshal
import sys
import types
import weakref
from typing import TYPE_CHECKING, Any, Iterable, Iterator

from . import rebuild
from .cells import cells_of
from ..clocks import Clock
from .classify import kind_of, qualified_names, register, rule
from .errors import LayoutDiffers
from .kinds import ATOMS, Children, Kind, Reference
from .lost import Unknown
from .probes import free_names_of_probes
from .roots import read_locals

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk


def importable(o: Any) -> bool:
    """Whether the object is found by its module and qualified name, as pickle looks it up."""
    found: Any = sys.modules.get(getattr(o, "__module__", None) or "")
    for part in getattr(o, "__qualname__", "<locals>").split("."):
        if found is None or part == "<locals>":
            return False
        found = getattr(found, part, None)
    return found is o


class FunctionKind(Kind):
    """A function keeps defaults, attributes and cells. Its code is the replayed program's own."""

    name = "function"
    filled = True

    def holds(self, o: Any, walk: Walk) -> bool:
        return walk.is_project(o.__globals__) or o.__closure__ is not None or bool(o.__dict__)

    def visit(self, o: Any, walk: Walk) -> Children:
        if walk.is_project(o.__globals__) or "<locals>" in o.__qualname__ or o.__closure__:
            return self.children(o)
        return ()

    def children(self, o: Any) -> Children:
        found: list[Any] = []
        probes = free_names_of_probes(o.__code__)
        for name, cell in zip(o.__code__.co_freevars, o.__closure__ or ()):
            if name not in probes:
                found.append((f".{name}", cell))
        if o.__defaults__:
            found.append((".__defaults__", o.__defaults__))
        if o.__kwdefaults__:
            found.append((".__kwdefaults__", o.__kwdefaults__))
        found.extend((f".{name}", x) for name, x in o.__dict__.items() if type(x) not in ATOMS)
        return found

    def contents(self, o: Any, source: Source) -> Any:
        return o.__defaults__, o.__kwdefaults__, dict(o.__dict__)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        defaults, keyword_defaults, attributes = contents
        if o.__defaults__ is not defaults:
            o.__defaults__ = defaults
        if o.__kwdefaults__ is not keyword_defaults:
            o.__kwdefaults__ = keyword_defaults
        if o.__dict__ or attributes:
            o.__dict__.clear()
            o.__dict__.update(attributes)

    def reduce(self, o: Any, source: Source) -> Any:
        if importable(o):
            return NotImplemented
        namespace = o.__globals__.get("__name__")
        if getattr(sys.modules.get(namespace or ""), "__dict__", None) is not o.__globals__:
            return source.lose(o)
        code = _portable_code(o.__code__)
        if code is None:
            return source.lose(o)
        arguments = (code, namespace, o.__name__, o.__qualname__, o.__closure__)
        state = (o.__defaults__, o.__kwdefaults__, dict(o.__dict__), o.__doc__, o.__module__)
        return rebuild.function, arguments, state, None, None, rebuild.set_function

    def compared(self, o: Any, source: Source) -> Any:
        code = o.__code__
        identity = (code.co_name, code.co_firstlineno, o.__module__, o.__qualname__)
        probes = free_names_of_probes(code)
        cells = [c for n, c in zip(code.co_freevars, o.__closure__ or ()) if n not in probes]
        return identity, cells, o.__defaults__, o.__kwdefaults__, dict(o.__dict__)

    def recorded(self, o: Any, contents: Any, walk: Walk) -> Any:
        whole = self.compared(o, walk)  # type: ignore[arg-type]
        return whole[:2] + contents


_marshalled: dict[int, tuple[types.CodeType, bytes]] = {}


def _portable_code(code: types.CodeType) -> tuple[str, str, int, bytes] | None:
    known = _marshalled.get(id(code))
    if known is None or known[0] is not code:
        try:
            known = _marshalled[id(code)] = (code, marshal.dumps(code))
        except ValueError:
            return None
    return code.co_filename, code.co_name, code.co_firstlineno, known[1]


class LiveCodes:
    """The code objects of the running program: a restored function runs these, with the probes in them."""

    def __init__(self, starts: Iterable[types.CodeType]) -> None:
        self._starts = starts
        self._found: dict[tuple[str, str, int], types.CodeType] | None = None

    def find(self, key: tuple[str, str, int]) -> types.CodeType | None:
        if self._found is None:
            self._found = {}
            pending = list(self._starts)
            while pending:
                code = pending.pop()
                place = (code.co_filename, code.co_name, code.co_firstlineno)
                if place not in self._found:
                    self._found[place] = code
                    pending += [c for c in code.co_consts if type(c) is types.CodeType]
        return self._found.get(key)


_live: list[LiveCodes] = []


@contextlib.contextmanager
def live_codes(codes: LiveCodes) -> Iterator[None]:
    _live.append(codes)
    try:
        yield
    finally:
        _live.pop()


def code_for(code: Any, namespace: str, qualname: str) -> types.CodeType:
    filename, name, line, data = code
    found = _live[-1].find((filename, name, line)) if _live else None
    return found or marshal.loads(data)


class ClassKind(Kind):
    """Attributes of the project's classes are state; those of installed libraries are not."""

    name = "class"
    filled = True

    _SKIPPED = {"_abc_impl"}

    def holds(self, o: Any, walk: Walk) -> bool:
        return self._open(o, walk)

    def _open(self, o: Any, walk: Walk) -> bool:
        namespace = type.__dict__["__dict__"].__get__(o)
        if not walk.is_project_name(namespace.get("__module__")):
            return False
        return "enum.Enum" not in qualified_names(o)

    def _names(self, o: Any) -> dict[str, Any]:
        namespace = type.__dict__["__dict__"].__get__(o)
        return {
            name: value
            for name, value in namespace.items()
            if not (name.startswith("__") and name.endswith("__"))
            and name not in self._SKIPPED
            and type(value) not in (types.MemberDescriptorType, types.GetSetDescriptorType)
        }

    def visit(self, o: Any, walk: Walk) -> Children:
        if not self._open(o, walk):
            return ()
        namespace = type.__dict__["__dict__"].__get__(o)
        found = [(f".{n}", x) for n, x in self._names(o).items() if not walk.excluded(o, n)]
        # Special methods cannot be left out: their defaults and closures hold state like any other's.
        found += [
            (f".{n}", x)
            for n, x in namespace.items()
            if type(x) is types.FunctionType and n.startswith("__") and n.endswith("__")
        ]
        found += [
            (f".__bases__[{i}]", x) for i, x in enumerate(type.__dict__["__bases__"].__get__(o))
        ]
        return [child for child in found if type(child[1]) not in ATOMS]

    def contents(self, o: Any, source: Source) -> Any:
        walk = source.walk
        return {n: x for n, x in self._names(o).items() if not walk.excluded(o, n)}

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        live = self._names(o)
        for name in live:
            if name not in contents and not walk.excluded(o, name):
                type.__delattr__(o, name)
        for name, value in contents.items():
            if name not in live or live[name] is not value:
                type.__setattr__(o, name, value)

    def reduce(self, o: Any, source: Source) -> Any:
        return NotImplemented if importable(o) else source.lose(o)

    def compared(self, o: Any, source: Source) -> Any:
        # Reached for new classes only by reference.
        return self.contents(o, source)


class MethodKind(Kind):
    name = "method"

    def travels(self, o: Any) -> bool:
        return kind_of(type(o.__self__)).travels(o.__self__)

    def children(self, o: Any) -> Children:
        return [(".__self__", o.__self__), (".__func__", o.__func__)]

    def reduce(self, o: Any, source: Source) -> Any:
        return rebuild.method, (o.__func__, o.__self__)

    def compared(self, o: Any, source: Source) -> Any:
        return o.__func__, o.__self__


class BuiltinKind(Kind):
    """Functions written in C, bound to an object or not."""

    name = "builtin"

    def _owner(self, o: Any) -> Any:
        owner = getattr(o, "__self__", None)
        return None if isinstance(owner, (types.ModuleType, type)) else owner

    def travels(self, o: Any) -> bool:
        owner = self._owner(o)
        return owner is not None and kind_of(type(owner)).travels(owner)

    def children(self, o: Any) -> Children:
        owner = self._owner(o)
        return () if owner is None else [(".__self__", owner)]

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)

    def compared(self, o: Any, source: Source) -> Any:
        return o.__name__, self._owner(o)


class ModuleKind(Reference):
    name = "module"

    def reduce(self, o: Any, source: Source) -> Any:
        name = getattr(o, "__name__", None)
        if type(name) is str and sys.modules.get(name) is o:
            return rebuild.module, (name,)
        return source.lose(o)

    def compared(self, o: Any, source: Source) -> Any:
        return o.__name__


class WrapperKind(Kind):
    """Descriptors around functions: `staticmethod`, `classmethod`, `property`."""

    name = "descriptor"

    def children(self, o: Any) -> Children:
        names = ("fget", "fset", "fdel") if type(o) is property else ("__func__",)
        found = [(f".{name}", getattr(o, name)) for name in names]
        return [child for child in found if child[1] is not None]

    def reduce(self, o: Any, source: Source) -> Any:
        if type(o) is property:
            return property, (o.fget, o.fset, o.fdel)
        return type(o), (o.__func__,)

    def compared(self, o: Any, source: Source) -> Any:
        return [child for _, child in self.children(o)]


class PartialKind(Kind):
    name = "partial"

    def travels(self, o: Any) -> bool:
        values = [o.func, *o.args, *o.keywords.values()]
        return any(kind_of(type(value)).travels(value) for value in values)

    def children(self, o: Any) -> Children:
        found = [(".func", o.func), (".args", o.args), (".keywords", o.keywords)]
        return found + [(f".{name}", value) for name, value in o.__dict__.items()]

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)

    def compared(self, o: Any, source: Source) -> Any:
        return o.func, o.args, o.keywords, dict(o.__dict__)


class GeneratorKind(Kind):
    """Restored are those not started, finished, or at rest where they rested at the walk: their variables are
    filled in like those of the functions on the stack (see `Roots`)."""

    name = "generator"
    filled = True

    @staticmethod
    def _frame(o: Any) -> Any:
        return getattr(o, {"g": "gi_frame", "c": "cr_frame", "a": "ag_frame"}[type(o).__name__[0]])

    def _finished(self, o: Any) -> bool:
        return self._frame(o) is None

    def _untouched(self, o: Any) -> bool:
        frame = self._frame(o)
        if frame is None or getattr(o, "gi_running", getattr(o, "cr_running", False)):
            return False
        import inspect

        if type(o) is types.GeneratorType:
            return inspect.getgeneratorstate(o) == inspect.GEN_CREATED
        if type(o) is types.CoroutineType:
            return inspect.getcoroutinestate(o) == inspect.CORO_CREATED
        return False

    def visit(self, o: Any, walk: Walk) -> Children:
        if type(o) is not types.GeneratorType:
            return ()
        walk.generators.append(weakref.ref(o))
        rest = walk.rest_of(o)
        if rest is None:
            return ()
        walk.note_rest(o, rest)
        code = rest.frame.f_code
        values = read_locals(rest.frame)
        found = [(n, values[n]) for n in sorted(values) if not walk.excluded(code, n)]
        found += [(n, c) for n, c in cells_of(rest.frame).items() if not walk.excluded(code, n)]
        children = [(f".{name}", x) for name, x in found if type(x) not in ATOMS]
        return children + [(f".<loop {i}>", x) for i, x in rest.iterators]

    @staticmethod
    def _is_running(o: Any) -> bool:
        return any(getattr(o, f"{prefix}_running", False) for prefix in ("gi", "cr", "ag"))

    def contents(self, o: Any, source: Source) -> Any:
        if self._finished(o):
            return True
        rest = source.walk.rest(o)
        if rest is not None:
            return rest.place
        if self._untouched(o) or source.on_stack(self._frame(o)):
            return False
        source.lose(o)
        return Unknown

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        untouched = self._untouched(o)
        if type(contents) is str:
            rest = walk.rest(o)
            if rest is None or rest.place != contents:
                raise LayoutDiffers(f"{self._title(o, walk)} is not at {contents}, where it was by then.")
        if contents is True and untouched:
            o.close()
        elif contents is True and not self._finished(o):
            # To close it would run what it does at its end, once more and in another state.
            raise LayoutDiffers(f"{self._title(o, walk)} is in the middle of its work, and had ended by then.")
        elif contents is False and not (untouched or self._is_running(o)):
            raise LayoutDiffers(f"{self._title(o, walk)} has begun its work, and had not by then.")

    @staticmethod
    def _title(o: Any, walk: Walk) -> str:
        return f"The generator `{walk.path(walk.index[id(o)][0])}`"

    def reduce(self, o: Any, source: Source) -> Any:
        if self._finished(o) and type(o) is types.GeneratorType:
            return rebuild.finished_generator, ()
        return source.lose(o)

    def compared(self, o: Any, source: Source) -> Any:
        rest = source.walk.rest(o)
        return self._finished(o) if rest is None else rest.place


def _register() -> None:
    import functools

    register(FunctionKind(), types.FunctionType)
    register(MethodKind(), types.MethodType)
    register(
        BuiltinKind(),
        types.BuiltinFunctionType,
        types.MethodWrapperType,
        types.WrapperDescriptorType,
        types.MethodDescriptorType,
        types.ClassMethodDescriptorType,
        Clock,  # as what it stands for
    )
    register(ModuleKind(), types.ModuleType)
    register(WrapperKind(), property, staticmethod, classmethod)
    register(PartialKind(), functools.partial)
    register(GeneratorKind(), types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
    register(ClassKind(), type)
    classes, modules = ClassKind(), ModuleKind()

    @rule
    def by_base(cls: type) -> Kind | None:
        if issubclass_exactly(cls, type):
            return classes
        return modules if issubclass_exactly(cls, types.ModuleType) else None


def issubclass_exactly(cls: type, base: type) -> bool:
    """`issubclass` without `__subclasscheck__`."""
    return base in type.__dict__["__mro__"].__get__(cls)


_register()
