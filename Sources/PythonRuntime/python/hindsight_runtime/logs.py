"""Log statements: which calls are, and what they write.

The rewritten source asks `__hindsight_log__(site, function)` for the function of every call that looks like a
log statement. What really logs is decided here, by the function itself; the others are handed back as they
are. A log call is passed on unchanged, and what it wrote is told to the session.
"""

from __future__ import annotations

import builtins
import sys
from typing import Any, Callable, Iterator, Optional

#: site, text, name, value
Sink = Callable[[str, str, Optional[str], Any], None]

LOGGER_METHODS = frozenset(
    ("debug", "info", "warning", "warn", "error", "critical", "exception", "fatal", "log")
)
LEVELS = {"debug": 10, "info": 20, "warning": 30, "warn": 30, "error": 40, "exception": 40}
LEVELS.update(critical=50, fatal=50)

#: Trackers by the first part of the module that defines the function or its object's class.
TRACKERS = frozenset(
    ("wandb", "mlflow", "tensorboardX", "accelerate", "lightning", "pytorch_lightning")
    + ("neptune", "comet_ml", "aim", "clearml", "trackio", "swanlab")
)
#: A comment may ask for something huge; a print statement would have to be meant.
LONGEST_SHOWN = 10_000

NAMED_VALUE_METHODS = frozenset(
    ("log", "log_metric", "log_metrics", "log_dict", "add_scalar", "add_scalars", "report_scalar")
)


def wrapper(function: Any) -> Optional[Callable[[str, Any, Sink], Callable[..., Any]]]:
    """What stands in for a callable that logs; None for every other one."""
    if function is builtins.print:
        return _Print
    if function is show:
        return _Show
    name = getattr(function, "__name__", None)
    if not isinstance(name, str):
        return None
    owner = getattr(function, "__self__", None)
    if name in LOGGER_METHODS:
        logging = sys.modules.get("logging")
        if logging is not None:
            if isinstance(owner, (logging.Logger, logging.LoggerAdapter)):
                return _LoggerCall
            if getattr(function, "__module__", None) == "logging":
                return _LoggerCall
        if name == "warn" and getattr(function, "__module__", None) in ("warnings", "_warnings"):
            return _Warning
    if name == "write":
        if any(owner is f for f in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__) if f):
            return _Write
        if (getattr(function, "__module__", None) or "").partition(".")[0] == "tqdm":
            return _Write
    if name in NAMED_VALUE_METHODS and _is_tracker(function, owner):
        return _NamedValues
    return None


def _is_tracker(function: Any, owner: Any) -> bool:
    modules = [getattr(function, "__module__", None) or ""]
    if owner is not None:
        classes = owner.__mro__ if isinstance(owner, type) else type(owner).__mro__
        modules += [c.__module__ for c in classes]
    return any(
        m.partition(".")[0] in TRACKERS or m.startswith("torch.utils.tensorboard") for m in modules
    )


class _Logging:
    """A log function bound to the statement that calls it."""

    __slots__ = ("site", "function", "sink")

    def __init__(self, site: str, function: Any, sink: Sink) -> None:
        self.site = site
        self.function = function
        self.sink = sink

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)


class _Copying:
    """A file that passes everything on and remembers it."""

    __slots__ = ("file", "parts")

    def __init__(self, file: Any) -> None:
        self.file = file
        self.parts: list[str] = []

    def write(self, text: str) -> Any:
        self.parts.append(text)
        return self.file.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


class _Print(_Logging):
    def __call__(self, *args: Any, **options: Any) -> None:
        file = options.pop("file", None)
        if file is None:
            file = sys.stdout
            if file is None:  # as `print` itself: nowhere to write to
                return
        copying = _Copying(file)
        try:
            self.function(*args, file=copying, **options)
        finally:
            if copying.parts:
                self.sink(self.site, _without_newline("".join(copying.parts)), None, None)


def show(expression: str, value: Any) -> None:
    """What a comment `#? expression` calls; only what stands in for it does anything."""


class _Show(_Logging):
    def __call__(self, expression: str, value: Any) -> None:
        shown = repr(value)
        if len(shown) > LONGEST_SHOWN:
            shown = f"{shown[:LONGEST_SHOWN]}… ({len(shown)} characters)"
        self.sink(self.site, f"{expression} = {shown}", expression, scalar(value))


