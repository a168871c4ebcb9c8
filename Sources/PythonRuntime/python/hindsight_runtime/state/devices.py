"""GPUs, as far as the program uses any: waiting for them, their generators, and whether they compute alike twice.

Nothing here begins to use one: that costs memory, and a process that has begun cannot be forked any more.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Optional

from .errors import LayoutDiffers


def started() -> Optional[Any]:
    """The module `torch.cuda`, if the program has begun to use a GPU."""
    cuda = sys.modules.get("torch.cuda")
    is_initialized = getattr(cuda, "is_initialized", None)
    return cuda if is_initialized is not None and is_initialized() else None


def when_started(torch: Any, call: Callable[[], None]) -> None:
    """Calls back right after the program begins to use a GPU, before the seeds that it has asked for are set."""
    lazily = getattr(torch.cuda, "_lazy_call", None)
    if lazily is not None:
        lazily(call)


def settle() -> None:
    """Waits until everything is done that was asked of the GPUs, on whatever stream: until then they may write
    to their own memory and, behind a copy that nobody waited for, to the program's."""
    cuda = started()
    if cuda is None:
        return
    if cuda.is_current_stream_capturing():
        raise LayoutDiffers(
            "A CUDA graph is being captured, and nothing may wait for the GPU meanwhile."
        )
    has_context = getattr(sys.modules["torch"]._C, "_cuda_hasPrimaryContext", None)
    for device in range(cuda.device_count()):
        if has_context is None or has_context(device):  # waiting for an idle one would occupy it
            cuda.synchronize(device)


def generators() -> list[Any]:
    """Every GPU's own random generator."""
    cuda = sys.modules.get("torch.cuda")
    return list(getattr(cuda, "default_generators", ()))


def doubt() -> Optional[str]:
    """Why the same statements may give other bits the next time."""
    if started() is None:
        return None
    torch = sys.modules["torch"]
    if (
        not torch.are_deterministic_algorithms_enabled()
        or torch.is_deterministic_algorithms_warn_only_enabled()
    ):
        return (
            "the program computes on a GPU without `torch.use_deterministic_algorithms(True)`: what it computes "
            "differs from run to run"
        )
    if torch._C._get_cudnn_benchmark():
        return (
            "the program lets cuDNN choose algorithms by their speed (`torch.backends.cudnn.benchmark`): what it "
            "computes differs from run to run"
        )
    return None
