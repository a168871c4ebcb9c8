"""Records a program: its sources, log records and loop boundaries, and checkpoints as the budget allows.

Nothing that goes wrong here may reach the program: a session that fails goes silent.
"""

from __future__ import annotations

import ast
import atexit
import functools
import math
import os
import sys
import time
from types import CodeType, FrameType, ModuleType
from typing import Any, Callable, Iterable, Iterator, Optional

from . import environment, entropy, logs, tracebacks
from .anchors import LATER
from .budget import Budget
from .channel import Channel, ChannelClosed
from .files import FileLog
from .loops import Loop, Started, may_run_code, scalar
from .programs import Program
from .sharedbuffer import Filled, SharedBuffer
from .shortloops import PREFIX, ShortLoops
from .session import END_OF_RUN, Session, exit_code, last_line, layout, with_header
from .unheld import known_anchors, unheld

#: Seconds between milestones of one loop statement.
MILESTONE_INTERVAL = 0.05
#: Seconds from which on every activation's end is told: how many iterations it had.
LONG_LOOP = 0.005
#: Seconds between looks at the clock, aimed at by the stride of a fast loop.
LOOK_INTERVAL = 0.002
#: A checkpoint that comes within so many times its cost after another is likely to differ little from it.
CLOSE = 10.0


def start(program: Program, settings: dict[str, Optional[str]]) -> None:
    """Connects to the collector and takes over the main program; raises where that fails."""
    channel = Channel.connect(settings["HINDSIGHT_SOCKET"] or "")
    recorder = Recorder(program, channel, Budget(float(settings["HINDSIGHT_BUDGET"] or 0.01)))
    channel.send(
        {
            "t": "hello",
            "version": 1,
            "pid": os.getpid(),
            "program": recorder.relative_path(program.path),
            "module": program.module,
            "argv": program.command,
            "executable": sys.executable,
            "cwd": os.getcwd(),
            "environment": dict(os.environ),
            "hashseed": settings["HINDSIGHT_HASHSEED"] or os.environ.get("PYTHONHASHSEED"),
            "python": sys.version.split()[0],
        }
    )
    answer = channel.received(timeout=10)
    if answer is None or answer.get("t") != "welcome":
        raise ChannelClosed(str((answer or {}).get("reason", "the collector does not answer")))
    recorder.install(answer.get("store"), os.path.dirname(settings["HINDSIGHT_SOCKET"] or ""))


def contained(method: Callable[..., Any]) -> Callable[..., Any]:
    """Keeps the recorder's failures from the program."""

    @functools.wraps(method)
    def guarded(self: "Recorder", *arguments: Any) -> Any:
        if not self.is_recording:
            return None
        try:
            return method(self, *arguments)
        except Exception as error:
            self.fail(error)
            return None

    return guarded


