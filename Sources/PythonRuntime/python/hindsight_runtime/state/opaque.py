"""Objects that stay what the re-run program made: locks, threads, loggers, trackers, compiled things."""

from __future__ import annotations

import enum
import gc
import struct
import threading
import types
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Callable

from . import rebuild
from .classify import mro, qualified_names, register, rule
from .kinds import Children, Constant, Kind, Reference

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk

#: Top-level modules whose instances are the world outside, not the program's state.
OUTSIDE = {
    "logging", "multiprocessing", "concurrent", "asyncio", "socket", "_socket", "ssl", "_ssl", "subprocess",
    "select", "selectors", "signal", "tensorboard", "tensorboardX", "tensorboard_logger", "wandb", "mlflow",
    "comet_ml", "neptune", "clearml", "aim", "tqdm", "matplotlib", "rich", "importlib", "_frozen_importlib",
    "_frozen_importlib_external", "zipimport", "mmap", "ctypes", "_ctypes", "contextvars", "_contextvars",
    "sqlite3", "hindsight_runtime", "inspect", "ast", "_ast", "traceback", "typing", "sys", "_csv", "_struct",
    "http", "urllib3", "requests", "ray", "dask", "distributed", "triton", "pdb", "IPython", "ipykernel",
}  # fmt: skip

#: Packages within libraries that are otherwise walked.
OUTSIDE_WITHIN = (
    "torch.utils.tensorboard.", "torch.distributed.", "torch.multiprocessing.", "torch._dynamo.",
    "torch._inductor.", "torch.profiler.", "torch.autograd.profiler.", "torch._ops.", "torch.fx.",
    "torch.cuda.streams.", "torch.cuda.graphs.",
)  # fmt: skip

#: Immutable values of the standard library.
CONSTANTS = {
    "datetime", "_pydatetime", "decimal", "_decimal", "_pydecimal", "fractions", "pathlib", "pathlib._local",
    "uuid", "zoneinfo", "ipaddress",
}  # fmt: skip

#: Single types that are immutable or compared by identity.
CONSTANT_TYPES = {
    "torch.dtype", "torch.device", "torch.Size", "torch.layout", "torch.memory_format", "numpy.dtype",
    "operator.itemgetter", "operator.attrgetter", "operator.methodcaller", "re.Pattern",
}  # fmt: skip


class LockKind(Kind):
    """A lock made since the walk is made anew, free, unless it is held."""

    name = "lock"
    filled = True

    def __init__(self, make: Any) -> None:
        self._make = make

    def contents(self, o: Any, source: Source) -> Any:
        return o.locked() if hasattr(o, "locked") else o._is_owned()

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        if contents and not self.contents(o, None):  # type: ignore[arg-type]
            o.acquire(False)
        elif not contents and self.contents(o, None):  # type: ignore[arg-type]
            o.release()

    def reduce(self, o: Any, source: Source) -> Any:
        return source.lose(o) if self.contents(o, source) else (self._make, ())


class OutsideKind(Kind):
    """A new object of the outside is lost, unless it says how it is found again (as loggers do)."""

    name = "outside"

    def reduce(self, o: Any, source: Source) -> Any:
        findable = type(o).__module__ in ("logging", "typing", "inspect", "ast", "_ast", "_struct")
        return source.own_reduce(o) if findable else source.lose(o)

    def compared(self, o: Any, source: Source) -> Any:
        return None


class RemadeKind(Kind):
    """An object without state that is made again from what it shows of itself."""

    name = "remade"

    def __init__(self, arguments: Callable[[Any], tuple[Any, ...]]) -> None:
        self._arguments = arguments

    def reduce(self, o: Any, source: Source) -> Any:
        return type(o), self._arguments(o)

    def compared(self, o: Any, source: Source) -> Any:
        return self._arguments(o)


class ViewKind(Kind):
    """A view of a dictionary: of its keys, values, items, or as a read-only mapping."""

    name = "view"

    @staticmethod
    def _whole(o: Any) -> Any:
        return gc.get_referents(o)[0]

    def children(self, o: Any) -> Children:
        return [(".mapping", self._whole(o))]

    def reduce(self, o: Any, source: Source) -> Any:
        return rebuild.view, (self._whole(o), type(o).__name__.rpartition("_")[2])

    def compared(self, o: Any, source: Source) -> Any:
        return (self._whole(o),)


class TorchConstantKind(Kind):
    """Constants of torch that only their names tell."""

    name = "torch constant"

    def reduce(self, o: Any, source: Source) -> Any:
        return rebuild.torch_constant, (str(o),)

    def compared(self, o: Any, source: Source) -> Any:
        return str(o)


class EnumKind(Reference):
    """Members of enumerations are found by their value."""

    name = "member"

    def compared(self, o: Any, source: Source) -> Any:
        return o._name_


register(LockKind(rebuild.lock), type(threading.Lock()))
register(LockKind(rebuild.rlock), type(threading.RLock()))
register(
    OutsideKind(),
    threading.Thread,
    threading.Timer,
    types.FrameType,
    types.TracebackType,
    types.CodeType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    memoryview,
)
register(RemadeKind(lambda o: (o.format,)), struct.Struct)
register(
    ViewKind(),
    types.MappingProxyType,
    *(type(view) for d in ({}, OrderedDict()) for view in (d.keys(), d.values(), d.items())),
)

_constant, _outside, _member = Constant(), OutsideKind(), EnumKind()


#: Whatever module they are from, these hold what is trained.
_NEVER_OUTSIDE = ("torch.nn.modules.module.Module", "torch.optim.optimizer.Optimizer")

_NAMED: dict[str, Kind] = {
    "random.SystemRandom": RemadeKind(lambda o: ()),
    "torch.finfo": TorchConstantKind(),
    "torch.iinfo": TorchConstantKind(),
    "torch.qscheme": TorchConstantKind(),
    "re.Match": _outside,
}


@rule
def _by_name(cls: type) -> Kind | None:
    names = qualified_names(cls)
    if enum.Enum in mro(cls):
        return _member
    own = names[0]
    module = own[: -len(cls.__qualname__) - 1]
    if own in _NAMED:
        return _NAMED[own]
    if own == "subprocess.CompletedProcess" or any(name in _NEVER_OUTSIDE for name in names):
        return None
    if own in CONSTANT_TYPES or module in CONSTANTS:
        return _constant
    if any(name in ("numpy.dtype", "numpy.generic", "pathlib.PurePath") for name in names):
        return _constant
    if any(name == "pathlib._local.PurePath" for name in names):
        return _constant
    if own.split(".")[0] in OUTSIDE or own.startswith(OUTSIDE_WITHIN):
        return _outside
    return None
