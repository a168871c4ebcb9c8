"""State that no variable reaches: random generators and the flags that change results.

Looks only at libraries which the program has imported.
"""

from __future__ import annotations

import sys
from typing import Any, Callable

from . import settings
from .tensors import bytes_of_tensor, tensor_of_bytes

State = dict[str, Any]


def read() -> State:
    """All hidden state, as plain values by name."""
    state: State = settings.read()
    random = sys.modules.get("random")
    if hasattr(random, "getstate"):
        state["random"] = random.getstate()  # type: ignore[union-attr]
    names = _names_of_files()
    if names is not None:
        state["tempfile.random"] = names.getstate()
    numpy = sys.modules.get("numpy")
    if "numpy.random" in sys.modules and hasattr(numpy, "random"):
        state["numpy.random"] = _numpy_state(numpy)
    if hasattr(numpy, "geterr"):
        state["numpy.errors"] = numpy.geterr()  # type: ignore[union-attr]
    torch = _torch()
    if torch is not None:
        state["torch.random"] = bytes_of_tensor(torch.get_rng_state())
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            for device in range(torch.cuda.device_count()):
                state[f"torch.random.cuda:{device}"] = bytes_of_tensor(
                    torch.cuda.get_rng_state(device)
                )
        for name, (get, _) in _flags(torch).items():
            try:
                state[name] = get()
            except Exception:
                continue  # a flag that this release of torch does not have
    return state


def write(state: State) -> None:
    """Puts hidden state back, touching only what differs."""
    torch = _torch()
    live = read()
    for name, value in state.items():
        if name in live and same(live[name], value) or settings.write(name, value):
            continue
        if name == "random":
            import random

            random.setstate(value)
        elif name == "tempfile.random":
            names = _names_of_files()
            if names is not None:
                names.setstate(value)
        elif name == "numpy.random":
            _set_numpy_state(sys.modules["numpy"], value)
        elif name == "numpy.errors":
            sys.modules["numpy"].seterr(**value)
        elif torch is None:
            continue
        elif name == "torch.random":
            torch.set_rng_state(tensor_of_bytes(value))
        elif name.startswith("torch.random.cuda:"):
            torch.cuda.set_rng_state(tensor_of_bytes(value), int(name.rpartition(":")[2]))
        else:
            flags = _flags(torch)
            if name in flags:
                flags[name][1](value)


def difference(state: State, live: State) -> str | None:
    """The first name whose live state is not the recorded one."""
    for name in state:
        if name not in live:
            if settings.is_setting(name):
                continue  # the replay has not come to need its module
            return f"{name}: recorded, and absent from the replay"
        if not same(live[name], state[name]):
            what = (
                "generator states differ"
                if "random" in name
                else _contrast(live[name], state[name])
            )
            return f"{name}: {what}"
    return None


def _contrast(live: Any, recorded: Any) -> str:
    return f"{live!r} in the replay, {recorded!r} in the recording"


def same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and one == other)


def _names_of_files() -> Any:
    """The generator out of which `tempfile` makes names, if it made any."""
    sequence = getattr(sys.modules.get("tempfile"), "_name_sequence", None)
    return getattr(sequence, "_rng", None)


def _torch() -> Any:
    """torch, if its import is complete."""
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "get_rng_state") and hasattr(torch, "cuda") else None


def _numpy_state(numpy: Any) -> Any:
    """The legacy global generator, arrays as bytes."""
    state = dict(numpy.random.get_state(legacy=False))
    inner = dict(state["state"])
    for name, value in inner.items():
        if hasattr(value, "tobytes"):
            inner[name] = (value.dtype.str, value.tobytes())
    state["state"] = inner
    return state


def _set_numpy_state(numpy: Any, state: Any) -> None:
    restored = dict(state)
    inner = dict(state["state"])
    for name, value in inner.items():
        if type(value) is tuple:
            inner[name] = numpy.frombuffer(value[1], dtype=value[0])
    restored["state"] = inner
    numpy.random.set_state(restored)


def _flags(torch: Any) -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """Getter and setter of every flag that changes bits. Internal names: the public ones may warn when read."""
    c = torch._C
    return {
        "torch.default_dtype": (
            lambda: str(torch.get_default_dtype()),
            lambda value: torch.set_default_dtype(getattr(torch, value.partition(".")[2])),
        ),
        "torch.grad_enabled": (torch.is_grad_enabled, torch._C._set_grad_enabled),
        "torch.num_threads": (torch.get_num_threads, torch.set_num_threads),
        "torch.deterministic": (
            lambda: (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
            lambda value: c._set_deterministic_algorithms(value[0], warn_only=value[1]),
        ),
        "torch.fill_uninitialized": (
            c._get_deterministic_fill_uninitialized_memory,
            c._set_deterministic_fill_uninitialized_memory,
        ),
        "torch.mkldnn": (c._get_mkldnn_enabled, c._set_mkldnn_enabled),
        "torch.cudnn.enabled": (c._get_cudnn_enabled, c._set_cudnn_enabled),
        "torch.cudnn.benchmark": (c._get_cudnn_benchmark, c._set_cudnn_benchmark),
        "torch.cudnn.deterministic": (c._get_cudnn_deterministic, c._set_cudnn_deterministic),
        "torch.cudnn.allow_tf32": (c._get_cudnn_allow_tf32, c._set_cudnn_allow_tf32),
        "torch.float32_matmul_precision": (
            c._get_float32_matmul_precision,
            c._set_float32_matmul_precision,
        ),
        "torch.autocast.cpu": (
            lambda: torch.is_autocast_enabled("cpu"),
            lambda value: torch.set_autocast_enabled("cpu", value),
        ),
        "torch.autocast.cuda": (
            lambda: torch.is_autocast_enabled("cuda"),
            lambda value: torch.set_autocast_enabled("cuda", value),
        ),
    }
