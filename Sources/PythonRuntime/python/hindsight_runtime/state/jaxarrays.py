"""Kinds for JAX, whose arrays never change but may be given up (donated) to a computation."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from . import memory, rebuild
from .classify import qualified_names, rule
from .errors import LayoutDiffers
from .functions import importable
from .kinds import Children, Kind

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk

#: Larger arrays that were there at the walk are taken for what they are without looking at their values.
_LARGEST_MARKED = 1 << 20


def make_array(data: Any, dtype: Any, shape: Any, weak: bool, place: tuple[str, int] | None) -> Any:
    """A new array; `data` is None for one that was given up, `place` None where no device was asked for."""
    jax, numpy = sys.modules["jax"], sys.modules["numpy"]
    values = numpy.empty(shape, dtype)
    if data is not None and values.nbytes:
        values.reshape(-1).view(numpy.uint8)[:] = numpy.frombuffer(data, numpy.uint8)
    device = None
    if place is not None:
        device = next(d for d in jax.devices(place[0]) if d.id == place[1])
    made = jax.device_put(values, device)
    if weak:
        made.aval = made.aval.update(weak_type=True)
    if data is None:
        made.delete()
    return made


class JaxArrayKind(Kind):
    """Goes by value, unless it was there at the walk: then only whether it was given up is state."""

    name = "jax array"
    filled = True

    def visit(self, o: Any, walk: Walk) -> Children:
        if not o.is_deleted() and o.nbytes <= _LARGEST_MARKED and self._is_simple(o):
            from .containers import fingerprint

            walk.mark(fingerprint(bytes(self._values(o))))
        return ()

    def contents(self, o: Any, source: Source) -> Any:
        return bool(o.is_deleted())

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        if contents and not o.is_deleted():
            o.delete()
        elif o.is_deleted() and not contents:
            raise LayoutDiffers("A JAX array was given up that the checkpoint still holds.")

    @staticmethod
    def _device(o: Any) -> Any:
        return next(iter(o.sharding.device_set))

    @staticmethod
    def _is_simple(o: Any) -> bool:
        """Not spread over devices, and of whole bytes."""
        return len(o.sharding.device_set) == 1 and o.dtype.itemsize * o.size == o.nbytes

    def _values(self, o: Any) -> memoryview:
        """Its memory; through NumPy only from other devices: a view of it would keep it from being donated."""
        o.block_until_ready()
        if self._device(o).platform == "cpu" and o.nbytes:
            return memory.at(o.unsafe_buffer_pointer(), o.nbytes)
        numpy = sys.modules["numpy"]
        return memoryview(numpy.ascontiguousarray(o).reshape(-1).view(numpy.uint8))

    def reduce(self, o: Any, source: Source) -> Any:
        if not self._is_simple(o):
            return source.lose(o)
        return rebuild.jax_array, self.compared_by_value(o, source)

    def compared_by_value(self, o: Any, source: Source) -> Any:
        place = None
        if o.committed if hasattr(o, "committed") else o._committed:
            device = self._device(o)
            place = device.platform, device.id
        data = None
        if not o.is_deleted():
            source.keep(o)
            data = source.buffer(self._values(o))
        return data, o.dtype, o.shape, bool(o.weak_type), place


class JaxFunctionKind(Kind):
    """What `jax.jit` makes: its compiled programs are derived; the function inside is walked."""

    name = "compiled function"

    def children(self, o: Any) -> Children:
        wrapped = getattr(o, "__wrapped__", None)
        return () if wrapped is None else [(".__wrapped__", wrapped)]

    def reduce(self, o: Any, source: Source) -> Any:
        return o.__qualname__ if importable(o) else source.lose(o)

    def compared(self, o: Any, source: Source) -> Any:
        return [child for _, child in self.children(o)]


class TracerKind(Kind):
    """Stands for a value while a function is being traced; means nothing afterwards."""

    name = "tracer"

    def compared(self, o: Any, source: Source) -> Any:
        return None


_array, _function, _tracer = JaxArrayKind(), JaxFunctionKind(), TracerKind()


@rule
def _by_name(cls: type) -> Kind | None:
    for name in qualified_names(cls):
        module, _, own = name.rpartition(".")
        if own == "ArrayImpl" and module.startswith(("jaxlib.", "jax.")):
            return _array
        if own == "PjitFunction" and module.startswith("jaxlib."):
            return _function
        if name == "jax._src.core.Tracer":
            return _tracer
    return None
