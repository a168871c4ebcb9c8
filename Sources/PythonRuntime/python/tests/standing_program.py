"""A recorded program in a standing worker, with this test in the place of the Swift side."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from typing import Any, BinaryIO, Optional

from .recorded_program import Recording, replay_variables


class Standing:
    """`at`: the loop's identity and which of its activations."""

    def __init__(self, recording: Recording, loop: str, occurrence: int = 0) -> None:
        self.recording = recording
        request = recording.request(standing=[[loop, occurrence, 0]])
        self._ours, theirs = socket.socketpair()
        self._log = open(os.path.join(recording.project.root, ".standing"), "w+b")
        self.process = subprocess.Popen(
            [sys.executable, *recording.hello["argv"][1:]],
            cwd=recording.project.root,
            env=recording.project.environment(replay_variables(theirs.fileno())),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=(theirs.fileno(),),
        )
        theirs.close()
        self._ours.settimeout(120)
        self._ours.sendall(json.dumps(request).encode() + b"\n")
        self._lines: BinaryIO = self._ours.makefile("rb")
        self._number = 0
        #: What was told before the place.
        self.prefix = self._until(("standing", "cold", "end"))
        #: Why it does not stand.
        self.refusal: Optional[str] = None
        if not self.prefix or self.prefix[-1]["t"] != "standing":
            self.refusal = self.prefix[-1].get("reason", self.output()) if self.prefix else self.output()
        else:
            #: Where it is in the order of events.
            self.key: list[int] = self.prefix.pop()["key"]

    def _until(self, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
        messages = []
        for line in self._lines:
            messages.append(json.loads(line))
            if messages[-1]["t"] in kinds:
                break
        return messages

    def output(self) -> str:
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")

    def fork(
        self, edited: dict[str, str], descriptor: Optional[int] = None, **plan: Any
    ) -> "Child":
        self._number += 1
        ours, theirs = socket.socketpair()
        line = json.dumps({"t": "fork", "id": self._number}).encode() + b"\n"
        socket.send_fds(self._ours, [line], [theirs.fileno()])
        theirs.close()
        request = self.recording.request(edited, **plan)
        sources = [s for s in request["sources"] if s["edited"] is not None]
        texts = [{"path": s["path"], "text": s["edited"]} for s in sources]
        keys = ("groups", "jumps", "checks", "checkpoints", "stop", "control")
        ours.settimeout(120)
        line = json.dumps({"edited": texts, **{k: request.get(k) for k in keys}}).encode() + b"\n"
        sent = socket.send_fds(ours, [line], [] if descriptor is None else [descriptor])
        ours.sendall(line[sent:])
        return Child(self, self._number, ours)

    def replay(self, edited: dict[str, str], **plan: Any) -> list[dict[str, Any]]:
        """What a worker that began with the probes would have said; ends with a `cold` message where it cannot."""
        messages = self.fork(edited, **plan).messages()
        if not messages or messages[-1]["t"] not in ("end", "cold"):
            raise AssertionError(f"the child did not end well: {messages[-3:]}\n{self.output()}")
        return [*self.prefix, *messages]

    def kill(self, child: "Child") -> None:
        self._ours.sendall(json.dumps({"t": "kill", "id": child.number}).encode() + b"\n")

    def exits(self, count: int) -> dict[int, int]:
        """The statuses of the next children that end."""
        ended = {}
        while len(ended) < count:
            message = self._until(("exited",))[-1]
            ended[message["id"]] = message["code"]
        return ended

    def close(self) -> None:
        self._ours.close()
        self._lines.close()
        self.process.kill()
        self.process.wait()
        self._log.close()


class Child:
    def __init__(self, standing: Standing, number: int, connection: socket.socket) -> None:
        self.number = number
        self._connection = connection

    def messages(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        # One that is killed before it has read what it was told resets the line.
        with contextlib.suppress(ConnectionResetError):
            with self._connection, self._connection.makefile("rb") as lines:
                for line in lines:
                    messages.append(json.loads(line))
        return messages