class Recorder(Session):
    def __init__(self, program: Program, channel: Channel, budget: Budget) -> None:
        super().__init__(program)
        self.channel = channel
        self.buffer = SharedBuffer(channel)
        self.budget = budget
        self.is_recording = True
        self.began = time.perf_counter()
        self.entropy = entropy.EntropyLog(
            self._send_entropy, is_passive=lambda: not self.stack.is_tracking()
        )
        self.short = ShortLoops(tell=self._leave_alone)
        self._number = 0
        self._records = 0
        #: What the collector still reads, by checkpoint.
        self._being_read: dict[int, list[Filled]] = {}
        self._last_checkpoint = self.began
        #: loop id → seconds of its last activation; kind and loop id → when its last milestone was.
        self._durations: dict[str, float] = {}
        self._milestones: dict[tuple[str, str], float] = {}
        #: loop id → iterations between two looks at the clock.
        self._strides: dict[str, int] = {}
        self._noted: set[str] = set()
        self._facts = environment.Facts()
        self._ending: dict[str, Any] = {"status": "finished", "exitCode": 0, "exception": None}
        self._pid = os.getpid()
        self.file_log: Optional[FileLog] = None

    def install(self, *folders: Optional[str]) -> None:
        """`folders` are Hindsight's own."""
        self.provide_functions()
        self.file_log = FileLog(self.program.root, self._send_files, *folders)
        self.hooks(
            observed={
                "random": self._observe_random,
                "numpy.random": self._observe_numpy,
                "torch": self._observe_torch,
                "tempfile": self._observe_tempfile,
            }
        ).install()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_to_parent)
        atexit.register(self._end)

    # Failing quietly

    def fail(self, error: BaseException) -> None:
        if not self.is_recording:
            return
        try:
            if not isinstance(error, ChannelClosed):
                self.note(f"recording stopped: {type(error).__name__}: {error}")
        except Exception:
            pass
        self.is_recording = False
        self.buffer.close()
        if self.file_log is not None:
            self.file_log.leave()
        if os.environ.get("HINDSIGHT_DEBUG"):
            import traceback

            traceback.print_exception(type(error), error, error.__traceback__)

    def note(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self.channel.send({"t": "note", "text": text})

    def _leave_to_parent(self) -> None:
        """In a forked child: the line belongs to the parent."""
        self.is_recording = False
        if self.file_log is not None:
            self.file_log.become_child()

    def elapsed(self) -> float:
        return time.perf_counter() - self.began

    # The program's sources and its run

    def compile_file(self, path: str, name: str) -> Optional[CodeType]:
        if not self.is_recording:
            return None
        try:
            text = self.read_source(path)
            code, loops = self.compile_tree(ast.parse(text, path), text, path, name)
        except Exception as error:
            if name == "__main__":
                self.fail(error)
            return None  # Python's own loader reports it better
        try:
            self.channel.send(
                {
                    "t": "source",
                    "path": self.files[path],
                    "module": name,
                    "text": text,
                    "loops": [
                        {"id": s.id, "line": s.line, "endLine": s.end_line, "target": s.target}
                        for s in loops
                    ],
                }
            )
        except Exception as error:
            self.fail(error)
        return code

    def run_main(self, execute: Callable[[], None]) -> None:
        try:
            execute()
        except SystemExit as error:
            self._ending["exitCode"] = exit_code(error)
            raise
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            self._ending = {
                "status": "interrupted" if interrupted else "raised",
                "exitCode": 130 if interrupted else 1,
                "exception": last_line(error),
            }
            tracebacks.clean_exception(error, is_script=False)
            tracebacks.clean_what_is_printed(is_script=self.program.module is None)
            raise

    def _end(self) -> None:
        if not self.is_recording or os.getpid() != self._pid:
            return
        try:
            self._send_facts()
            if self.file_log is not None:
                self.file_log.finish()
                if self.file_log.misses:
                    self.note(self.file_log.misses)
                self.file_log.leave()
            digest = environment.random_digest()
            self.channel.send({"t": "initial", "name": END_OF_RUN, "state": digest})
            message = {"t": "end", "elapsed": self.elapsed(), "overhead": self.budget.spent}
            self.channel.send({**message, **self._ending})
            self.channel.flush(5)
        except Exception:
            pass
        self.is_recording = False
        self.buffer.close()
        # Of loops in generators that never end: what they hold is about to be finalized.
        for loop in self.stack.live[1:]:
            loop.iterator = None
            loop.anchors.clear()

    def _observe_random(self, module: ModuleType) -> None:
        self._send_initial("random", module.getstate)
        self.entropy.watch_system_random(module)

    def _observe_numpy(self, module: ModuleType) -> None:
        self._send_initial("numpy", module.get_state)

    def _observe_torch(self, module: ModuleType) -> None:
        from .state import devices
        from .state.tensors import bytes_of_tensor

        self._send_initial("torch", lambda: bytes_of_tensor(module.get_rng_state()))
        devices.when_started(module, self._observe_devices)

    def _observe_devices(self) -> None:
        from .state import devices
        from .state.tensors import bytes_of_tensor

        for number, generator in enumerate(devices.generators()):
            self._send_initial(f"cuda:{number}", lambda: bytes_of_tensor(generator.get_state()))

    def _observe_tempfile(self, module: ModuleType) -> None:
        with self.entropy.aside():
            names = entropy.generator_of_names(module)
        if names is not None:
            self._send_initial("tempfile", names.getstate)

    @contained
    def _send_initial(self, name: str, state: Callable[[], object]) -> None:
        self.channel.send({"t": "initial", "name": name, "state": entropy.encode(state())})

    @contained
    def _send_entropy(self, position: int, name: str, value: str) -> None:
        self.channel.send({"t": "entropy", "n": position, "source": name, "value": value})

    def _send_files(self, records: list[dict[str, Any]]) -> None:
        self.channel.send({"t": "files", "records": records})

    def _send_facts(self) -> None:
        facts = self._facts.news()
        if facts is not None:
            self.channel.send({"t": "fingerprint", "facts": facts})

    # Log records

    def log_function(self, site: str, function: Any) -> Any:
        if not self.is_recording:
            return function
        try:
            wrapper = logs.wrapper(function)
        except Exception:
            return function
        return function if wrapper is None else wrapper(site, function, self._logged)

    @contained
    def _logged(self, site: str, text: str, name: Optional[str], value: Any) -> None:
        if not self.stack.is_tracking():
            return  # other threads' records have no place in the program's order
        frame = sys._getframe(2)
        if not self._records:
            self._send_facts()  # a run that is killed has to have them, too
        self._records += 1
        iterations = self.stack.iterations(frame)
        for loop in self.stack.live:
            loop.is_loud = True
        self.channel.send(
            {
                "t": "log",
                "site": site,
                "text": text,
                "name": name,
                "value": value,
                "it": iterations,
                "key": self.stack.next_own_key(frame),
            }
        )

    # Loops

    def for_loop(self, identity: str, iterable: Iterable) -> Iterable:
        if identity in self.short.left_alone:
            return iterable
        loop = self.enter(identity, sys._getframe(1))
        if loop is None:
            return iterable
        self.stack.open(loop)
        try:
            iterator = iter(iterable)
        except BaseException:
            self.left(loop)
            raise
        if not may_run_code(iterator):
            self.stack.close(loop)
        loop.iterator = iterator
        if loop.anchors:
            self._note_iterator(loop)
        return self._iterate(loop, iterator)

    @contained
    def _note_iterator(self, loop: Loop) -> None:
        self.note_iterator(loop)
        if self._may_meet_generators(loop):
            loop.countdown = 1

    def _iterate(self, loop: Loop, iterator: Iterator) -> Iterator:
        # Every iteration of the program's loops passes here: `Loop.begin_iteration`, spelled out.
        handed: list[Any] = []
        hand, take = handed.append, handed.pop
        countdown = loop.countdown
        try:
            for item in Started(iterator):
                loop.index += 1
                if loop.events and loop.fetched != loop.index - 1:
                    loop.events = 0
                    loop.occurrences.clear()
                if type(item) is int:
                    loop.value = item
                    yield item
                else:
                    loop.value = scalar(item)
                    # The program decides how long an item lives: keep no reference while its body runs.
                    hand(item)
                    item = None
                    yield take()
                countdown -= 1
                if not countdown:
                    countdown = self._boundary(loop, sys._getframe(1)) or 1024
        finally:
            self.left(loop)

    def while_loop(self, identity: str) -> None:
        if identity not in self.short.left_alone:
            self.enter(identity, sys._getframe(1))

    def while_next(self, identity: str) -> bool:
        loop = self.stack.innermost(identity, sys._getframe(1)) if self.is_recording else None
        if loop is not None:
            if loop.index:
                loop.countdown -= 1
                if not loop.countdown:
                    loop.countdown = self._boundary(loop, sys._getframe(1)) or 1024
            loop.begin_iteration(None)
        return True

    @contained
    def enter(self, identity: str, frame: FrameType) -> Optional[Loop]:
        if not self.stack.is_tracking():
            return None
        loop = self.stack.enter(identity, frame)
        loop.serial = self.short.enter(identity)
        now = time.perf_counter()
        loop.started = now
        loop.marks = _Marks(now, self._strides.get(identity, 1))
        loop.countdown = loop.marks.stride
        elapsed = now - self.began
        if len(loop.parents) == 1 and not self._facts.are_told:
            self._send_facts()  # a run that is killed has to have them, too
        if self.budget.may_walk(self._durations.get(identity), elapsed):
            self._walk(loop, frame)
            if self._may_meet_generators(loop):
                loop.countdown = 1
            if len(loop.parents) == 1:
                self._milestone("boundary", loop, now)
                if self.budget.is_worth(now - self._last_checkpoint, elapsed):
                    self._checkpoint("boundary", loop, frame)
        return loop

    @contained
    def left(self, loop: Loop) -> None:
        if not self.stack.leave(loop):
            return
        if loop.is_loud:
            self.short.mark_loud(loop.id)
        self.short.leave(loop.id, time.perf_counter() - loop.started)

    @contained
    def _leave_alone(self, identity: str, activations: int) -> None:
        state = str(activations)
        self.channel.send({"t": "initial", "name": PREFIX + identity, "state": state})

    @contained
    def _boundary(self, loop: Loop, frame: FrameType) -> Optional[int]:
        """Called between two iterations; returns after how many more it wants to be called again."""
        now = time.perf_counter()
        marks = loop.marks
        self._milestone("boundary", loop, now)
        if loop.anchors and loop.index in LATER:
            self._renew_anchors(loop, frame)
        if loop.anchors and self._is_innermost(loop):
            is_inner = len(loop.parents) > 1
            covered = now - max(marks.checkpoint, self._last_checkpoint if is_inner else 0.0)
            is_near_exit = is_inner and self._seconds_left(loop, now) < covered
            if not is_near_exit and self.budget.is_worth(covered, now - self.began, is_inner):
                self._checkpoint("boundary", loop, frame)
                marks.checkpoint = time.perf_counter()
        # Look at the clock every few milliseconds, not at every iteration of a fast loop.
        spent = max(now - marks.looked, 1e-7)
        marks.looked = now
        marks.stride = max(1, min(1024, int(marks.stride * LOOK_INTERVAL / spent)))
        self._strides[loop.id] = marks.stride
        is_awaited = loop.index + 1 in LATER and self._may_meet_generators(loop)
        return 1 if is_awaited else marks.stride

    def _seconds_left(self, loop: Loop, now: float) -> float:
        """Until its exit, which will have a checkpoint of its own, if it takes as long as the last time."""
        expected = self._durations.get(loop.id)
        return math.inf if expected is None else max(0.0, loop.started + expected - now)

    @contained
    def exited(self, loop: Loop, frame: FrameType, at_else: bool) -> None:
        now = time.perf_counter()
        duration = now - loop.started
        self._durations[loop.id] = duration
        self._milestone("exit", loop, now)
        loop.iterator = None
        # A generator that was left by `break` may have logged at its end: that is behind the loop, and would be
        # jumped over with it.
        is_still = 2 * loop.parents[-1].events == loop.slot + 1
        if loop.anchors and self.budget.is_worth(duration, now - self.began, walked=True) and is_still:
            self._checkpoint("exit", loop, frame, at_else)
        loop.anchors.clear()

    def _milestone(self, kind: str, loop: Loop, now: float) -> None:
        if not loop.is_in_place():
            return
        last = self._milestones.get((kind, loop.id), 0.0)
        is_long = kind == "exit" and now - loop.started >= LONG_LOOP
        if now - last < MILESTONE_INTERVAL and not is_long:
            return
        self._milestones[kind, loop.id] = now
        if self.file_log is not None:
            self.file_log.look()
        self.channel.send(
            {
                "t": "milestone",
                "kind": kind,
                "at": loop.coordinate(),
                "key": loop.boundary_key() if kind == "boundary" else loop.exit_key(),
                "elapsed": now - self.began,
            }
        )

    # Checkpoints

    def _walk(self, loop: Loop, frame: FrameType) -> None:
        began = time.perf_counter()
        try:
            limit = self.budget.longest_walk(began - self.began)
            loop.anchors.append(self.anchors_at(loop, frame, limit))
        except ChannelClosed:
            raise
        except Exception as error:  # logs and coordinates go on without checkpoints
            self.note(f"no checkpoints in the loop at {loop.id}: {last_line(error)}")
        self.budget.walked(time.perf_counter() - began)

    @staticmethod
    def _may_meet_generators(loop: Loop) -> bool:
        """Whether there are checkpoints in it, and perhaps generators that rest at its first boundaries."""
        return bool(loop.anchors) and (loop.is_open or bool(loop.anchors[0].walk.generators))

    def _renew_anchors(self, loop: Loop, frame: FrameType) -> None:
        """Once generators rest where they had not begun, walks again: that makes them known."""
        if not self._may_meet_generators(loop) or not self.budget.affords(self.elapsed()):
            return
        if not (self._is_innermost(loop) and loop.is_in_place()):
            return
        if known_anchors(self, "boundary", loop, frame) is None:
            count = len(loop.anchors)
            self._walk(loop, frame)
            if known_anchors(self, "boundary", loop, frame) is None:
                del loop.anchors[count:]

    def _is_innermost(self, loop: Loop) -> bool:
        """But for loops of generators, which are live while those rest."""
        for live in reversed(self.stack.live):
            if live is loop or not live.in_generator:
                return live is loop
        return False

    def _checkpoint(self, kind: str, loop: Loop, frame: FrameType, at_else: bool = False) -> None:
        self._poll()
        if not loop.is_in_place():
            return
        began = time.perf_counter()
        # The writer is behind: rather no checkpoint than a wait, but for one that differs little from the last, as
        # a boundary's does from that of the inner loop's exit.
        being_read = [place for places in self._being_read.values() for place in places]
        if len(self._being_read) > 1 or (
            being_read and began - self._last_checkpoint > CLOSE * self.budget.cost
        ):
            return
        anchors, unknown = known_anchors(self, kind, loop, frame), []
        if anchors is None:
            if self.stack.live[-1] is not loop and kind == "boundary":
                return
            anchors = loop.anchors[0]
            unknown = unheld(self, kind, loop, frame, anchors)
        try:
            from . import state

            generators = self.generators_of(anchors)
            with self.stack.aside():
                captured = state.capture(anchors.walk, self.roots(loop, frame, anchors))
            header = {"entered": self.short.entered, "else": at_else, "generators": generators}
            stream = with_header(header, captured.stream)
            copying = time.perf_counter()
            places = self.buffer.fill([stream, *captured.buffers], being_read)
        except ChannelClosed:
            raise
        except Exception as error:
            self.note(f"no checkpoint at {loop.id}: {last_line(error)}")
            self.budget.took(time.perf_counter() - began, self.budget.size)
            loop.anchors.clear()
            return
        walked = self.budget.walk_cost
        done = time.perf_counter()
        if places is None:
            self.budget.spent += done - began
            return
        size = sum(length for _, length, since in places if since == self.buffer.filling)
        lost = [*captured.lost, *unknown]
        self._send_facts()
        if self.file_log is not None:
            self.file_log.checkpoint(self._number)
        self.channel.send(
            {
                "t": "checkpoint",
                "n": self._number,
                "kind": kind,
                "at": loop.coordinate(),
                "key": loop.boundary_key() if kind == "boundary" else loop.exit_key(),
                "elapsed": done - self.began,
                "layout": layout(anchors),
                "from": anchors.index,
                "stream": places[0],
                "buffers": places[1:],
                "lost": lost,
                "logs": self._records,
                "entropy": self.entropy.position,
                "cost": {"walk": walked, "capture": copying - began, "copy": done - copying},
            }
        )
        self._being_read[self._number] = places
        self._number += 1
        self._last_checkpoint = time.perf_counter()
        if being_read:
            self.budget.spent += self._last_checkpoint - began  # most of it was compared: no measure for others
        else:
            self.budget.took(self._last_checkpoint - began, size)

    def _poll(self) -> None:
        while True:
            message = self.channel.received()
            if message is None:
                return
            if message.get("t") == "stored":
                self._being_read.pop(message.get("n"), None)


class _Marks:
    """What a loop's activation remembers between looks at the clock."""

    __slots__ = ("checkpoint", "looked", "stride")

    def __init__(self, now: float, stride: int) -> None:
        self.checkpoint = now
        self.looked = now
        self.stride = stride
