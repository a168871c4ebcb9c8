"""Kinds for torch's tensors, their storages and its generators."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from . import memory, rebuild
from .classify import mro, qualified_names, register, rule
from .kinds import ATOMS, Children, Kind

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk


def _torch() -> Any:
    return sys.modules["torch"]


class Storage:
    """A block of memory that tensors look into: the unit of copying, so that aliases stay aliases."""

    __slots__ = ("block",)

    def __init__(self, block: Any) -> None:
        self.block = block


def storage_of(tensor: Any) -> Any:
    try:
        return tensor.untyped_storage()
    except AttributeError:  # torch 1
        return tensor.storage().untyped()


def block_behind(o: Any) -> Any:
    """The memory of a tensor, or of a storage that the program holds itself."""
    if hasattr(o, "untyped_storage"):
        return o.untyped_storage()
    return storage_of(o) if hasattr(o, "storage_offset") else getattr(o, "_untyped_storage", o)


class _WeakIdentity:
    """Lets a block's memory go, but not its identity to another block."""

    __slots__ = ("_reference", "_free")

    def __init__(self, block: Any) -> None:
        self._reference = block._weak_ref()
        self._free = type(block)._free_weak_ref

    def __del__(self) -> None:
        self._free(self._reference)


def weak_identity(block: Any) -> Any:
    weak = hasattr(block, "_weak_ref") and hasattr(type(block), "_free_weak_ref")
    return _WeakIdentity(block) if weak else block


def data_of(block: Any, source: Source) -> Any:
    """The bytes of a storage: its own memory, or a copy where it lies on a device."""
    device = block.device.type
    if device != "cpu":
        block = block.cpu()
    source.keep(block)
    return source.buffer(memory.at(block.data_ptr(), block.nbytes()))


def make_storage(buffer: Any, size: int, device: str) -> Storage:
    block = _torch().UntypedStorage(size)
    if size:
        memory.at(block.data_ptr(), size, True)[:] = memory.as_bytes(buffer)
    if device != "cpu":
        moved = _torch().UntypedStorage(size, device=device)
        moved.copy_(block)
        block = moved
    return Storage(block)


class StorageKind(Kind):
    """Filled by `capture` and `restore` themselves, and only where some captured tensor looks into it."""

    name = "storage"

    def contents(self, o: Any, source: Source) -> Any:
        return data_of(o.block, source), o.block.nbytes(), str(o.block.device)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        buffer, size, device = contents
        block = o.block
        if block is None or str(block.device) != device:
            walk.adopt(o, make_storage(buffer, size, device).block)
            return
        if block.nbytes() != size:
            block.resize_(size)
        if not size:
            return
        if block.device.type == "cpu":
            memory.put(block.data_ptr(), size, buffer)
        else:
            block.copy_(make_storage(buffer, size, "cpu").block)

    def reduce(self, o: Any, source: Source) -> Any:
        block = o.block
        return rebuild.storage, (data_of(block, source), block.nbytes(), str(block.device))

    def compared(self, o: Any, source: Source) -> Any:
        return data_of(o.block, source), o.block.nbytes(), str(o.block.device)


def strided(tensor: Any) -> bool:
    """Whether the tensor is a plain window on a storage."""
    torch = _torch()
    if tensor.layout is not torch.strided or tensor.device.type == "meta":
        return False
    if tensor.is_quantized or tensor.is_conj() or tensor.is_neg() or tensor.is_nested:
        return False
    try:
        return storage_of(tensor).data_ptr() != 0 or tensor.numel() == 0
    except (RuntimeError, NotImplementedError):
        return False  # a wrapper around other tensors


class TensorKind(Kind):
    """Leaves are filled in place. Results of operations, whose graph cannot be stored, go by value."""

    name = "tensor"
    filled = True

    def __init__(self, cls: type) -> None:
        names = qualified_names(cls)
        own = next(n for n, c in zip(names, mro(cls)) if "__reduce_ex__" in c.__dict__)
        self.rebuildable = own in _OWN_CLASSES

    def travels(self, o: Any) -> bool:
        # Walking must not keep an autograd graph alive.
        return not o.is_leaf or not strided(o)

    def visit(self, o: Any, walk: Walk) -> Children:
        walk.number_storage(storage_of(o))
        return self.children(o)

    def children(self, o: Any) -> Children:
        # Gradients are not numbered: they come and go, and their memory must not be kept.
        attributes = o.__dict__
        return [(f".{n}", x) for n, x in attributes.items() if type(x) not in ATOMS]

    def _window(self, o: Any, source: Source) -> Any:
        return (
            source.storage(storage_of(o)), o.dtype, o.storage_offset(), tuple(o.shape), o.stride(),
            o.requires_grad,
        )  # fmt: skip

    def contents(self, o: Any, source: Source) -> Any:
        return (*self._window(o, source), o.grad, dict(o.__dict__))

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        storage, dtype, offset, shape, stride, requires_grad, gradient, attributes = contents
        same = (
            storage_of(o)._cdata == storage.block._cdata
            and o.dtype is dtype
            and o.storage_offset() == offset
            and tuple(o.shape) == shape
            and o.stride() == stride
        )
        if not same:
            o.data = _window_on(storage, dtype, offset, shape, stride)
        if o.requires_grad is not requires_grad:
            o.requires_grad_(requires_grad)
        if o.grad is not gradient:
            o.grad = None
            o.grad = gradient
        if o.__dict__ or attributes:
            o.__dict__.clear()
            o.__dict__.update(attributes)

    def reduce(self, o: Any, source: Source) -> Any:
        if not self.rebuildable or not strided(o):
            return source.own_reduce(o)
        graph = None
        if not o.is_leaf:
            source.detach(o)
            graph = type(o.grad_fn).__name__
        arguments = (type(o), *self._window(o, source), graph)
        gradient = o.grad if o.is_leaf else None
        state = (gradient, dict(o.__dict__)) if gradient is not None or o.__dict__ else None
        if state is None:
            return rebuild.tensor, arguments
        return rebuild.tensor, arguments, state, None, None, rebuild.set_tensor

    def compared(self, o: Any, source: Source) -> Any:
        if not strided(o):
            return source.reduced(o)
        leaf = o.is_leaf
        graph = None if leaf else type(o.grad_fn).__name__
        source.look(storage_of(o), *_span(o))
        return (*self._window(o, source), o.grad if leaf else None, dict(o.__dict__), graph)

    def recorded(self, o: Any, contents: Any, walk: Walk) -> Any:
        return (*contents, None)


