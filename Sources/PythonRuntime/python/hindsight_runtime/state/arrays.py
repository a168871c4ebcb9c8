"""Kinds for NumPy's arrays and generators."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from . import memory, rebuild
from .classify import qualified_names, rule
from .errors import LayoutDiffers
from .kinds import ATOMS, Children, Kind
from .lost import Same

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk


def _numpy() -> Any:
    return sys.modules["numpy"]


def raw(o: Any) -> memoryview | None:
    """The memory of an array that is dense, in whatever order of axes; None for others."""
    order = dense_order(o)
    if order is None:
        return None
    return memory.at(o.__array_interface__["data"][0], o.nbytes)


def dense_order(o: Any) -> tuple[int, ...] | None:
    """The axes from the outermost in memory to the innermost, where the array has no gaps."""
    shape, strides = o.shape, o.strides
    axes = sorted(
        (axis for axis in range(o.ndim)), key=lambda axis: (-abs(strides[axis]), shape[axis] == 1)
    )
    expected = o.dtype.itemsize
    for axis in reversed(axes):
        if shape[axis] == 1:
            continue
        if strides[axis] != expected and o.size:
            return None
        expected *= shape[axis]
    return tuple(axes)


def make_array(buffer: Any, dtype: Any, shape: Any, strides: Any, writable: bool) -> Any:
    """A new array that owns a copy of the buffer."""
    numpy = _numpy()
    axes = sorted(range(len(shape)), key=lambda axis: (-strides[axis], shape[axis] == 1))
    dense = numpy.empty([shape[axis] for axis in axes], dtype)
    inverse = [axes.index(axis) for axis in range(len(shape))]
    if dense.nbytes:
        memory.at(dense.__array_interface__["data"][0], dense.nbytes, True)[:] = memory.as_bytes(
            buffer
        )
    # A transposed array would be a view: make one that owns memory laid out like it.
    if inverse != list(range(len(shape))):
        dense = numpy.empty_like(dense.transpose(inverse), order="K", subok=False)
        memory.at(dense.__array_interface__["data"][0], dense.nbytes, True)[:] = memory.as_bytes(
            buffer
        )
    dense.flags.writeable = writable
    return dense


def make_objects(items: list[Any], shape: Any, fortran: bool, writable: bool) -> Any:
    made = _numpy().empty(shape, object, order="F" if fortran else "C")
    fill_objects(made, items)
    made.flags.writeable = writable
    return made


def make_view(owner: Any, dtype: Any, shape: Any, strides: Any, offset: int, writable: bool) -> Any:
    numpy = _numpy()
    base = owner.transpose(dense_order(owner)).reshape(-1)
    if dtype != object:
        base = base.view(numpy.uint8)
    made = numpy.ndarray(shape, dtype, base, offset, strides)
    if not writable:
        made.flags.writeable = False
    return made


def fill_objects(o: Any, items: list[Any]) -> None:
    numpy = _numpy()
    flat = numpy.empty(len(items), object)
    for i, item in enumerate(items):
        flat[i] = item
    numpy.copyto(o, flat.reshape(o.shape))


class ArrayKind(Kind):
    """An array that owns its memory has it as contents; a view is a window that stays where it is."""

    name = "array"
    filled = True

    def __init__(self, cls: type) -> None:
        self.exact = "numpy.ndarray" == qualified_names(cls)[0]

    @staticmethod
    def _owner(o: Any) -> Any:
        """The array whose memory this one looks at; itself where the memory is its own or not NumPy's."""
        ndarray = _numpy().ndarray
        while isinstance(o.base, ndarray):
            o = o.base
        return o

    @staticmethod
    def _mixed(o: Any) -> bool:
        return o.dtype.hasobject and o.dtype != object

    def travels(self, o: Any) -> bool:
        return self._mixed(o) or (self._owner(o) is o and dense_order(o) is None)

    def children(self, o: Any) -> Children:
        found: list[Any] = []
        if o.dtype == object:
            found += [(i, x) for i, x in enumerate(o.flat) if type(x) not in ATOMS]
        if o.base is not None:
            found.append((".base", o.base))
        if not self.exact:
            attributes = getattr(o, "__dict__", None) or {}
            found += [(f".{n}", x) for n, x in attributes.items() if type(x) not in ATOMS]
        return found

    def contents(self, o: Any, source: Source) -> Any:
        attributes = None if self.exact else dict(getattr(o, "__dict__", ()))
        shape = (o.dtype, o.shape, o.strides, bool(o.flags.writeable))
        if self._owner(o) is not o:
            return None, shape, attributes
        if o.dtype == object:
            return list(o.flat), shape, attributes
        if o.base is not None and not o.flags.writeable:
            return None, shape, attributes
        view = raw(o)
        source.keep(o)
        return None if view is None else source.buffer(view), shape, attributes

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        data, (dtype, shape, _, writable), attributes = contents
        if data is not None:
            if o.dtype != dtype:
                raise LayoutDiffers(
                    f"An array holds {o.dtype} in the running program and held {dtype} in the checkpoint."
                )
            if not o.flags.writeable:
                o.flags.writeable = True
            if o.shape != shape:
                o.resize(shape, refcheck=False)
            if type(data) is list:
                fill_objects(o, data)
            elif o.nbytes:
                memory.put(o.__array_interface__["data"][0], o.nbytes, data)
        if o.flags.writeable != writable:
            o.flags.writeable = writable
        if attributes is not None and hasattr(o, "__dict__"):
            o.__dict__.clear()
            o.__dict__.update(attributes)

    def _window(self, o: Any) -> tuple[Any, int] | None:
        """The owner of the memory that a view looks at, and where in it; None where it must be copied."""
        owner = self._owner(o)
        if owner is o or type(owner) is not type(o):
            return None
        if owner.dtype.hasobject and not (owner.dtype == o.dtype == object):
            return None
        if dense_order(owner) is None:
            return None
        start = owner.__array_interface__["data"][0]
        return owner, o.__array_interface__["data"][0] - start

    def reduce(self, o: Any, source: Source) -> Any:
        if not self.exact or self._mixed(o):
            return source.own_reduce(o)
        writable = bool(o.flags.writeable)
        window = self._window(o)
        if window is not None:
            arguments = (window[0], o.dtype, o.shape, o.strides, window[1], writable)
            return rebuild.array_view, arguments
        if o.dtype == object:
            return rebuild.object_array, (list(o.flat), o.shape, o.flags.fnc, writable)
        whole = o if dense_order(o) is not None and min(o.strides, default=0) >= 0 else o.copy()
        view = raw(whole)
        if view is None:
            return source.own_reduce(o)
        source.keep(whole)
        data = source.buffer(view)
        return rebuild.array, (data, o.dtype, o.shape, whole.strides, writable)

    def compared(self, o: Any, source: Source) -> Any:
        attributes = None if self.exact else dict(getattr(o, "__dict__", ()))
        shape = (o.dtype, o.shape, bool(o.flags.writeable))
        window = self._window(o) if self.exact else None
        if window is not None:
            return (*window, o.strides), shape, attributes
        if o.dtype == object:
            return list(o.flat), shape, attributes
        whole = o if dense_order(o) is not None and min(o.strides, default=0) >= 0 else o.copy()
        view = raw(whole)
        if view is None:
            return whole.tobytes(), shape, attributes
        source.keep(whole)
        return source.buffer(view), shape, attributes

    def recorded(self, o: Any, contents: Any, walk: Walk) -> Any:
        data, (dtype, shape, _, writable), attributes = contents
        return Same if data is None else data, (dtype, shape, writable), attributes


