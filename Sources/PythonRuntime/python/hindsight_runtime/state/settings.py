"""Settings of the process and of libraries that a program may change while it runs, and that no variable reaches.

A setting is read as a plain value, compared by `==`, and set as a whole. Looks only at modules that are loaded.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any, Callable, Optional

from .. import baseline
from ..secretnames import is_secret
from .errors import LayoutDiffers

State = dict[str, Any]

_OPTIONS_OF_JAX = (
    *("jax_enable_x64", "jax_disable_jit", "jax_debug_nans", "jax_default_matmul_precision"),
    *("jax_numpy_dtype_promotion", "jax_threefry_partitionable", "jax_default_prng_impl"),
)


def read() -> State:
    state: State = {
        "recursion limit": sys.getrecursionlimit(),
        "current directory": _directory(),
        "environment": _changed_variables(),
    }
    for name, (module, get, _) in _SETTINGS.items():
        loaded = sys.modules.get(module)
        if loaded is not None:
            try:
                state[name] = get(loaded)
            except Exception:
                continue  # a release, or a half-loaded module, without it
    return state


def is_setting(name: str) -> bool:
    return name in _SETTINGS


def write(name: str, value: Any) -> bool:
    """Sets a setting; False where the name is none."""
    try:
        if name == "recursion limit":
            sys.setrecursionlimit(value)
        elif name == "current directory":
            if value is not None:
                os.chdir(value)
        elif name == "environment":
            _change_variables(value)
        elif name in _SETTINGS:
            module, _, put = _SETTINGS[name]
            put(importlib.import_module(module), value)
        else:
            return False
    except LayoutDiffers:
        raise
    except Exception as problem:
        raise LayoutDiffers(f"The {name} cannot be set as recorded: {problem}") from problem
    return True


def _directory() -> Optional[str]:
    try:
        return os.getcwd()
    except OSError:
        return None


def _changed_variables() -> dict[str, Optional[str]]:
    first, live = baseline.environment, dict(os.environ)
    if live == first:
        return {}
    changed: dict[str, Optional[str]] = {n: x for n, x in live.items() if first.get(n) != x}
    changed.update((name, None) for name in first if name not in live)
    # What is secret is in no checkpoint; where the program sets it before its loops, so does a replay.
    return without_own({n: x for n, x in changed.items() if not is_secret(n, x or first.get(n, ""))})


def without_own(changed: dict[str, Optional[str]]) -> dict[str, Optional[str]]:
    """Variables but for those that the replay set itself."""
    return {name: value for name, value in changed.items() if name not in baseline.own_variables}


def _change_variables(changed: dict[str, Optional[str]]) -> None:
    for name in _changed_variables().keys() - changed.keys():
        _set_variable(name, baseline.environment.get(name))
    for name, value in without_own(changed).items():
        _set_variable(name, value)


def _set_variable(name: str, value: Optional[str]) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


# Logging: levels are set; handlers, which write to the world outside, must be the same.


def _loggers(logging: ModuleType) -> Any:
    loggers = logging.Logger.manager.loggerDict.items()
    return {
        "": (logging.Logger.manager.disable, logging.raiseExceptions),
        **{
            name: (
                logger.level,
                logger.disabled,
                logger.propagate,
                [(type(handler).__qualname__, handler.level) for handler in logger.handlers],
            )
            for name, logger in [("root", logging.root), *loggers]
            if type(logger) is not logging.PlaceHolder
            and (logger.level or logger.disabled or logger.handlers or not logger.propagate)
        },
    }


def _set_loggers(logging: ModuleType, recorded: Any) -> None:
    live = _loggers(logging)
    logging.disable(recorded[""][0])
    plain = (0, False, True, [])
    for name in (live.keys() | recorded.keys()) - {""}:
        level, disabled, propagate, handlers = recorded.get(name, plain)
        logger = logging.root if name == "root" else logging.getLogger(name)
        kinds = [type(handler).__qualname__ for handler in logger.handlers]
        if kinds != [kind for kind, _ in handlers]:
            raise LayoutDiffers(f"The logger {name!r} has other handlers than in the recording.")
        logger.setLevel(level)
        logger.disabled, logger.propagate = disabled, propagate
        for handler, (_, handler_level) in zip(logger.handlers, handlers):
            handler.setLevel(handler_level)


# Signals: handlers by name.


def _handlers(signal: ModuleType) -> dict[int, Any]:
    """Those that the program has set."""
    live, first = baseline.handlers(), baseline.signal_handlers
    return {n: _name_of(handler) for n, handler in live.items() if handler is not first[n]}


def _name_of(handler: Any) -> Any:
    if handler is None or isinstance(handler, int):
        return handler
    qualname = getattr(handler, "__qualname__", type(handler).__qualname__)
    return getattr(handler, "__module__", None), qualname


def _set_handlers(signal: ModuleType, recorded: dict[int, Any]) -> None:
    live = _handlers(signal)
    for number in live.keys() | recorded.keys():
        handler = recorded.get(number, baseline.signal_handlers[number])
        if number in live and live[number] == recorded.get(number, live):
            continue
        if type(handler) is tuple:
            found: Any = sys.modules.get(handler[0])
            for part in handler[1].split("."):
                found = getattr(found, part, None)
            if not callable(found):
                raise LayoutDiffers(f"The handler {handler[1]} of signal {number} is not to be found.")
            handler = found
        signal.signal(number, handler)


def _decimal_context(decimal: ModuleType) -> Any:
    return context_state(decimal.getcontext())


def context_state(context: Any) -> Any:
    """Of a context of decimal arithmetic: what it is set to, and the signals it has noted and traps."""
    return (
        *(context.prec, context.rounding, context.Emin, context.Emax, context.capitals, context.clamp),
        sorted(signal.__name__ for signal, is_set in context.flags.items() if is_set),
        sorted(signal.__name__ for signal, is_set in context.traps.items() if is_set),
    )


def set_context(context: Any, state: Any) -> None:
    fields = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
    for name, value in zip(fields, state):
        setattr(context, name, value)
    for signals, names in ((context.flags, state[6]), (context.traps, state[7])):
        for signal in list(signals):
            signals[signal] = signal.__name__ in names


def _set_filters(warnings: ModuleType, recorded: Any) -> None:
    warnings.filters[:] = recorded
    mutated = getattr(warnings, "_filters_mutated", None) or getattr(
        warnings, "_filters_mutated_lock_held", None
    )
    if mutated is not None:
        mutated()


def _print_options_of_torch(torch: ModuleType) -> Any:
    options = torch._tensor_str.PRINT_OPTS
    return {
        name: getattr(options, name)
        for name in ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")
    }


def _set_print_options_of_torch(torch: ModuleType, recorded: Any) -> None:
    for name, value in recorded.items():
        setattr(torch._tensor_str.PRINT_OPTS, name, value)


def _options_of_pandas(pandas: ModuleType) -> Any:
    groups = pandas._config.config._global_config
    return {
        f"{group}.{name}": value
        for group in ("display", "mode", "future")
        for name, value in groups.get(group, {}).items()
        if not isinstance(value, dict)
    }


def _set_options_of_pandas(pandas: ModuleType, recorded: Any) -> None:
    live = _options_of_pandas(pandas)
    for name, value in recorded.items():
        if live.get(name) != value:
            pandas.set_option(name, value)


def _options_of_jax(jax: ModuleType) -> Any:
    return {name: getattr(jax.config, name) for name in _OPTIONS_OF_JAX if hasattr(jax.config, name)}


def _set_options_of_jax(jax: ModuleType, recorded: Any) -> None:
    live = _options_of_jax(jax)
    for name, value in recorded.items():
        if live.get(name) != value:
            jax.config.update(name, value)


Getter = Callable[[ModuleType], Any]
Setter = Callable[[ModuleType, Any], None]

#: Name → the module that must be loaded, and how to get and to set.
_SETTINGS: dict[str, tuple[str, Getter, Setter]] = {
    "longest integer text": (
        "sys",
        lambda sys: sys.get_int_max_str_digits(),
        lambda sys, value: sys.set_int_max_str_digits(value),
    ),
    "locale": (
        "locale",
        lambda locale: locale.setlocale(locale.LC_ALL, None),
        lambda locale, value: locale.setlocale(locale.LC_ALL, value),
    ),
    "loggers": ("logging", _loggers, _set_loggers),
    "signal handlers": ("signal", _handlers, _set_handlers),
    "warning filters": ("warnings", lambda warnings: list(warnings.filters), _set_filters),
    "decimal context": (
        "decimal",
        _decimal_context,
        lambda decimal, value: set_context(decimal.getcontext(), value),
    ),
    "numpy.print options": (
        "numpy",
        lambda numpy: numpy.get_printoptions(),
        lambda numpy, value: numpy.set_printoptions(**value),
    ),
    "torch.print options": ("torch", _print_options_of_torch, _set_print_options_of_torch),
    "pandas.options": ("pandas", _options_of_pandas, _set_options_of_pandas),
    "sklearn.configuration": (
        "sklearn",
        lambda sklearn: sklearn.get_config(),
        lambda sklearn, value: sklearn.set_config(**value),
    ),
    "jax.configuration": ("jax", _options_of_jax, _set_options_of_jax),
}
