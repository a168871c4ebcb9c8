"""Facts of this process that decide the bits of a run besides its program."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from types import ModuleType
from typing import Any, Optional

#: Variables that change what numerical libraries compute, by prefix.
VARIABLES = (
    "OMP_",
    "GOMP_",
    "KMP_",
    "MKL_",
    "OPENBLAS_",
    "GOTO_",
    "BLIS_",
    "VECLIB_",
    "NUMEXPR_",
    "NUMBA_",
    "DNNL_",
    "ONEDNN_",
    "NPY_",
    "ATEN_",
    "CUBLAS_",
    "CUDNN_",
    "CUDA_",
    "NVIDIA_TF32_OVERRIDE",
    "XLA_",
    "JAX_",
    "TORCH_",
    "PYTORCH_",
    "LD_PRELOAD",
)

#: Between the values that a fact had one after the other.
THEN = ", then "


class Facts:
    """The fingerprint: what was seen of every fact, in the order of its values.

    Recording and replay look at the same places of the program (its first log record, its first loop, every
    checkpoint, its end), so the first values must be equal, and a replay that ends earlier or jumps sees
    only values that the recording saw. Flags that only the program's own code sets are no facts: they are
    part of its state.
    """

    def __init__(self) -> None:
        self._seen: dict[str, list[Any]] = {}
        self._told: dict[str, Any] = {}
        self._libraries = _Libraries()
        # As the process was started with them: what code sets later, the same code sets again.
        self._constant = _machine_facts()
        for name, value in os.environ.items():
            if name.startswith(VARIABLES):
                self._constant[f"env.{name}"] = value

    def news(self) -> Optional[dict[str, Any]]:
        """All facts, if there are others than those given before. Imports nothing."""
        for name, value in self._current().items():
            values = self._seen.setdefault(name, [])
            if value not in values:
                values.append(value)
        facts = {
            name: values[0] if len(values) == 1 else THEN.join(map(str, values))
            for name, values in self._seen.items()
        }
        if facts == self._told:
            return None
        self._told = facts
        return facts

    @property
    def are_told(self) -> bool:
        return bool(self._told)

    def _current(self) -> dict[str, Any]:
        result = dict(self._constant)
        # Numerical libraries derive their number of threads from it.
        has_affinity = hasattr(os, "sched_getaffinity")
        result["cpu.count"] = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count()
        result.update(self._libraries.versions())
        torch = sys.modules.get("torch")
        if torch is not None and hasattr(torch, "get_num_threads"):
            try:
                result.update(_torch_facts(torch))
            except Exception as error:  # a half-imported torch
                result["torch.unknown"] = type(error).__name__
        return result


class _Libraries:
    """The versions of the installed packages that the program has loaded."""

    def __init__(self) -> None:
        self._versions: dict[str, str] = {}
        self._examined: set[str] = set()
        #: How many modules there were the last time, the newest, and which of them were half-imported.
        self._mark = (0, "")
        self._unfinished: list[str] = []
        #: By folder of installed packages, what their metadata folders say.
        self._installed: dict[str, dict[str, str]] = {}

    def versions(self) -> dict[str, str]:
        # This is asked at every checkpoint, and there are thousands.
        mark = len(sys.modules), next(reversed(sys.modules), "")
        names = self._unfinished if mark == self._mark else list(sys.modules)
        self._mark, self._unfinished = mark, []
        for name in names:
            module = sys.modules.get(name)
            if "." in name or name in self._examined or not isinstance(module, ModuleType):
                continue
            if getattr(module.__spec__, "_initializing", False):
                self._unfinished.append(name)
                continue  # its version may be missing yet
            self._examined.add(name)
            version = self._version(name, vars(module))
            if version is not None:
                self._versions[f"library.{name}"] = version
        return self._versions

    def _version(self, name: str, attributes: dict[str, Any]) -> Optional[str]:
        file = attributes.get("__file__")
        if not isinstance(file, str) or not ("site-packages" in file or "dist-packages" in file):
            return None
        # Not through `getattr`: some packages compute attributes, or warn, when they are asked.
        version = attributes.get("__version__")
        if isinstance(version, str):
            return str(version)
        folder = os.path.dirname(file)
        if os.path.basename(file).startswith("__init__."):
            folder = os.path.dirname(folder)
        if folder not in self._installed:
            self._installed[folder] = _installed_versions(folder)
        return self._installed[folder].get(name.lower())


def _installed_versions(folder: str) -> dict[str, str]:
    result = {}
    try:
        for entry in os.listdir(folder):
            if entry.endswith(".dist-info"):
                name, _, version = entry[: -len(".dist-info")].partition("-")
                result[name.lower().replace("-", "_")] = version
    except OSError:
        pass
    return result


def _machine_facts() -> dict[str, Any]:
    result: dict[str, Any] = {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "machine": platform.machine(),
        "optimize": sys.flags.optimize,
        # Differs wherever the seed of strings' hashes does.
        "hash": hash("hindsight") & 0xFFFFFFFF,
        **_cpu_facts(),
    }
    try:
        # The C library's `exp` and `sin` are everybody's.
        result["libc"] = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):
        pass
    return result


def _torch_facts(torch: Any) -> dict[str, Any]:
    result: dict[str, Any] = {
        "torch.threads": torch.get_num_threads(),
        "torch.threads.interop": torch.get_num_interop_threads(),
        "torch.cpu": torch.backends.cpu.get_cpu_capability(),
        "torch.mkldnn": bool(torch.backends.mkldnn.is_available()),
    }
    cuda = sys.modules.get("torch.cuda")
    if cuda is not None and cuda.is_initialized():
        result["torch.cuda"] = str(torch.version.cuda)
        result["torch.cudnn"] = str(torch.backends.cudnn.version())
        result["torch.cuda.devices"] = ", ".join(
            cuda.get_device_name(i) for i in range(cuda.device_count())
        )
    return result


def _cpu_facts() -> dict[str, str]:
    """The processor, and a digest of its feature flags: libraries choose their kernels by both."""
    result = {"cpu.flags": "unknown"}
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            for line in file:
                name, _, value = (part.strip() for part in line.partition(":"))
                if name == "model name":
                    result["cpu.model"] = value
                elif name in ("flags", "Features"):
                    digest = hashlib.sha256(" ".join(sorted(value.split())).encode())
                    result["cpu.flags"] = digest.hexdigest()[:16]
                    break
    except OSError:
        pass
    return result


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
        cuda = sys.modules.get("torch.cuda")
        if cuda is not None and cuda.is_initialized():
            for generator in cuda.default_generators:
                digest.update(generator.get_state().numpy().tobytes())
    return digest.hexdigest()
