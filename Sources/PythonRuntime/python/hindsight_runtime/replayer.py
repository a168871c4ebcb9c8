"""Re-executes a recorded program with probes in it, as a plan says: jumps to checkpoints, checks, a stop.

The program's control flow is its own: a jump at a loop's boundary advances the loop's iterator without
running the body and fills in the recorded data; a jump to a loop's exit lets it end at once and fills in the
data behind it.
"""

from __future__ import annotations

import ast
import atexit
import collections
import linecache
import os
import re
import socket
import sys
import threading
import time
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import CodeType, FrameType, ModuleType
from typing import Any, Callable, Iterable, Iterator, Optional

from . import entropy, environment, logs, rests, tracebacks
from .anchors import Anchors
from .blobs import Blobs, Damaged
from .channel import Channel, ChannelClosed
from .clocks import Clocks
from .companions import Companions
from .control import Control
from .fastforward import advanced
from .fileview import FileView
from .installed import InstalledModules
from .outside import Outside
from .loops import Loop, Started, driven_by_generator, is_traced, may_run_code, scalar
from .probenames import ProbeNames
from .programs import Program, command_line
from .setorder import SetOrder, own_function, watch_order
from .shortloops import ShortLoops, limits
from .transform import LoopStatement
from .session import (
    END_OF_RUN,
    Session,
    exit_code,
    index_of_anchors,
    is_of_this_format,
    last_line,
    layout,
    without_header,
)
from .watch import Watch

#: Seconds between progress messages.
PROGRESS_INTERVAL = 0.05
#: How objects without a text of their own are shown.
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]{5,}")
#: An order key's component behind all others.
LAST = (1 << 62) - 1
#: Among the numbers of checkpoints, a comparison with another replay.
CONTROL = -1
#: Why a checkpoint that was reached told nothing.
UNREADABLE = "the checkpoint behind it holds what cannot be compared"


class Unusable(Exception):
    """A checkpoint cannot be used here, or none of the run's; the plan must do without."""

    def __init__(self, number: int, reason: str, concerns_run: bool = False) -> None:
        super().__init__(reason)
        self.number = number
        self.reason = reason
        self.concerns_run = concerns_run


@dataclass
class Checkpoint:
    """A recorded checkpoint; its blobs are read when they are needed."""

    blobs: Blobs
    number: int
    kind: str
    at: list[list[Any]]
    key: list[int]
    layout: str
    entropy: int
    stream: dict[str, Any]
    buffers: list[dict[str, Any]]

    @property
    def anchored(self) -> int:
        """The boundary at which its objects were numbered."""
        return index_of_anchors(self.layout)

    def read(self) -> tuple[tuple[dict[str, Any], bytes], list[memoryview]]:
        """Its header, the state's stream, and its buffers."""
        return without_header(bytes(self._read(self.stream))), [self._read(b) for b in self.buffers]

    def is_at_else(self) -> bool:
        return bool(without_header(bytes(self._read(self.stream)))[0]["else"])

    def _read(self, blob: dict[str, Any]) -> memoryview:
        try:
            return self.blobs.read(blob)
        except Damaged as damage:
            raise Unusable(self.number, str(damage)) from damage


@dataclass
class Jump:
    to: Optional[int]
    checkpoint: Checkpoint


class Actions:
    """What the plan wants in one activation of a loop."""

    def __init__(self) -> None:
        self.jumps: dict[int, Jump] = {}
        self.boundary_checks: dict[int, Checkpoint] = {}
        self.exit_checks: dict[int, Checkpoint] = {}
        self.stops: set[int] = set()
        self.stops_at_exit = False
        #: Whether it goes on to the program's end where comparing the data at the stop says nothing.
        self.needs_evidence = False
        #: The boundaries behind the entry at which objects are numbered for any of the checkpoints.
        self.anchored: set[int] = set()

    def add(self, checkpoint: Checkpoint) -> None:
        if checkpoint.anchored:
            self.anchored.add(checkpoint.anchored)


def start(descriptor: int) -> None:
    """Reads the plan from the inherited socket and takes over the main program."""
    os.set_inheritable(descriptor, False)
    channel = Channel(socket.socket(fileno=descriptor))
    request = channel.received(timeout=60)
    if request is None or request.get("t") != "replay":
        raise ChannelClosed("no replay was asked for")
    if request.get("standing"):
        from .standing import StandingWorker

        StandingWorker(channel, request).install()
    else:
        Replayer(channel, request).install()


