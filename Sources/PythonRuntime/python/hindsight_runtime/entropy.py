"""What a program reads from clocks, the operating system's entropy and the like: logged while recording, fed
back in replays, so that a timing in a log line or an unseeded generator does not make a replay diverge.

Only calls written in the project's own sources are seen, by the usual names or by those that the source gives
them; those of installed libraries do not enter a program's results as a rule (see `clocks` for where they do).
"""

from __future__ import annotations

import ast
import contextlib
import functools
import os
import pickle
import sys
import threading
import types
from base64 import b64decode, b64encode
from datetime import date
from typing import Any, Callable, Iterable, Iterator, Optional

from .clocks import Clock

#: module → callables whose result is logged.
SOURCES: dict[str, tuple[str, ...]] = {
    "time": (
        *("time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns"),
        *("process_time", "process_time_ns", "thread_time", "thread_time_ns"),
        *("clock_gettime", "clock_gettime_ns"),
        *("localtime", "gmtime", "ctime", "asctime", "strftime"),
    ),
    "uuid": ("uuid1", "uuid4"),
    "timeit": ("timeit", "repeat"),
    "sys": ("getallocatedblocks",),
    "tracemalloc": ("get_traced_memory",),
    "threading": ("get_native_id",),
    "os": ("urandom", "getrandom", "getpid", "getppid", "times", "getloadavg"),
    "secrets": ("token_bytes", "token_hex", "token_urlsafe", "randbits", "randbelow", "choice"),
    "subprocess": ("check_output", "getoutput", "getstatusoutput", "run"),
    "resource": ("getrusage",),
    # An address: what is looked up by it must be found behind a jump, too.
    "builtins": ("input", "id"),
}

#: Alternative constructors of classes: (module, class, method).
METHODS = (
    ("datetime", "datetime", "now"),
    ("datetime", "datetime", "utcnow"),
    ("datetime", "datetime", "today"),
    ("datetime", "date", "today"),
    ("pandas", "Timestamp", "now"),
    ("pandas", "Timestamp", "utcnow"),
    ("pandas", "Timestamp", "today"),
)

#: Calls that seed a generator from the operating system when they are given nothing.
SEEDERS = ("seed", "default_rng", "RandomState", "Random")

#: Calls that give memory as they find it. It is cleared, in recording and replay alike: what a program has not
#: written yet would differ from run to run, and make its state differ from the recorded one.
BLANKS = ("empty", "empty_like", "new_empty")

#: Addresses are not noted once so many values were: a program that asks for them in its hot loop would be slow.
MOST_ADDRESSES = 100_000

_ADDRESSES = ("builtins.id", "torch.data_ptr")

#: A method of tensors and their storages that gives an address.
POINTER = "data_ptr"

_NAMES = {name for names in SOURCES.values() for name in names}
#: Their values may go under other names: `clock = time.perf_counter`, `def f(now=time.time)`.
_ALIASED = (_NAMES - {"id", "input", "run", "choice"}) | {"default_timer"}
_NAMES |= {"default_timer", "datetime64", "getmtime", "getctime", "getatime"} | {method for _, _, method in METHODS} | set(SEEDERS) | set(BLANKS) | {POINTER}


def candidate_names(tree: ast.Module, last_line: float = float("inf")) -> set[str]:
    """Names under which a source may call one of these: the usual ones, and what it renames them to."""
    names, aliased = set(_NAMES), set(_ALIASED)
    pairs = []
    for node in ast.walk(tree):
        if getattr(node, "lineno", 0) <= last_line:
            if isinstance(node, ast.ImportFrom):
                names |= {a.asname for a in node.names if a.asname and a.name in _NAMES}
                aliased |= {a.asname for a in node.names if a.asname and a.name in _ALIASED}
            else:
                pairs += [(name, value) for name, value in _bindings(node) if value]
    found = True
    while found:
        found = {name for name, value in pairs if value in aliased} - aliased
        aliased |= found
    return names | aliased