class BitGeneratorKind(Kind):
    """The state of a bit generator; `Generator` is a thin wrapper around it."""

    name = "bit generator"
    filled = True

    def contents(self, o: Any, source: Source) -> Any:
        return o.state, getattr(self._seeds(o), "n_children_spawned", None)

    @staticmethod
    def _seeds(o: Any) -> Any:
        return getattr(o, "seed_seq", None) or getattr(o, "_seed_seq", None)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        state, spawned = contents
        o.state = state
        seeds = self._seeds(o)
        if spawned is None or seeds.n_children_spawned == spawned:
            return
        if seeds.n_children_spawned < spawned:
            seeds.spawn(spawned - seeds.n_children_spawned)
        else:
            # Its fields in alphabetical order: entropy, n_children_spawned, pool, …
            fields = seeds.__reduce__()[2]
            seeds.__setstate_cython__((fields[0], spawned, *fields[2:]))

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)


class GeneratorKind(Kind):
    name = "random generator"

    def children(self, o: Any) -> Children:
        return [(".bit_generator", o.bit_generator)]

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)

    def compared(self, o: Any, source: Source) -> Any:
        return o.bit_generator


class RandomStateKind(Kind):
    name = "random state"
    filled = True

    def contents(self, o: Any, source: Source) -> Any:
        return o.get_state(legacy=False)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        o.set_state(contents)

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)


_bits, _generator, _random_state = BitGeneratorKind(), GeneratorKind(), RandomStateKind()


@rule
def _by_name(cls: type) -> Kind | None:
    for name in qualified_names(cls):
        if name == "numpy.ndarray":
            return ArrayKind(cls)
        if name == "numpy.random.bit_generator.BitGenerator":
            return _bits
        if name in ("numpy.random._generator.Generator", "numpy.random.Generator"):
            return _generator
        if name in ("numpy.random.mtrand.RandomState", "numpy.random.RandomState"):
            return _random_state
    return None
