"""State that no variable reaches: random generators and the flags that change results.

Looks only at libraries which the program has imported.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, Callable

from . import devices, settings
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
        cuda = devices.started()
        if cuda is not None:
            state["torch.cuda.device"] = cuda.current_device()
            for device, generator in enumerate(devices.generators()):
                state[f"torch.random.cuda:{device}"] = bytes_of_tensor(generator.get_state())
        for name, (get, _) in _flags(torch).items():
            try:
                state[name] = get()
            except Exception:
                continue  # a flag that this release of torch does not have
    return state


def write(state: State) -> None:
    """Puts hidden state back, touching only what differs."""
    if _write(state):
        _write(state)  # some flags of torch set others, too


def _write(state: State) -> bool:
    """Whether anything was different."""
    torch = _torch()
    live = read()
    differing = {n: x for n, x in state.items() if n not in live or not same(live[n], x)}
    for name, value in differing.items():
        if settings.write(name, value):
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
        elif name == "torch.cuda.device":
            torch.cuda.set_device(value)
        elif name.startswith("torch.random.cuda:"):
            torch.cuda.set_rng_state(tensor_of_bytes(value), int(name.rpartition(":")[2]))
        else:
            flags = _flags(torch)
            if name in flags:
                flags[name][1](value)
    return bool(differing)


#: What a process takes from where it runs: names of sockets and temporary files in variables, say.
OF_SURROUNDINGS = ("environment",)


def difference(state: State, live: State) -> tuple[str, str] | None:
    """The first name whose live state is not the recorded one, those of the surroundings last; and a line for people."""
    for name in sorted(state, key=OF_SURROUNDINGS.__contains__):
        if name not in live:
            if settings.is_setting(name):
                continue  # the replay has not come to need its module
            return name, f"{name}: recorded, and absent from the replay"
        recorded = settings.without_own(state[name]) if name == "environment" else state[name]
        if not same(live[name], recorded):
            what = (
                "generator states differ"
                if "random" in name
                else _contrast(live[name], recorded)
            )
            return name, f"{name}: {what}"
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


def lost() -> list[str]:
    """What decides how the program goes on and can be neither read nor set."""
    torch = _torch()
    nesting = getattr(torch, "autocast_increment_nesting", None)
    if nesting is None or not torch.is_autocast_cache_enabled():
        return []
    depth = nesting() - 1
    torch.autocast_decrement_nesting()
    # Within autocast, weights that it has cast are kept, and used even if the weights have changed since.
    return ["weights that autocast has cast"] if depth else []


#: Flags that change bits, with the getters and setters in `torch._C`: the public ones may warn when read.
_PLAIN_FLAGS = {
    "torch.fill_uninitialized": (
        "_get_deterministic_fill_uninitialized_memory",
        "_set_deterministic_fill_uninitialized_memory",
    ),
    "torch.mkldnn": ("_get_mkldnn_enabled", "_set_mkldnn_enabled"),
    "torch.cudnn.enabled": ("_get_cudnn_enabled", "_set_cudnn_enabled"),
    "torch.cudnn.benchmark": ("_get_cudnn_benchmark", "_set_cudnn_benchmark"),
    "torch.cudnn.deterministic": ("_get_cudnn_deterministic", "_set_cudnn_deterministic"),
    "torch.cudnn.allow_tf32": ("_get_cudnn_allow_tf32", "_set_cudnn_allow_tf32"),
    "torch.float32_matmul_precision": ("_get_float32_matmul_precision", "_set_float32_matmul_precision"),
    "torch.cublas.allow_tf32": ("_get_cublas_allow_tf32", "_set_cublas_allow_tf32"),
    "torch.cublas.fp16_accumulation": (
        "_get_cublas_allow_fp16_accumulation",
        "_set_cublas_allow_fp16_accumulation",
    ),
    "torch.sdp.flash": ("_get_flash_sdp_enabled", "_set_sdp_use_flash"),
    "torch.sdp.fa3": ("_get_fa3_sdp_enabled", "_set_sdp_use_fa3"),
    "torch.sdp.mem_efficient": ("_get_mem_efficient_sdp_enabled", "_set_sdp_use_mem_efficient"),
    "torch.sdp.math": ("_get_math_sdp_enabled", "_set_sdp_use_math"),
    "torch.sdp.cudnn": ("_get_cudnn_sdp_enabled", "_set_sdp_use_cudnn"),
    "torch.sdp.overrideable": ("_get_overrideable_sdp_enabled", "_set_sdp_use_overrideable"),
    "torch.sdp.math_reduced": (
        "_get_math_sdp_allow_fp16_bf16_reduction",
        "_set_math_sdp_allow_fp16_bf16_reduction",
    ),
    "torch.sdp.order": ("_get_sdp_priority_order", "_set_sdp_priority_order"),
}

#: Where a precision of its own can be set, from the widest on: a wider one is the default of a narrower.
_PRECISIONS = [
    ("generic", "all"),
    *((backend, part) for backend in ("cuda", "mkldnn") for part in ("all", "matmul", "conv", "rnn")),
]


def _flags(torch: Any) -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """Getter and setter of every flag that changes bits and that this release of torch has."""
    c = torch._C
    flags: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
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
    }
    for name, (getter, setter) in _PLAIN_FLAGS.items():
        if hasattr(c, getter) and hasattr(c, setter):
            flags[name] = getattr(c, getter), getattr(c, setter)
    if hasattr(c, "_get_fp32_precision_getter") and hasattr(c, "_set_fp32_precision_setter"):
        for place in _PRECISIONS:
            flags[f"torch.fp32_precision.{'.'.join(place)}"] = (
                functools.partial(c._get_fp32_precision_getter, *place),
                functools.partial(c._set_fp32_precision_setter, *place),
            )
    for device in ("cpu", "cuda"):
        flags.update(_autocast_flags(torch, device))
    return flags


def _autocast_flags(
    torch: Any, device: str
) -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    return {
        f"torch.autocast.{device}": (
            lambda: torch.is_autocast_enabled(device),
            lambda value: torch.set_autocast_enabled(device, value),
        ),
        f"torch.autocast.{device}.dtype": (
            lambda: str(torch.get_autocast_dtype(device)),
            lambda value: torch.set_autocast_dtype(device, getattr(torch, value.partition(".")[2])),
        ),
        "torch.autocast.cache": (
            lambda: torch.is_autocast_cache_enabled(),
            lambda value: torch.set_autocast_cache_enabled(value),
        ),
    }