def _bindings(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a node gives to what has another name already, with that one."""
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from ((_last_name(target), _last_name(node.value)) for target in targets)
    elif isinstance(node, ast.arguments):
        ordered = [*getattr(node, "posonlyargs", ()), *node.args]
        given = ordered[len(ordered) - len(node.defaults) :]
        for argument, default in (*zip(given, node.defaults), *zip(node.kwonlyargs, node.kw_defaults)):
            yield argument.arg, _last_name(default)
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg, _last_name(node.value)


def _last_name(node: Optional[ast.AST]) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def source_name(function: Any) -> Optional[str]:
    """Which source of entropy a callable is; None for any other callable."""
    name = getattr(function, "__name__", None)
    if type(name) is not str or name not in _NAMES:
        return None
    for module_name, names in SOURCES.items():
        if name in names:
            module = sys.modules.get(module_name)
            if module is not None and getattr(module, name, None) is function:
                return f"{module_name}.{name}"
    owner = getattr(function, "__self__", None)
    if name == POINTER and type(owner).__module__.partition(".")[0] == "torch":
        return f"torch.{POINTER}"
    if name in ("timeit", "repeat") and type(owner).__module__ == "timeit":
        return f"timeit.Timer.{name}"
    for module_name, class_name, method in METHODS:
        module = sys.modules.get(module_name)
        if name == method and module is not None and owner is getattr(module, class_name, None):
            return f"{module_name}.{class_name}.{method}"
    return None


def seeder_name(function: Any) -> Optional[str]:
    """Which generator-seeding callable this is."""
    name = getattr(function, "__name__", None)
    if name not in SEEDERS:
        return None
    owners: tuple[tuple[str, Any], ...] = (
        ("random", sys.modules.get("random")),
        ("numpy.random", sys.modules.get("numpy.random")),
        ("torch", sys.modules.get("torch")),
    )
    for label, module in owners:
        if module is not None and getattr(module, name, None) == function:
            return f"{label}.{name}"
    return None


#: NumPy's dates are times where they are given a word for one.
_NUMPY_TIME = "numpy.datetime64"

#: What a replay writes itself is younger than what the run wrote.
_FILE_TIMES = ("getmtime", "getctime", "getatime")

_CALLABLE = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type, Clock)


def unrecorded_name(function: Any) -> Optional[str]:
    """Which clock this is, if it is one whose values are not recorded."""
    name = getattr(function, "__name__", None)
    if name in ("now", "utcnow", "today"):
        owner = getattr(function, "__self__", None)
        # A class of the program's: its instances cannot be made before it.
        return f"{owner.__name__}.{name}" if isinstance(owner, type) and issubclass(owner, date) else None
    if name in _FILE_TIMES and function is getattr(os.path, name):
        return f"os.path.{name}"
    numpy = sys.modules.get("numpy") if name == "datetime64" else None
    return _NUMPY_TIME if numpy is not None and function is getattr(numpy, name, None) else None


def _cleared(function: Callable[..., Any]) -> Optional[Callable[..., Any]]:
    """For a callable that gives uninitialised memory: one that gives it cleared."""
    name = getattr(function, "__name__", None)
    if name not in BLANKS:
        return None
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None and getattr(numpy, name, None) is function:
        return lambda *args, **kw: _clear_array(numpy, function(*args, **kw))
    owner = getattr(function, "__self__", None)
    is_tensors = torch is not None and isinstance(owner, getattr(torch, "Tensor", ()))
    if torch is not None and (is_tensors or getattr(torch, name, None) is function):
        return lambda *args, **kw: _clear_tensor(torch, function(*args, **kw))
    return None


#: Clearing touches all of the memory, of which a program may never use most: a replay buffer, say.
_LARGEST_CLEARED = 1 << 28


def _clear_array(numpy: Any, made: Any) -> Any:
    try:
        if made.dtype.hasobject:
            return made
        if type(made) is numpy.ndarray and made.base is None:
            order = "C" if made.flags.c_contiguous else "F"
            if made.flags.forc and made.flags.writeable:
                return numpy.zeros(
                    made.shape, made.dtype, order
                )  # memory that the system clears when it is used
        if made.nbytes <= _LARGEST_CLEARED:
            made[...] = numpy.zeros((), made.dtype)
    except Exception:
        pass  # a subclass of its own mind
    return made


def _clear_tensor(torch: Any, made: Any) -> Any:
    try:
        if made.numel() * made.element_size() <= _LARGEST_CLEARED:
            with torch.no_grad():
                made.zero_()
    except Exception:
        pass  # a device or a layout without it
    return made


def generator_of_names(tempfile: Any) -> Any:
    """The generator out of which `tempfile` makes names: it seeds itself, and no seed of the program's reaches it."""
    try:
        return tempfile._get_candidate_names().rng
    except AttributeError:
        return None


def is_effective(name: str) -> bool:
    """Whether calling it may do something besides giving a value: then a replay calls it, too."""
    return name.startswith(("subprocess.", "timeit."))


def _gives_output(options: Any) -> bool:
    """Whether a `subprocess.run` brings back what the process wrote."""
    return bool(options.get("capture_output")) or options.get("stdout") == -1


def encode(value: object) -> str:
    return b64encode(pickle.dumps(value, 4)).decode("ascii")


def decode(text: str) -> Any:
    return pickle.loads(b64decode(text))


class EntropyLog:
    """Wraps the sources: either gives every value to `record`, or takes them from `recorded`."""

    def __init__(
        self,
        record: Optional[Callable[[int, str, str], None]] = None,
        recorded: Iterable[tuple[str, str]] = (),
        is_passive: Callable[[], bool] = lambda: False,
        tell_unrecorded: Callable[[str], None] = lambda name: None,
        started: float = 0.0,
    ) -> None:
        #: How many values have been read: part of a checkpoint.
        self.position = 0
        self._record = record
        self._recorded = list(recorded)
        self._is_passive = is_passive
        #: When the run began, in seconds since 1970.
        self._started = started
        #: Told of values that a replay takes from the present.
        self._tell_unrecorded = tell_unrecorded
        #: A source is being called whose value is known already.
        self.is_feeding = False
        #: A replay asked for another value than the recorded one at its turn.
        self._ran_short = False

    @property
    def is_used_up(self) -> bool:
        """Whether every recorded value has been fed back, and no other was asked for."""
        return self.position == len(self._recorded) and not self._ran_short

    def source(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`__hindsight_source__`: the callable itself unless it is a source of entropy."""
        try:
            name = source_name(function)
            if name is not None:
                return lambda *args, **kw: self._value(name, function, args, kw)
            name = seeder_name(function)
            if name is not None:
                return lambda *args, **kw: self._seeded(name, function, args, kw)
            name = unrecorded_name(function)
            if name is not None:
                return lambda *args, **kw: self._unrecorded(name, function, args, kw)
            return _cleared(function) or function
        except Exception:
            pass
        return function

    def called(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`__hindsight_called__`: the same for whatever a probe calls, by any name."""
        # Others are asked nothing: they may make up attributes.
        return self.source(function) if isinstance(function, _CALLABLE) else function

    def _unrecorded(self, name: str, function: Callable[..., Any], args: Any, kw: Any) -> Any:
        value = function(*args, **kw)
        if self.is_feeding:
            return value
        if name == _NUMPY_TIME:
            is_same = not args or args[0] not in ("now", "today")
        else:
            is_same = name.startswith("os.path.") and value < self._started
        if not is_same:
            self._tell_unrecorded(name)
        return value

    def _value(self, name: str, function: Callable[..., Any], args: Any, kw: Any) -> Any:
        if self.is_feeding or (name == "subprocess.run" and not _gives_output(kw)):
            return function(*args, **kw)
        if self._is_passive() or (name in _ADDRESSES and self.position >= MOST_ADDRESSES):
            self._tell_unrecorded(name)
            return function(*args, **kw)
        if self._record is None:
            text = self._next(name)
            if text is None:
                return function(*args, **kw)
            if is_effective(name):
                self.is_feeding = True
                try:
                    function(*args, **kw)
                except Exception:
                    pass  # a machine without network has other results, which do not count
                finally:
                    self.is_feeding = False
            return decode(text)
        self.is_feeding = True  # what it reads itself is in its value
        try:
            value = function(*args, **kw)
        finally:
            self.is_feeding = False
        self._add(name, value)
        return value

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """While what is read is none of the program's."""
        was_feeding, self.is_feeding = self.is_feeding, True
        try:
            yield
        finally:
            self.is_feeding = was_feeding

    def watch_system_random(self, module: Any) -> None:
        """`random.SystemRandom`, and what is built on it, takes its numbers from a global of the module."""
        urandom, seed = module._urandom, module.Random.seed
        main = threading.main_thread()

        def logged(count: int) -> Any:
            if threading.current_thread() is not main:
                return urandom(count)  # the order among threads is no one's
            return self._value("random._urandom", urandom, (count,), {})

        def seeded(generator: Any, a: Any = None, version: int = 2) -> None:
            """What makes a generator without a seed, in a library say, takes one that is logged."""
            seed(generator, int.from_bytes(logged(32), "big") if a is None else a, version)

        module._urandom = logged
        functools.update_wrapper(seeded, seed)
        module.Random.seed = seeded
        module.seed = module._inst.seed

    def _seeded(self, name: str, function: Callable[..., Any], args: Any, kw: Any) -> Any:
        with self.aside():  # its state is logged, not what it is made of
            result = function(*args, **kw)
        given = [*args, *kw.values()]
        if given and given[0] is not None:
            return result
        if self._is_passive():
            self._tell_unrecorded(name)
            return result
        if self._record is None:
            text = self._next(name)
            if text is not None:
                return _set_state(name, result, decode(text))
            return result
        self._add(name, _get_state(name, result))
        return result

    def _add(self, name: str, value: object) -> None:
        try:
            text = encode(value)
        except Exception:
            return
        if self._record is not None:
            self._record(self.position, name, text)
        self.position += 1

    def _next(self, name: str) -> Optional[str]:
        if self.position >= len(self._recorded):
            self._ran_short = True
            return None
        recorded_name, text = self._recorded[self.position]
        if recorded_name != name:
            self._ran_short = True
            return None
        self.position += 1
        return text


def _get_state(name: str, result: Any) -> object:
    if name == "random.seed":
        return sys.modules["random"].getstate()
    if name == "random.Random":
        return result.getstate()
    if name == "numpy.random.seed":
        return sys.modules["numpy.random"].get_state()
    if name == "numpy.random.RandomState":
        return result.get_state()
    if name == "numpy.random.default_rng":
        return result.bit_generator.state
    return result  # torch.seed returns the seed it drew


def _set_state(name: str, result: Any, state: Any) -> Any:
    if name == "random.seed":
        sys.modules["random"].setstate(state)
    elif name == "random.Random":
        result.setstate(state)
    elif name == "numpy.random.seed":
        sys.modules["numpy.random"].set_state(state)
    elif name == "numpy.random.RandomState":
        result.set_state(state)
    elif name == "numpy.random.default_rng":
        result.bit_generator.state = state
    else:
        sys.modules["torch"].manual_seed(state)
        return state
    return result