class Replayer(Session):
    def __init__(self, channel: Channel, request: dict[str, Any]) -> None:
        self.sources = {s["path"]: s for s in request["sources"] if s["recorded"] is not None}
        root = request["root"]
        main = next(s["path"] for s in request["sources"] if s["module"] == "__main__")
        module = request.get("module") if sys.argv and sys.argv[0] == "-m" else None
        super().__init__(
            Program(root, os.path.normpath(os.path.join(root, main)), module, command_line())
        )
        self.channel = channel
        self.entropy = entropy.EntropyLog(
            recorded=[(item["source"], item["value"]) for item in request.get("entropy") or []],
            is_passive=lambda: not self.stack.is_tracking(),
            tell_unrecorded=self._tell_unrecorded,
            started=request.get("started") or 0.0,
        )
        self._initial = request.get("initial") or {}
        self._spliced = self._splice(request["sources"], request.get("groups"))
        self._probe_names = ProbeNames()
        self.short = ShortLoops(limits=limits(self._initial))
        #: Loops that may come to a probe; asked for only where some were left alone.
        self.reaching: set[str] = set()
        if self._spliced and limits(self._initial):
            from .analysis.splice import reaching_loops

            self.reaching = set(reaching_loops(texts(request["sources"]), request.get("groups")))
        self._blobs = Blobs()
        self._actions = self._plan(request)
        #: Whether values are wanted before evidence: nothing is compared.
        self._is_preview = bool(request.get("preview"))
        #: Checkpoints that are still to be compared; behind the last one, probes are watched instead.
        self._checks_left = set(request.get("checks") or ())
        self._control: Optional[Control] = None
        self._take_control(request)
        self._watch = Watch(self.visible)
        #: Why nothing that is executed again need be the same.
        self._doubt: Optional[str] = None
        #: Where probes were first executed since the last check.
        self._unchecked: Optional[list[int]] = None
        self._is_unwatched = False
        #: Probes that are being executed; more than one where one calls what another observes.
        self._running = 0
        self._has_borrowed = False
        self._ending: dict[str, Any] = {"status": "finished", "exitCode": 0, "exception": None}
        self._facts = environment.Facts()
        self._progress = 0.0
        self._last_jump: Optional[int] = None
        self._pid = os.getpid()
        self._outside = Outside(
            self.files.get,
            self._is_own_doing,
            lambda reason: self._tell_file(reason, False),
            self._file_opened,
        )
        #: Addresses that the program's data hold, where the run had others.
        self._addresses: set[str] = {str(threading.get_ident())}
        #: When the run began, in seconds since 1970.
        self._began: float = request.get("started") or 0
        #: Whether this process has a file system of its own.
        self._is_private = bool(request.get("private"))
        self._installed = InstalledModules(
            self._began, lambda reason: self._tell_file(reason, False)
        )
        self._clocks = Clocks(self.files.__contains__, self._is_own_doing, self._tell_clock)
        self._companions = Companions(
            lambda: os.getpid() == self._pid,
            self._is_own_doing,
            self._outside.origin,
            self.files.get,
            self._tell_companion,
        )
        self._set_order = SetOrder(
            self._is_own_doing,
            self._tell_address,
            lambda function: own_function(function, self.is_project_code, self.module_names),
        )
        records = request.get("files") or []
        self.files_then = FileView(root, records, bool(request.get("private")), self._tell_file)

    def _plan(self, request: dict[str, Any]) -> dict[tuple, Actions]:
        """The plan's actions by activation: the coordinate without the innermost index."""
        checkpoints = {
            c["n"]: Checkpoint(
                self._blobs, *(c[k] for k in ("n", "kind", "at", "key", "layout", "entropy", "stream", "buffers"))
            )
            for c in request.get("checkpoints") or []
        }
        table: dict[tuple, Actions] = collections.defaultdict(Actions)
        for jump in request.get("jumps") or []:
            activation, index = split(jump["at"])
            table[activation].jumps[index] = Jump(jump["to"], checkpoints[jump["checkpoint"]])
            table[activation].add(checkpoints[jump["checkpoint"]])
        for number in request.get("checks") or []:
            checkpoint = checkpoints[number]
            activation, index = split(checkpoint.at)
            if checkpoint.kind == "exit":
                table[activation].exit_checks[index] = checkpoint
            else:
                table[activation].boundary_checks[index] = checkpoint
            table[activation].add(checkpoint)
        stop = request.get("stop")
        if stop:
            activation, index = split(stop["at"])
            table[activation].needs_evidence = bool(stop.get("needsEvidence"))
            if stop["kind"] == "exit":
                table[activation].stops_at_exit = True
            else:
                table[activation].stops.add(index)
        return dict(table)

    def _take_control(self, request: dict[str, Any]) -> None:
        mode = request.get("control")
        if mode is not None:
            self._control = Control(self.channel.descriptors.pop(0), mode, self.visible)
            if self._control.is_ahead and mode == "check":
                self._checks_left.add(CONTROL)

    @staticmethod
    def _splice(sources: list[dict[str, Any]], groups: Optional[list[str]]) -> dict[str, Any]:
        """The program's trees with the probes in them; a path that is missing here is as recorded."""
        if not any(is_asked(s) for s in sources):
            return {}
        from .analysis.splice import splice_program

        return splice_program(texts(sources), groups)

    def install(self) -> None:
        self.provide_functions()
        hooks = self.hooks(
            observed={
                "random": self._restore_random,
                "numpy.random": self._restore_numpy,
                "torch": self._restore_torch,
                "tempfile": self._restore_tempfile,
                "multiprocessing.process": self._companions.observe_processes,
            },
            source_text=self._recorded_bytes,
            installed=self._found_installed,
        )
        hooks.install()
        self.files_then.begin()
        self._outside.install()
        self._companions.install()
        self._clocks.install()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._become_child)
        atexit.register(self._end)

    def functions(self) -> dict[str, Callable[..., Any]]:
        return {
            **super().functions(),
            "begin": self.begin_probe,
            "finish": self.finish_probe,
            "called": self.entropy.called,
            "failed": self.probe_failed,
            "exception": Exception,
            "watch": self.watch_probes,
            "watched": self.probes_watched,
            "show": logs.show,
            **self._set_order.functions(),
        }

    def send(self, message: dict[str, Any]) -> None:
        if self.stack.is_main_thread():
            self._companions.speak()
        try:
            self.channel.send(message)
            self.channel.flush(600)
        except ChannelClosed:
            os._exit(0)  # nobody is interested any more

    def _become_child(self) -> None:
        """A forked child (a DataLoader's worker) sends the hits of its probes, and nothing else."""
        self.stack.suspended += 1

    # Sources

    def compile_tree(
        self, tree: ast.Module, text: str, path: str, name: str
    ) -> tuple[CodeType, list[LoopStatement]]:
        watch_order(tree)
        return super().compile_tree(tree, text, path, name)

    def compile_file(self, path: str, name: str) -> Optional[CodeType]:
        relative = self.relative_path(path)
        source = self.sources.get(relative)
        if source is None:
            self._tell_borrowed()
            return None  # a module that the run did not load: one that a probe imports
        recorded = source["recorded"]
        linecache.cache[path] = (len(recorded), None, recorded.splitlines(True), path)
        code, _ = self.compile_tree(self.tree_of(relative, path), recorded, path, name)
        spliced = self._spliced.get(relative)
        if spliced is not None:
            self._probe_names.add(code, name, spliced.names)
        return code

    def _found_installed(self, spec: ModuleSpec) -> None:
        if not self._running:  # what a probe imports need not be what the run had
            self._installed.examine(spec)

    def tree_of(self, relative: str, path: str) -> ast.Module:
        """What is run in the place of a recorded source."""
        spliced = self._spliced.get(relative)
        return ast.parse(self.sources[relative]["recorded"], path) if spliced is None else spliced.tree

    def _recorded_bytes(self, path: str) -> Optional[bytes]:
        source = self.sources.get(self.relative_path(path))
        return None if source is None else source["recorded"].encode("utf-8")

    def run_main(self, execute: Callable[[], None]) -> None:
        self.send({"t": "started"})
        try:
            self._refuse_other_formats()
            execute()
        except SystemExit as error:
            self._ending["exitCode"] = exit_code(error)
        except Unusable as error:
            self._give_up(error)
        except BaseException as error:
            self._ending = {"status": "raised", "exitCode": 1, "exception": last_line(error)}
            import traceback

            tracebacks.clean_exception(error, is_script=True)
            # Into the worker's log.
            traceback.print_exception(type(error), error, error.__traceback__)

    def _refuse_other_formats(self) -> None:
        for actions in self._actions.values():
            for jump in actions.jumps.values():
                if not is_of_this_format(jump.checkpoint.layout):
                    raise Unusable(jump.checkpoint.number, "another version of Hindsight wrote it", True)

    def _end(self) -> None:
        if os.getpid() != self._pid:
            return
        self._send_facts()
        self._check_end()
        self.send({"t": "end", **self._ending})
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    def _check_end(self) -> None:
        """Behind the last checkpoint only this tells that probes have drawn no random numbers, and that all
        of the recorded entropy went where it went in the run."""
        if self._ending["status"] not in ("finished", "raised"):
            return
        self._checks_left.clear()
        self._tell_unchecked("a checkpoint behind it was not reached")
        recorded = self._initial.get(END_OF_RUN)
        if recorded is None:
            return
        difference = None
        if environment.random_digest() != recorded:
            difference = "the random generators are in another state at the program's end"
        elif not self.entropy.is_used_up:
            difference = "the program read clocks or random seeds another number of times by its end"
        if difference is not None:
            self.send({"t": "check", "checkpoint": -1, "key": [LAST], "difference": difference})

    def _stop(self) -> None:
        self._ending = {"status": "stopped", "exitCode": None, "exception": None}
        self._end()

    def _give_up(self, error: Unusable) -> None:
        message = {"t": "unusable", "checkpoint": error.number, "reason": error.reason}
        self.send({**message, "concernsRun": error.concerns_run})
        self._ending = {"status": "unusable", "exitCode": None, "exception": None}
        self._end()

    def _tell_address(self, what: str, frame: FrameType) -> None:
        where = f"{self.files.get(frame.f_code.co_filename)}:{frame.f_lineno}"
        self._outside.say(
            f"{what} ({where}) depends on addresses in memory, which are others in each process"
        )

    def _is_own_doing(self) -> bool:
        """Whether what happens now is the program's doing, or a probe's."""
        if self.entropy.is_feeding or not self.stack.is_main_thread():
            return False
        return self._running > 0 or self.stack.is_tracking()

    def _tell_file(self, reason: str, is_jumped: bool) -> None:
        key = self.stack.present_key(sys._getframe(1))
        self.send({"t": "file", "reason": reason, "jumped": is_jumped, "key": key})

    def _tell_companion(self, reason: str) -> None:
        # What probes keep is in no checkpoint.
        passes, key = not self._running, self.stack.present_key(sys._getframe(1))
        self.send({"t": "file", "reason": reason, "passes": passes, "key": key})

    def _tell_unrecorded(self, name: str) -> None:
        if self.stack.is_main_thread() and (self._running or self.stack.is_tracking()):
            self._tell_file(f"{name}() gives something else in a replay than in the run", False)

    def _tell_clock(self, name: str) -> None:
        self._outside.say(f"{name}() gives something else in a replay than in the run")

    def _file_opened(self, path: str, flags: int) -> None:
        self.files_then.opened(path, flags)
        if self._running and self.stack.is_main_thread() and not path.endswith((".py", ".pyc", ".so")):
            self._tell_borrowed()

    def _tell_borrowed(self) -> None:
        """Values rest on files as they are now: right today, and not to be kept."""
        if not self._has_borrowed:
            self._has_borrowed = True
            self.send({"t": "borrowed"})

    def _send_facts(self) -> None:
        facts = self._facts.news()
        if facts is not None:
            self.send({"t": "fingerprint", "facts": facts})

    def _restore_random(self, module: ModuleType) -> None:
        if self._initial.get("random"):
            module.setstate(entropy.decode(self._initial["random"]))
        self.entropy.watch_system_random(module)

    def _restore_numpy(self, module: ModuleType) -> None:
        if self._initial.get("numpy"):
            module.set_state(entropy.decode(self._initial["numpy"]))

    def _restore_torch(self, module: ModuleType) -> None:
        from .state import devices
        from .state.tensors import tensor_of_bytes

        if self._initial.get("torch"):
            module.set_rng_state(tensor_of_bytes(entropy.decode(self._initial["torch"])))
        devices.when_started(module, self._restore_devices)

    def _restore_devices(self) -> None:
        """torch seeds every GPU's generator at random when the program begins to use one."""
        from .state import devices
        from .state.tensors import tensor_of_bytes

        for number, generator in enumerate(devices.generators()):
            state = self._initial.get(f"cuda:{number}")
            if state:
                generator.set_state(tensor_of_bytes(entropy.decode(state)))

    def _look_at_devices(self) -> None:
        """On GPUs, what is executed again is the same only if the program has seen to that."""
        if "torch.cuda" not in sys.modules or self._doubt is not None:
            return
        from .state import devices

        self._doubt = devices.doubt()
        if self._doubt is not None:
            self._tell_file(self._doubt, False)

    def _restore_tempfile(self, module: ModuleType) -> None:
        with self.entropy.aside():
            names = entropy.generator_of_names(module)
            if names is not None and self._initial.get("tempfile"):
                state = entropy.decode(self._initial["tempfile"])
                names.setstate(state)
                self._free_names(module, state)

    def _free_names(self, module: ModuleType, state: Any) -> None:
        from .leftovers import leftovers, remove

        for path in leftovers(module, state, self._began):
            try:
                if not self._is_private:
                    raise OSError(0, "the replay has no file system of its own")
                remove(path)
            except OSError as error:
                self._tell_file(f"{path}, which the run left, is in the way: {error.strerror}", False)

    # Log statements and probes

    def log_function(self, site: str, function: Any) -> Any:
        wrapper = logs.wrapper(function)
        if wrapper is None:
            return function
        return wrapper(site, function, self._hit if site.startswith("?") else self._logged)

    def _logged(self, site: str, text: str, name: Optional[str], value: Any) -> None:
        if not self.stack.is_tracking():
            return
        if not self._facts.are_told:
            self._send_facts()
        self._look_at_devices()
        key = self.stack.next_own_key(sys._getframe(1))
        self.send({"t": "log", "site": site, "text": text, "name": name, "value": value, "key": key})

    def _hit(self, site: str, text: str, name: Optional[str], value: Any) -> None:
        if self._last_jump is not None and is_traced():
            # The recorded program may have traced this function before, and not again.
            self._give_up(Unusable(self._last_jump, "a probe stands in a function that JAX traces"))
        path, line, _ = site[1:].rsplit(":", 2)
        frame = sys._getframe(1)
        message = {"probe": site[1:], "file": path, "line": int(line), "text": text, "name": name}
        if not self.stack.is_main_thread():
            message["text"] = "this ran in another thread, whose place in the run is not known"
            self.send({"t": "probe-error", **message, "it": [], "key": self.stack.probe_key(frame)})
            return
        self._look_at_devices()
        place = {"it": self.stack.iterations(frame), "key": self.stack.probe_key(frame)}
        if ADDRESS.search(text) or any(address in text for address in self._addresses):
            reason = "it shows an address in memory, which is another in each process"
            self.send({"t": "file", "reason": reason, "key": place["key"], "end": [*place["key"], 0]})
        self.send({"t": "hit", **message, "value": value, "nested": self._running > 1, **place})

    def begin_probe(self, site: str) -> None:
        if self.stack.is_main_thread():
            self.stack.suspended += 1
            self._running += 1

    def finish_probe(self, site: str) -> None:
        if self.stack.is_main_thread():
            self.stack.suspended -= 1
            self._running -= 1

    def watch_probes(self, site: str) -> None:
        if not self.stack.is_tracking():
            return
        frame = sys._getframe(1)
        if self._checks_left:
            if self._unchecked is None:
                self._unchecked = self.stack.present_key(frame)
            return
        with self.stack.aside():
            self._watch.begin(site, frame)
        reason = self._watch.missed or self._watch.problem
        if reason is not None:
            self._tell_unwatched(reason, self.stack.present_key(frame))

    def probes_watched(self, site: str) -> None:
        if self._checks_left or not self.stack.is_tracking():
            return
        frame = sys._getframe(1)
        # Ahead of the hits that were given meanwhile: what went wrong concerns them.
        key = self.stack.present_key(frame)
        with self.stack.aside():
            difference = self._watch.end(site, frame)
        if self._watch.problem is not None:
            self._tell_unwatched(self._watch.problem, key)
        if difference is not None:
            key = self.stack.probe_key(frame)
            self.send({"t": "disturbed", "probe": site[1:], "difference": difference, "key": key})

    def _tell_unwatched(self, reason: str, key: list[int]) -> None:
        if not self._is_unwatched:
            self._is_unwatched = True
            self.send({"t": "unwatched", "reason": reason, "key": key})

    def _tell_unchecked(self, reason: str) -> None:
        """Probes relied on a comparison that told nothing."""
        if not self._checks_left and self._unchecked is not None:
            self._tell_unwatched(reason, self._unchecked)
            self._unchecked = None

    def _compare_with_control(self, kind: str, loop: Loop, key: list[int], frame: FrameType) -> None:
        """At a place in no loop but this one, where the data of two replays may be compared."""
        control = self._control
        if control is None or len(loop.parents) != 1 or loop.in_generator:
            return
        if control.mode == "save":
            if self._is_unwatched and control.is_due(kind):
                with self.stack.aside():
                    is_kept = control.save(kind, key, frame)
                if is_kept:
                    self._is_unwatched = False
                    self.send({"t": "kept", "key": key})
            return
        if not control.is_place(kind, key):
            return
        from . import state

        try:
            with self.stack.aside():
                difference = control.difference(frame)
                if difference is not None and control.mode == "replace":
                    control.save(kind, key, frame)
            is_alone = control.mode == "replace"
            self.send({"t": "control", "key": key, "difference": difference, "alone": is_alone})
            self._unchecked = None
        except (state.StateError, OSError):
            pass  # then it says nothing
        self._checks_left.discard(CONTROL)
        self._tell_unchecked("the program's data cannot be compared")
        if control.mode == "replace":
            self._stop()

    def probe_failed(self, site: str) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, Unusable) or error is None:
            raise error or RuntimeError("no exception")
        path, line, _ = site[1:].rsplit(":", 2)
        frame = sys._getframe(1)
        message = {"probe": site[1:], "file": path, "line": int(line), "text": last_line(error)}
        place = {"it": self.stack.iterations(frame), "key": self.stack.probe_key(frame)}
        self.send({"t": "probe-error", **message, **place})

    # Loops

    def for_loop(self, identity: str, iterable: Iterable) -> Iterable:
        frame = sys._getframe(1)
        if identity in self.short.left_alone:
            return self._for_silently(identity, iterable, frame)
        loop = self.enter(identity, frame)
        if loop is None:
            return iterable
        try:
            jump = self._arrive(loop, frame)
            if jump is not None and jump.to is None:
                self._skip(loop, jump)
                self.left(loop)
                return ()
            self.stack.open(loop)
            loop.iterator = iter(iterable)
            if not may_run_code(loop.iterator):
                self.stack.close(loop)
            self.note_iterator(loop)
            if jump is not None:
                self._jump(loop, frame, jump)
        except BaseException:
            self.left(loop)
            raise
        return self._iterate(loop)

    def _for_silently(self, identity: str, iterable: Iterable, frame: FrameType) -> Iterable:
        """A loop that the recording left alone by now: of interest only where it surrounds a probe."""
        if identity not in self.reaching or not self.stack.is_tracking():
            return iterable
        iterator = iter(iterable)
        return self._iterate_silently(self.stack.enter(identity, frame, is_silent=True), iterator)

    def _iterate_silently(self, loop: Loop, iterator: Iterator) -> Iterator:
        try:
            for item in Started(iterator):
                loop.begin_iteration(scalar(item))
                yield item
        finally:
            self.stack.leave(loop)

    def _iterate(self, loop: Loop) -> Iterator:
        handed: list[Any] = []
        try:
            while True:
                try:
                    item = next(loop.iterator)  # a jump may have put another in its place
                except StopIteration:
                    return
                loop.begin_iteration(scalar(item))
                handed.append(item)
                item = None
                yield handed.pop()
                frame = sys._getframe(1)
                jump = self._arrive(loop, frame)
                if jump is not None:
                    if jump.to is None:
                        self._skip(loop, jump)
                        return
                    self._jump(loop, frame, jump)
                del frame
        finally:
            self.left(loop)

    def while_loop(self, identity: str) -> None:
        frame = sys._getframe(1)
        if identity not in self.short.left_alone:
            self.enter(identity, frame)
        elif identity in self.reaching and self.stack.is_tracking():
            self.stack.enter(identity, frame, is_silent=True)

    def while_next(self, identity: str) -> bool:
        frame = sys._getframe(1)
        loop = self.stack.innermost(identity, frame)
        if loop is None:
            return True
        if loop.is_silent:
            loop.begin_iteration(None)
            return True
        jump = self._arrive(loop, frame)
        if jump is not None:
            if jump.to is None:
                self._skip(loop, jump)
                self.left(loop)  # an `else` block stands outside
                return False
            self._jump(loop, frame, jump)
        loop.begin_iteration(None)
        return True

    def left(self, loop: Loop) -> None:
        if self.stack.leave(loop) and not loop.is_silent:
            self.short.leave_as_recorded(loop.id)

    def has_else_ahead(self, loop: Loop) -> bool:
        return loop.skipped is None or loop.skipped[1].checkpoint.is_at_else()

    def exited(self, loop: Loop, frame: FrameType, at_else: bool) -> None:
        if loop.is_silent:
            return
        loop.iterator = None  # a generator that was left by `break` ends before anything is compared
        actions: Optional[Actions] = loop.marks
        says_something = True
        if loop.skipped is not None:
            start, jump = loop.skipped
            self._restore(loop, frame, jump.checkpoint)
            self.files_then.jump(jump.checkpoint.number, start)
            self._tell_jump(jump, start, jump.checkpoint.key)
            loop.skipped = None
        elif actions is not None and loop.index in actions.exit_checks:
            says_something = self._check(loop, frame, actions.exit_checks[loop.index])
        if self._control is not None:
            self._compare_with_control("exit", loop, loop.exit_key(), frame)
        if actions is not None and actions.stops_at_exit and (says_something or not actions.needs_evidence):
            self._stop()
        loop.anchors.clear()

    def enter(self, identity: str, frame: FrameType) -> Optional[Loop]:
        if not self.stack.is_tracking():
            return None
        loop = self.stack.enter(identity, frame)
        loop.serial = self.short.enter(identity)
        if self._actions:
            loop.marks = self._actions.get(split(loop.coordinate())[0])
        if loop.marks is not None:
            loop.anchors.append(self.anchors_at(loop, frame, None))
        return loop

    def _arrive(self, loop: Loop, frame: FrameType) -> Optional[Jump]:
        """What the plan wants at the boundary before iteration `loop.index`."""
        actions: Optional[Actions] = loop.marks
        if len(loop.parents) == 1:
            if self._control is not None:
                self._compare_with_control("boundary", loop, loop.boundary_key(), frame)
            if not self._facts.are_told:
                self._send_facts()
            self._look_at_devices()
            self._tell_progress(loop)
        if actions is None:
            return None
        if loop.index in actions.stops:
            self._tell_progress(loop, is_due=True)  # before comparing: nothing comes but its outcome
        if loop.index in actions.anchored:
            loop.anchors.append(self.anchors_at(loop, frame, None))
        checkpoint = actions.boundary_checks.get(loop.index)
        says_something = checkpoint is None or self._check(loop, frame, checkpoint)
        if loop.index in actions.stops and (says_something or not actions.needs_evidence):
            self._stop()
        return actions.jumps.get(loop.index)

    def _tell_progress(self, loop: Loop, is_due: bool = False) -> None:
        now = time.monotonic()
        if is_due or now - self._progress >= PROGRESS_INTERVAL:
            self._progress = now
            place = {"at": loop.coordinate(), "key": loop.boundary_key()}
            self.send({"t": "progress", "kind": "boundary", **place})

    def _tell_jump(self, jump: Jump, start: list[int], end: list[int]) -> None:
        self._last_jump = jump.checkpoint.number
        self.send({"t": "jump", "checkpoint": jump.checkpoint.number, "from": start, "to": end})
        self._companions.begin_anew()

    def _skip(self, loop: Loop, jump: Jump) -> None:
        """Remember to fill in the loop's exit state behind it."""
        loop.skipped = (loop.boundary_key(), jump)
        loop.index = jump.checkpoint.at[-1][2]
        # A generator that rests does what it does at its end now: later, it would be done to the recorded state.
        with self.stack.aside():
            loop.iterator = None

    def _jump(self, loop: Loop, frame: FrameType, jump: Jump) -> None:
        """Go to the boundary of a later iteration of this loop."""
        assert jump.to is not None
        start = loop.boundary_key()
        if loop.iterator is not None and loop not in self._anchors(loop, jump.checkpoint).shared:
            if driven_by_generator(loop.iterator, self.is_project_code):
                reason = f"the loop at {loop.id} is driven by a generator of the program"
                raise Unusable(jump.checkpoint.number, reason)
            loop.iterator = advanced(loop.iterator, jump.to - loop.index)
        loop.index = jump.to
        self._restore(loop, frame, jump.checkpoint)
        self.files_then.jump(jump.checkpoint.number, start)
        self._tell_jump(jump, start, loop.boundary_key())

    # State

    def names_excluded(self, owner: Any, name: str) -> bool:
        return self._probe_names.contain(owner, name)

    def _anchors(self, loop: Loop, checkpoint: Checkpoint) -> Anchors:
        for anchors in loop.anchors:
            if anchors.index == checkpoint.anchored:
                return anchors
        reason = f"the boundary of the loop at {loop.id} at which it begins was jumped over"
        raise Unusable(checkpoint.number, reason)

    def _restore(self, loop: Loop, frame: FrameType, checkpoint: Checkpoint) -> None:
        from . import state

        anchors = self._anchors(loop, checkpoint)
        if layout(anchors) != checkpoint.layout:
            reason = f"at the loop at {loop.id} the program's objects are arranged in another way"
            raise Unusable(checkpoint.number, reason)
        (header, stream), buffers = checkpoint.read()
        roots = self.roots(loop, frame, anchors)
        known = anchors.walk.rests()
        try:
            if len(known) != len(header["generators"]):
                raise rests.Unreachable("other generators of the program are in the middle of their work")
            with self.stack.aside():
                for rest, states in zip(known, header["generators"]):
                    rests.advance(rest, states)
                state.restore(anchors.walk, roots, stream, buffers)
        except (state.LayoutDiffers, state.LostStateUsed, rests.Unreachable) as error:
            raise Unusable(checkpoint.number, str(error)) from error
        self.take_iterators(anchors, roots)
        for rest, states in zip(known, header["generators"]):
            rests.set_loops(rest, states)
        self.entropy.position = checkpoint.entropy
        self.short.restore(header["entered"])

    def _check(self, loop: Loop, frame: FrameType, checkpoint: Checkpoint) -> bool:
        """Compares the program's data with a checkpoint's; whether that says anything."""
        if self._is_preview:
            return True
        self._checks_left.discard(checkpoint.number)
        compared = self._compared(loop, frame, checkpoint)
        if compared is None:
            self._tell_unchecked(UNREADABLE)
            return False
        difference, can_align = compared
        # Behind a jump a difference may mean that checkpoints hold too little; before, that the program takes
        # names, times or addresses from where it runs. Where it had the recorded ones it goes on as the run did.
        is_aligned = can_align and self._last_jump is None
        if is_aligned:
            self._restore(loop, frame, checkpoint)
        self._send_facts()
        key = loop.exit_key() if checkpoint.kind == "exit" else loop.boundary_key()
        if is_aligned:
            # What libraries keep for themselves, and files under other names, are as they are here.
            reason = f"what the program took from its surroundings differed and was made as recorded: {difference}"
            self.send({"t": "file", "reason": reason, "jumped": False, "key": key})
        check = {"t": "check", "checkpoint": checkpoint.number, "key": key, "difference": difference}
        self.send({**check, "aligned": True} if is_aligned else check)
        self._unchecked = None
        if difference is None:
            self._companions.begin_anew()
        return True

    def _compared(
        self, loop: Loop, frame: FrameType, checkpoint: Checkpoint
    ) -> Optional[tuple[Optional[str], bool]]:
        """How the program's data differ from a checkpoint's, and whether filling those in would make them equal;
        None where the checkpoint says nothing, for or against.
        """
        from . import state

        if not is_of_this_format(checkpoint.layout):
            return None
        anchors = next((a for a in loop.anchors if a.index == checkpoint.anchored), None)
        if anchors is None:
            return None  # nothing tells which objects it is about
        if layout(anchors) != checkpoint.layout:
            if anchors.walk.met_losses:
                return None  # what stands there is arranged like nothing that the run had
            return f"{loop.id}: the program's objects are arranged in another way", False
        (header, stream), buffers = checkpoint.read()
        try:
            roots = self.roots(loop, frame, anchors)
            with self.stack.aside():
                found = state.difference(anchors.walk, roots, stream, buffers)
        except state.LostStateUsed:
            return None  # what could not be stored is needed to read the rest
        self._addresses.update(map(str, anchors.walk.addresses))
        difference = found and found.text
        can_align = found is not None and found.is_of_values
        place = rests.difference(self.generators_of(anchors), header["generators"])
        if place is not None:
            difference, can_align = difference or place, False
        if self.entropy.position != checkpoint.entropy:
            difference = difference or "the program read clocks or random seeds another number of times"
            can_align = False
        if self.short.entered != header["entered"]:
            difference = difference or "the program entered its loops another number of times"
            can_align = False
        return difference, can_align


def is_asked(source: dict[str, Any]) -> bool:
    """Whether there may be probes in it: a comment that asks may have been there when it was recorded."""
    edited = source["edited"]
    return edited is not None and (edited != source["recorded"] or "#?" in edited)


def texts(sources: list[dict[str, Any]]) -> list[tuple[str, Optional[str], Optional[str]]]:
    return [(source["path"], source["recorded"], source["edited"]) for source in sources]


def split(at: list[list[Any]]) -> tuple[tuple, int]:
    """A coordinate as the activation it lies in and the index there."""
    activation = (*map(tuple, at[:-1]), *at[-1][:2])
    return activation, at[-1][2]
