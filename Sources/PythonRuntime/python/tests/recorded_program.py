"""Runs small programs plainly, recorded and replayed, with this test in the place of the Swift side."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from typing import Any, Optional

START = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "start")
HASH_SEED = "7"


class Project:
    """A temporary project: files by relative path, run with this interpreter."""

    def __init__(self, files: dict[str, str]) -> None:
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="hindsight-test-"))
        #: Of the environment, besides the test's own.
        self.variables: dict[str, str] = {}
        for path, text in files.items():
            self.write(path, text)

    def write(self, path: str, text: str) -> None:
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))

    def read(self, path: str) -> str:
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def remove(self) -> None:
        shutil.rmtree(self.root)

    def plain(self, *arguments: str) -> subprocess.CompletedProcess:
        return self._run(arguments, {"PYTHONHASHSEED": HASH_SEED}, ())

    def environment(self, variables: dict[str, str]) -> dict[str, str]:
        hidden = ("PYTHONPATH", "HINDSIGHT_DEBUG")
        inherited = {k: v for k, v in os.environ.items() if k not in hidden}
        return {**inherited, **self.variables, **variables}

    def _run(self, arguments: Any, variables: dict, descriptors: Any) -> subprocess.CompletedProcess:
        environment = self.environment(variables)
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            pass_fds=descriptors,
            timeout=120,
        )

    def record(self, *arguments: str, budget: float = 0.01) -> "Recording":
        collector = Collector(os.path.join(self.root, ".socket"))
        started = time.time()
        try:
            result = self._run(
                arguments,
                {
                    "PYTHONPATH": START,
                    "PYTHONHASHSEED": HASH_SEED,
                    "HINDSIGHT_HASHSEED": HASH_SEED,
                    "HINDSIGHT_MODE": "record",
                    "HINDSIGHT_SOCKET": collector.path,
                    "HINDSIGHT_ROOT": self.root,
                    "HINDSIGHT_BUDGET": str(budget),
                },
                (),
            )
        finally:
            collector.close()
        return Recording(self, started, result, collector.messages)


class Collector:
    """Answers the runtime as `hindsight record` does, and keeps what it sends."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.messages: list[dict[str, Any]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        pending, buffer = b"", -1
        known: dict[tuple[int, int, int], bytes] = {}
        with connection:
            while True:
                try:
                    data, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 1)
                except ConnectionResetError:  # it ended without reading our last answer
                    return
                if descriptors:
                    buffer = descriptors[0]
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    message = json.loads(line)
                    if message["t"] == "hello":
                        connection.sendall(b'{"t":"welcome","run":"1"}\n')
                    elif message["t"] == "checkpoint":
                        places = [message["stream"], *message["buffers"]]
                        message["blobs"] = []
                        for at, size, since in places:
                            blob = os.pread(buffer, size, at)
                            # The collector looks at bytes of the same age only once.
                            message["blobs"].append(known.setdefault((at, size, since), blob))
                        with contextlib.suppress(BrokenPipeError):  # it may have ended by now
                            connection.sendall(b'{"t":"stored","n":%d}\n' % message["n"])
                    self.messages.append(message)

    def close(self) -> None:
        # Closing does not wake a thread that waits in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for thread in self._threads:
            thread.join()
        os.unlink(self.path)


class Recording:
    def __init__(
        self,
        project: Project,
        started: float,
        result: subprocess.CompletedProcess,
        messages: list[dict[str, Any]],
    ) -> None:
        self.project = project
        #: Seconds since 1970.
        self.started = started
        self.result = result
        self.messages = messages

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["t"] == kind]

    @property
    def hello(self) -> dict[str, Any]:
        return self.of("hello")[0]

    def checkpoints(self) -> list[dict[str, Any]]:
        result = []
        for message in self.of("checkpoint"):
            path = os.path.join(self.project.root, f".pack-{message['n']}")
            offset, blobs = 0, []
            with open(path, "wb") as file:
                for data in message["blobs"]:
                    file.write(data)
                    digest = hashlib.sha256(data).hexdigest()
                    place = {"file": path, "offset": offset, "length": len(data), "sha256": digest}
                    blobs.append(place)
                    offset += len(data)
            kept = {key: message[key] for key in ("n", "kind", "at", "key", "layout", "logs", "entropy")}
            result.append({**kept, "stream": blobs[0], "buffers": blobs[1:]})
        return result

    def files(self) -> list[dict[str, Any]]:
        keys = {message["n"]: message["key"] for message in self.of("checkpoint")}
        records = []
        for position, record in enumerate(r for m in self.of("files") for r in m["records"]):
            content = None
            if "data" in record:
                data = base64.b64decode(record["data"])
                path = os.path.join(self.project.root, ".hindsight", f"content-{position}")
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(data)
                digest = hashlib.sha256(data).hexdigest()
                content = {"file": path, "offset": 0, "length": len(data), "sha256": digest}
            known = {name: record.get(name, 0) for name in ("size", "mtime", "inode")}
            number = record.get("n")
            place = {"n": number, "key": keys.get(number), "content": content}
            records.append({**{k: record[k] for k in ("kind", "path", "state")}, **known, **place})
        return records

    def request(self, edited: Optional[dict[str, str]] = None, **plan: Any) -> dict[str, Any]:
        """What a worker is told about a plan: `jumps`, `checks` (or "all"), `stop`."""
        checkpoints = self.checkpoints()
        if plan.get("checks") == "all":
            plan["checks"] = [c["n"] for c in checkpoints]
        return {
            "t": "replay",
            "root": self.project.root,
            "module": self.hello["module"],
            "sources": [
                {
                    "path": source["path"],
                    "module": source["module"],
                    "recorded": source["text"],
                    "edited": textwrap.dedent((edited or {})[source["path"]])
                    if source["path"] in (edited or {})
                    else None,
                }
                for source in self.of("source")
            ],
            "entropy": [{"source": e["source"], "value": e["value"]} for e in self.of("entropy")],
            "initial": {m["name"]: m["state"] for m in self.of("initial")},
            "files": self.files(),
            "started": self.started,
            "private": True,
            "checkpoints": checkpoints,
            **plan,
        }

    def replay(self, edited: Optional[dict[str, str]] = None, **plan: Any) -> list[dict[str, Any]]:
        """Everything a worker says about a plan."""
        request = self.request(edited, **plan)
        ours, theirs = socket.socketpair()
        answers: list[bytes] = []

        def converse() -> None:
            ours.sendall(json.dumps(request).encode() + b"\n")
            with ours.makefile("rb") as file:
                answers.extend(file)

        conversation = threading.Thread(target=converse)
        with ours:
            conversation.start()
            result = self.project._run(
                self.hello["argv"][1:],
                replay_variables(theirs.fileno()),
                (theirs.fileno(),),
            )
            theirs.close()
            conversation.join()
        messages = [json.loads(line) for line in answers]
        if not messages or messages[-1]["t"] != "end":
            raise AssertionError(f"the worker did not end well:\n{result.stderr}")
        return messages


def replay_variables(channel: int) -> dict[str, str]:
    return {
        "PYTHONPATH": START,
        "PYTHONHASHSEED": HASH_SEED,
        "HINDSIGHT_HASHSEED": HASH_SEED,
        "HINDSIGHT_MODE": "replay",
        "HINDSIGHT_CHANNEL": str(channel),
    }


def texts(messages: list[dict[str, Any]], kind: str = "hit") -> list[str]:
    return [message["text"] for message in messages if message["t"] == kind]