class _LoggerCall(_Logging):
    def __call__(self, *args: Any, **options: Any) -> Any:
        name = self.function.__name__
        arguments = list(args)
        level = arguments.pop(0) if name == "log" and arguments else LEVELS.get(name, 0)
        # One frame more lies between the call and the logger: keep the caller that formatters print.
        level_of_caller = options.get("stacklevel", 1)
        if sys.version_info < (3, 11):  # counts the frames of `logging` itself, too
            level_of_caller = max(level_of_caller, 1 + self._inner_frames())
        options["stacklevel"] = level_of_caller + 1
        if arguments and _is_enabled(self.function, level):
            try:
                message = str(arguments[0])
                values = arguments[1:]
                if len(values) == 1 and isinstance(values[0], dict) and values[0]:
                    values = values[0]  # as `LogRecord` does
                else:
                    values = tuple(values)
                text = message % values if values else message
            except Exception:
                text = None  # the logging module reports its own formatting errors
            if text is not None:
                self.sink(self.site, text, None, None)
        return self.function(*args, **options)

    def _inner_frames(self) -> int:
        """Frames of `logging` between the call and the logger's method that makes the record."""
        name, owner = self.function.__name__, getattr(self.function, "__self__", None)
        if isinstance(owner, sys.modules["logging"].LoggerAdapter):
            return 1 if name == "log" else 3 if name == "warn" else 2
        return (owner is None) + (name in ("warn", "exception"))


def _is_enabled(function: Any, level: Any) -> bool:
    logger = getattr(function, "__self__", None)
    if logger is None:
        logger = sys.modules["logging"].getLogger()
        if not logger.handlers:  # logging.info() will configure the root logger, whose level stays
            return isinstance(level, int) and level >= logger.getEffectiveLevel()
    return isinstance(level, int) and bool(logger.isEnabledFor(level))


class _Warning(_Logging):
    def __call__(self, *args: Any, **options: Any) -> Any:
        if args:
            self.sink(self.site, str(args[0]), None, None)
        if len(args) < 3:
            options["stacklevel"] = options.get("stacklevel", 1) + 1
        return self.function(*args, **options)


class _Write(_Logging):
    def __call__(self, *args: Any, **options: Any) -> Any:
        text = args[0] if args else options.get("s", "")
        result = self.function(*args, **options)
        self.sink(self.site, _without_newline(str(text)), None, None)
        return result


class _NamedValues(_Logging):
    def __call__(self, *args: Any, **options: Any) -> Any:
        for name, value in _named_values(args, options):
            self.sink(self.site, f"{name} {_shown(value)}", name, scalar(value))
        return self.function(*args, **options)


def _named_values(args: tuple, options: dict) -> Iterator[tuple[str, Any]]:
    given = list(args)
    for key in ("data", "metrics", "dictionary", "values", "tag", "main_tag", "key", "name"):
        if key in options and len(given) < 2:
            given.append(options[key])
    if given and isinstance(given[0], dict):
        yield from _flat("", given[0])
    elif len(given) >= 2 and isinstance(given[1], dict):
        yield from _flat(f"{given[0]}/", given[1])
    elif len(given) >= 2:
        yield str(given[0]), given[1]
    elif given:
        for key in ("value", "scalar_value"):
            if key in options:
                yield str(given[0]), options[key]


def _flat(prefix: str, values: Any) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}/", value)
        else:
            yield f"{prefix}{name}", value


def _shown(value: Any) -> str:
    number = scalar(value)
    return str(value) if number is None else str(number)


def scalar(value: Any) -> Any:
    """A plain number, string or truth value, also out of one-element arrays and tensors; else None."""
    if value is None or type(value) in (bool, int, str):
        return value
    item = getattr(value, "item", None)
    if item is not None:
        try:
            value = item()
        except Exception:
            return None
    if isinstance(value, float):
        value = float(value)
        if value != value:
            return "NaN"
        if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    return value if type(value) in (bool, int, str) else None


def _without_newline(text: str) -> str:
    return text[:-1] if text.endswith("\n") else text
