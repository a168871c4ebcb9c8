"""A worker that has run the program up to its main loop and stands there, to be forked for each query.

It runs the recorded program, without probes, as any replay does. At the place where it is to stand it walks the
program's data, lets go of its threads and waits. Asked to fork, it gets a socket; its child reads the plan and
the edited sources from that, puts the probes in (see `liveprobes`) and is the worker of that query, as if it had
started with them. What was told before the place counts for every child.
"""

from __future__ import annotations

import ast
import gc
import os
import re
import socket
import sys
import types
from types import CodeType, FrameType
from typing import Any, Callable, NoReturn, Optional

from . import descriptors, forks
from .analysis.reach import loops_to_execute
from .analysis.recorded import RecordedProgram
from .analysis.splice import match_edited
from .channel import Channel, ChannelClosed
from .liveprobes import LiveProbes, NotLive, Run, Standstill, provide_names
from .loops import Loop
from .points import Points
from .replayer import Checkpoint, Jump, Replayer, split
from .session import last_line
from .shortloops import limits
from .views import Views

#: Functions that are compiled at run time are traced through points, which may change what comes out.
_COMPILES = re.compile(
    r"torch\s*\.\s*compile|torch\.jit|(?<!\bre)\.compile\(\s*\)|import\s+(jax|numba)\b"
)