_OWN_CLASSES = {
    "torch.Tensor", "torch._tensor.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer",
}  # fmt: skip


def _span(o: Any) -> tuple[int, int]:
    """The bytes of its storage between a tensor's first element and its last."""
    size = o.element_size()
    start = o.storage_offset() * size
    if not o.numel():
        return start, start
    return start, start + size * (1 + sum((n - 1) * step for n, step in zip(o.shape, o.stride())))


def _window_on(storage: Storage, dtype: Any, offset: int, shape: Any, stride: Any) -> Any:
    torch = _torch()
    empty = torch.empty(0, dtype=dtype, device=storage.block.device)
    return empty.set_(storage.block, offset, shape, stride)


def make_tensor(
    cls: type,
    storage: Storage,
    dtype: Any,
    offset: int,
    shape: Any,
    stride: Any,
    requires_grad: bool,
    graph: str | None,
) -> Any:
    torch = _torch()
    made = _window_on(storage, dtype, offset, shape, stride)
    if graph is not None:
        with torch.enable_grad():
            return _stand_in(graph).apply(made.requires_grad_())
    if cls is torch.Tensor:
        return made.requires_grad_() if requires_grad else made
    return torch.Tensor._make_subclass(cls, made, requires_grad)


def set_tensor(o: Any, state: Any) -> None:
    gradient, attributes = state
    if gradient is not None:
        o.grad = gradient
    o.__dict__.update(attributes)


_stand_ins: dict[str, Any] = {}


def _stand_in(name: str) -> Any:
    """An operation that looks like the one that made a recorded tensor and refuses to go backward."""
    made = _stand_ins.get(name)
    if made is None:

        def forward(context: Any, o: Any) -> Any:
            return o.detach()

        def backward(context: Any, *gradients: Any) -> Any:
            from .errors import LostStateUsed

            raise LostStateUsed(
                f"backward() reached a graph ({name}) that was built before the checkpoint and is not in it."
            )

        members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        made = type("BeforeCheckpoint", (_torch().autograd.Function,), members)
        made._backward_cls.__name__ = name
        _stand_ins[name] = made
    return made


class GeneratorKind(Kind):
    name = "random generator"
    filled = True

    def contents(self, o: Any, source: Source) -> Any:
        return _state_bytes(o)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        o.set_state(tensor_of_bytes(contents))

    def reduce(self, o: Any, source: Source) -> Any:
        return rebuild.generator, (str(o.device), _state_bytes(o))


def _state_bytes(generator: Any) -> bytes:
    return bytes_of_tensor(generator.get_state())


def bytes_of_tensor(tensor: Any) -> bytes:
    """Of a tensor of bytes on the CPU."""
    return bytes(memory.at(tensor.data_ptr(), tensor.numel()))


def tensor_of_bytes(data: bytes) -> Any:
    torch = _torch()
    made = torch.empty(len(data), dtype=torch.uint8, device="cpu")
    if data:
        memory.at(made.data_ptr(), len(data), True)[:] = data
    return made


def make_generator(device: str, state: bytes) -> Any:
    made = _torch().Generator(device)
    made.set_state(tensor_of_bytes(state))
    return made


class BareStorageKind(Kind):
    """A storage without a tensor around it."""

    name = "bare storage"

    @staticmethod
    def _block(o: Any) -> Any:
        return getattr(o, "_untyped_storage", o)

    def visit(self, o: Any, walk: Walk) -> Children:
        walk.number_storage(self._block(o))
        return ()

    def reduce(self, o: Any, source: Source) -> Any:
        block = self._block(o)
        return rebuild.bare_storage, (source.storage(block), None if block is o else o.dtype)

    def compared(self, o: Any, source: Source) -> Any:
        block = self._block(o)
        source.look(block, 0, block.nbytes())
        return (source.storage(block),)


register(StorageKind(), Storage)
_generator, _bare = GeneratorKind(), BareStorageKind()


@rule
def _by_name(cls: type) -> Kind | None:
    for name in qualified_names(cls):
        if name in ("torch.Tensor", "torch._tensor.Tensor"):
            return TensorKind(cls)
        if name == "torch._C.Generator":
            return _generator
        if name in (
            "torch.storage._StorageBase",
            "torch._C.StorageBase",
            "torch.storage.TypedStorage",
        ):
            return _bare
    return None
