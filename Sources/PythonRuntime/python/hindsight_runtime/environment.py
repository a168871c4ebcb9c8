"""Facts of this process that decide the bits of a run besides its program."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from typing import Any

#: Installed packages whose version is a fact, by module name.
PACKAGES = ("torch", "numpy", "scipy", "sklearn", "jax", "jaxlib", "pandas", "torchvision", "optax")

#: Variables that change what numerical libraries compute, by prefix.
VARIABLES = (
    "OMP_",
    "MKL_",
    "OPENBLAS_",
    "BLIS_",
    "DNNL_",
    "ONEDNN_",
    "KMP_",
    "NPY_",
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_TF32_OVERRIDE",
    "XLA_FLAGS",
    "JAX_ENABLE_X64",
    "TORCH_",
    "PYTORCH_",
)


def facts() -> dict[str, Any]:
    """The fingerprint as far as the program has loaded what it depends on; imports nothing."""
    result: dict[str, Any] = {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "machine": platform.machine(),
        "cpu.flags": _cpu_flags(),
        "hash.randomization": sys.flags.hash_randomization,
        "optimize": sys.flags.optimize,
        # Numerical libraries derive their number of threads from it.
        "cpu.count": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }
    for name in PACKAGES:
        module = sys.modules.get(name)
        version = getattr(module, "__version__", None)
        if isinstance(version, str):
            result[name] = str(version)
    for name, value in os.environ.items():
        if name.startswith(VARIABLES):
            result[f"env.{name}"] = value
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads"):
        try:
            result.update(_torch_facts(torch))
        except Exception as error:  # a half-imported torch
            result["torch.unknown"] = type(error).__name__
    return result


def _torch_facts(torch: Any) -> dict[str, Any]:
    result: dict[str, Any] = {
        "torch.threads": torch.get_num_threads(),
        "torch.cpu": torch.backends.cpu.get_cpu_capability(),
        "torch.mkldnn": bool(torch.backends.mkldnn.enabled),
    }
    cuda = sys.modules.get("torch.cuda")
    if cuda is not None and cuda.is_initialized():
        result["torch.cuda"] = str(torch.version.cuda)
        result["torch.cuda.devices"] = ", ".join(
            cuda.get_device_name(i) for i in range(cuda.device_count())
        )
    return result


def _cpu_flags() -> str:
    """A digest of the processor's feature flags: libraries choose their kernels by them."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith(("flags", "Features")):
                    flags = sorted(line.partition(":")[2].split())
                    return hashlib.sha256(" ".join(flags).encode()).hexdigest()[:16]
    except OSError:
        pass
    return "unknown"


def random_digest() -> str:
    """A digest of the shared random generators' states, of those that are loaded."""
    digest = hashlib.sha256()
    random, numpy, torch = (sys.modules.get(n) for n in ("random", "numpy.random", "torch"))
    if random is not None:
        digest.update(repr(random.getstate()).encode())
    if numpy is not None and hasattr(numpy, "get_state"):
        name, keys, *rest = numpy.get_state()
        digest.update(keys.tobytes() + repr(rest).encode())
    if torch is not None and hasattr(torch, "get_rng_state"):
        digest.update(torch.get_rng_state().numpy().tobytes())
    return digest.hexdigest()
