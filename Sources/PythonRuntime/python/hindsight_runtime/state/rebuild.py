"""What the pickled stream calls to make new objects: these names are part of the stored format."""

from __future__ import annotations

import _random
import array as array_module
import importlib
import io
import sys
import threading
import types
import weakref
from typing import Any

from .lost import Lost, Unset

__all__ = ["Lost", "Unset"]


def cell() -> types.CellType:
    return types.CellType()


def set_cell(o: types.CellType, state: Any) -> None:
    if state[0] is not Unset:
        o.cell_contents = state[0]


def module(name: str) -> types.ModuleType:
    return sys.modules.get(name) or importlib.import_module(name)


def standard_stream(name: str) -> Any:
    return getattr(sys, name)


def closed_file() -> io.TextIOWrapper:
    stand_in = io.TextIOWrapper(io.BytesIO())
    stand_in.close()
    return stand_in


def lock() -> Any:
    return threading.Lock()


def rlock() -> Any:
    return threading.RLock()


def finished_generator() -> types.GeneratorType:
    generator = (item for item in ())
    generator.close()
    return generator


def reference(target: Any) -> Any:
    return weakref.ref(target)


def dead_reference() -> Any:
    class Gone:
        pass

    return weakref.ref(Gone())


def proxy(target: Any) -> Any:
    return weakref.proxy(target)


def dead_proxy() -> Any:
    class Gone:
        pass

    return weakref.proxy(Gone())


def instance(cls: type, *arguments: Any) -> Any:
    """An instance without its `__init__`; its state comes by `set_instance`."""
    from .instances import layout_of

    return layout_of(cls).make(cls, *arguments)


def set_instance(o: Any, state: Any) -> None:
    from .instances import layout_of

    layout_of(type(o)).adopt(o, state)


def function(
    code: Any, namespace: str, name: str, qualname: str, closure: tuple[Any, ...] | None
) -> types.FunctionType:
    from .functions import code_for

    module_dict = module(namespace).__dict__
    made = types.FunctionType(code_for(code, namespace, qualname), module_dict, name, None, closure)
    made.__qualname__ = qualname
    return made


def set_function(o: types.FunctionType, state: Any) -> None:
    o.__defaults__, o.__kwdefaults__, attributes, o.__doc__, o.__module__ = state
    if attributes:
        o.__dict__.update(attributes)


def method(function: Any, owner: Any) -> types.MethodType:
    return types.MethodType(function, owner)


def exception(cls: type, arguments: tuple[Any, ...]) -> BaseException:
    return cls.__new__(cls, *arguments)


def set_exception(o: BaseException, state: Any) -> None:
    from .instances import fill_exception

    fill_exception(o, state)


def array(buffer: Any, dtype: Any, shape: Any, strides: Any, writable: bool) -> Any:
    from . import arrays

    return arrays.make_array(buffer, dtype, shape, strides, writable)


def object_array(items: list[Any], shape: Any, fortran: bool, writable: bool) -> Any:
    from . import arrays

    return arrays.make_objects(items, shape, fortran, writable)


def array_view(
    owner: Any, dtype: Any, shape: Any, strides: Any, offset: int, writable: bool
) -> Any:
    from . import arrays

    return arrays.make_view(owner, dtype, shape, strides, offset, writable)


def jax_array(data: Any, dtype: Any, shape: Any, weak: bool, place: Any) -> Any:
    from . import jaxarrays

    return jaxarrays.make_array(data, dtype, shape, weak, place)


def storage(buffer: Any, size: int, device: str) -> Any:
    from . import tensors

    return tensors.make_storage(buffer, size, device)


def bare_storage(storage: Any, dtype: Any) -> Any:
    if dtype is None:
        return storage.block
    torch = sys.modules["torch"]
    return torch.storage.TypedStorage(wrap_storage=storage.block, dtype=dtype, _internal=True)


def tensor(*arguments: Any) -> Any:
    from . import tensors

    return tensors.make_tensor(*arguments)


def set_tensor(o: Any, state: Any) -> None:
    from . import tensors

    tensors.set_tensor(o, state)


def generator(device: str, state: bytes) -> Any:
    from . import tensors

    return tensors.make_generator(device, state)


def random_generator(cls: type, state: Any, attributes: dict[str, Any]) -> Any:
    made: Any = _random.Random.__new__(cls)
    _random.Random.setstate(made, state)
    made.__dict__.update(attributes)
    return made


def machine_array(typecode: str, data: bytes) -> Any:
    return array_module.array(typecode, data)


def memory_file(cls: type, state: Any) -> Any:
    made = cls()
    if state is None:
        made.close()
    else:
        made.__setstate__(state)
    return made


def weak_container(cls: type) -> Any:
    return cls()


def set_weak_container(o: Any, state: Any) -> None:
    from .classify import kind_of

    kind_of(type(o)).fill(o, state, None)  # type: ignore[arg-type]


def view(mapping: Any, what: str) -> Any:
    return types.MappingProxyType(mapping) if what == "mappingproxy" else getattr(mapping, what)()


def torch_constant(text: str) -> Any:
    """`torch.per_tensor_affine`, or `finfo(…, dtype=float32)`."""
    torch = sys.modules["torch"]
    if text.startswith("torch."):
        return getattr(torch, text.rpartition(".")[2])
    return getattr(torch, text.partition("(")[0])(
        getattr(torch, text.rpartition("dtype=")[2].rstrip(")"))
    )