class StandingWorker(Replayer):
    def __init__(self, channel: Channel, request: dict[str, Any]) -> None:
        super().__init__(channel, request)
        #: None where nobody else's files are at stake.
        self._views = Views() if request.get("views") else None
        self._inherited = descriptors.inherited()
        self._place = split(request["standing"])[0]
        self._program = RecordedProgram([(s["path"], s["recorded"]) for s in request["sources"]])
        for file in self._program.files.values():
            file.scopes  # noqa: B018  (made now, for all children)
        self._points = Points()
        self._stands = False
        self._compiled: dict[str, tuple[str, str, CodeType]] = {}
        #: Whether added statements run whose places were passed, and how the last one failed.
        self._is_late = False
        self._failure: Optional[str] = None
        #: The checkpoint of the place, if the program's data are equal to it: children need not look again.
        self._equal: Optional[int] = None
        #: What it does while nobody wants anything.
        self._leisure = self._blobs.verify(request.get("blobs") or ())
        self._runs: dict[int, list[Run]] = {}
        provide_names()

    def functions(self) -> dict[str, Callable[..., Any]]:
        return {**super().functions(), "point": self.reach_point, "points": self._points.active}

    # Sources

    def compile_file(self, path: str, name: str) -> Optional[CodeType]:
        relative = self.relative_path(path)
        if self._stands and relative in self._compiled:
            self._give_up(f"{relative} is loaded again")
        code = super().compile_file(path, name)
        if code is not None:
            self._compiled[relative] = (path, name, code)
        return code

    def tree_of(self, relative: str, path: str) -> ast.Module:
        tree = super().tree_of(relative, path)
        if not self._stands:
            file, line, _ = self._place[-2].rsplit(":", 2)
            is_main = self.sources[relative]["module"] == "__main__"
            self._points.put_in(
                tree, relative, int(line) if file == relative else 0 if is_main else None
            )
        return tree

    def reach_point(self, number: int) -> None:
        if not self._stands:
            return self._points.note_passed(number)
        frame = sys._getframe(1)
        for run in self._runs.get(number, ()):
            run(frame)

    # Standing

    def _arrive(self, loop: Loop, frame: FrameType) -> Optional[Jump]:
        if not self._stands and loop.index == 0 and split(loop.coordinate())[0] == self._place:
            self._stand(loop, frame)
        jump = super()._arrive(loop, frame)
        self._equal = None  # the program goes on
        return jump

    def _stand(self, loop: Loop, frame: FrameType) -> None:
        """Returns in children only."""
        self._stands = True
        # Nothing that happens here is the program's own doing.
        self.stack.suspended += 1
        loop.anchors[:] = [self.anchors_at(loop, frame, None)]
        standstill = self._look_around(frame)
        self._send_facts()
        self._compare_ahead(loop, frame)
        try:
            text = next((s for s in self.sources.values() if _COMPILES.search(s["recorded"])), None)
            if text is not None:
                raise forks.CannotFork(f"{text['path']} has functions compiled")
            forks.prepare()
            descriptors.check(self._own_descriptors())
            if self._views is not None:
                self._views.check()
        except forks.CannotFork as error:
            self._give_up(str(error))
        self.send({"t": "standing", "at": loop.coordinate(), "key": loop.boundary_key()})
        try:
            request = self._serve()
        except Exception as error:  # no memory or descriptors for a child: others answer
            self._give_up(last_line(error))
        try:
            self._become(request, loop, standstill)
        except NotLive as error:
            self._give_up(str(error))
        except ChannelClosed:
            os._exit(0)
        except Exception as error:  # whatever it is, a fresh worker answers
            self._give_up(last_line(error))
        self.stack.suspended -= 1

    def _compare_ahead(self, loop: Loop, frame: FrameType) -> None:
        checkpoint = loop.marks.boundary_checks.get(loop.index) if loop.marks is not None else None
        if checkpoint is None:
            return
        try:
            if self._compared(loop, frame, checkpoint) == (None, False):
                self._equal = checkpoint.number
        except Exception:
            pass  # whoever needs it will say so

    def _compared(
        self, loop: Loop, frame: FrameType, checkpoint: Checkpoint
    ) -> Optional[tuple[Optional[str], bool]]:
        if checkpoint.number == self._equal:
            return None, False
        return super()._compared(loop, frame, checkpoint)

    def _own_descriptors(self) -> list[int]:
        control = [] if self._control is None else [self._control.descriptor]
        return [self.channel.fileno(), *self._inherited, *self.files_then.held, *control]

    def _give_up(self, reason: str) -> NoReturn:
        self.send({"t": "cold", "reason": reason})
        os._exit(0)

    def _look_around(self, frame: Optional[FrameType]) -> Standstill:
        frames: dict[int, FrameType] = {}
        while frame is not None:
            frames[id(frame.f_code)] = frame
            frame = frame.f_back
        under_way = set(frames)
        functions: dict[int, list[types.FunctionType]] = {}
        for item in gc.get_objects():
            kind = type(item)
            if kind is types.FunctionType:
                if item.__code__.co_filename in self.files:
                    functions.setdefault(id(item.__code__), []).append(item)
            elif kind is types.GeneratorType:
                under_way.add(id(item.gi_code))
            elif kind is types.CoroutineType:
                under_way.add(id(item.cr_code))
            elif kind is types.AsyncGeneratorType:
                under_way.add(id(item.ag_code))
        return Standstill(under_way, frames, functions, self._compiled)

    def _serve(self) -> dict[str, Any]:
        """Waits for requests, forks, looks after the children. In a child: gives its request."""
        children = forks.Children(lambda n, status: self.send({"t": "exited", "id": n, "code": status}))
        while True:
            try:
                message = self.channel.received()
            except ChannelClosed:
                os._exit(0)
            children.reap()
            if message is None:
                # Whoever waits for a child needs the processor more.
                if children.are_there or next(self._leisure, self) is self:
                    forks.wait_for(self.channel, children)
            elif message["t"] == "kill":
                children.kill(message["id"])
            elif message["t"] == "fork":
                connection = socket.socket(fileno=self.channel.descriptors.pop(0))
                pid = self._fork()
                if pid == 0:
                    children.forget()
                    return self._received(connection)
                children.add(message["id"], pid)
                connection.close()

    def _fork(self) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        suspended = self.stack.suspended
        random = sys.modules.get("random")
        state = random.getstate() if random is not None else None
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            self._pid = os.getpid()
            self.stack.suspended = suspended
            # The module seeds itself anew in every child.
            if random is not None:
                random.setstate(state)
        return pid

    def _received(self, connection: socket.socket) -> dict[str, Any]:
        self.channel.close()
        self.channel = Channel(connection)
        request = self.channel.received(timeout=60)
        if request is None:
            os._exit(0)
        return request

    # Being a query's worker

    def probe_failed(self, site: str) -> None:
        if not self._is_late:
            return super().probe_failed(site)
        self._failure = last_line(sys.exc_info()[1] or RuntimeError("no exception"))

    def _take_failure(self) -> Optional[str]:
        failure, self._failure = self._failure, None
        return failure

    def _become(self, request: dict[str, Any], loop: Loop, standstill: Standstill) -> None:
        if self._views is not None and not self.files_then.renumber(self._views.separate):
            raise NotLive("the program has moved a file whose contents are not known")
        self._checks_left.clear()
        self._take_control(request)
        descriptors.reopen(self._own_descriptors())
        self._installed.begin()
        edited = {edit["path"]: edit["text"] for edit in request["edited"]}
        matches = match_edited(self._program, edited, request.get("groups"))
        self._actions = self._plan(request)
        self._is_preview = bool(request.get("preview"))
        ahead = {c["n"] for c in request["checkpoints"] if c["key"] >= loop.boundary_key()}
        self._checks_left |= ahead.intersection(request["checks"] or ())
        others = [other for other in self.stack.live[1:] if other is not loop]
        if any(split(other.coordinate())[0] in self._actions for other in others):
            raise NotLive("the plan begins in a loop that is under way")
        loop.marks = self._actions.get(self._place)
        additions = [addition for match in matches for addition in match.additions]
        if additions and limits(self._initial):
            self.reaching = set(loops_to_execute(self._program, additions))
            if self.reaching & self.short.left_alone:
                raise NotLive("a loop around a probe was left alone before the place")
        probes = LiveProbes(self._program, self._points, standstill, matches)
        self._spliced = probes.unloaded
        for path, names in probes.names.items():
            if path in self._compiled:
                _, module, code = self._compiled[path]
                self._probe_names.add(code, module, names)
        if not probes.leave_all_alone:
            self._equal = None
        self._runs = probes.runs
        self._points.active[:] = [False] * len(self._points.active)
        for number in self._runs:
            self._points.active[number] = True
        self.stack.live.remove(loop)
        self._is_late = True
        probes.run_late(self._take_failure)
        self._is_late = False
        self.stack.live.append(loop)
