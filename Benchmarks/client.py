"""A language client that drives any server over its standard streams, and takes the time of each message."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from typing import Any, Callable, Optional, Sequence

CAPABILITIES = {
    "general": {"positionEncodings": ["utf-8", "utf-16"]},
    "textDocument": {
        "synchronization": {"didSave": True},
        "publishDiagnostics": {"versionSupport": True},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "inlayHint": {},
    },
    "window": {"workDoneProgress": True},
    "workspace": {"inlayHint": {"refreshSupport": True}, "configuration": True},
}


class Client:
    def __init__(
        self, command: Sequence[str], cwd: str, variables: Optional[dict[str, str]] = None
    ) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.changed = threading.Condition()
        self.responses: dict[int, tuple[float, dict]] = {}
        #: (uri, version) → when diagnostics for it came first.
        self.published: dict[tuple[str, Optional[int]], float] = {}
        #: uri → version, when and what diagnostics came last.
        self.latest: dict[str, tuple[Optional[int], float, list[dict]]] = {}
        #: Of progress that the server has begun.
        self.tokens: list[Any] = []
        self._count = 0
        self._versions: dict[str, int] = {}
        threading.Thread(target=self._read, daemon=True).start()

    # Messages

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while True:
            length = 0
            while True:
                line = stream.readline()
                if not line:
                    return
                if line == b"\r\n":
                    break
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            body = stream.read(length)
            now = time.perf_counter()
            message = json.loads(body)
            with self.changed:
                self._take(message, now)
                self.changed.notify_all()

    def _take(self, message: dict, now: float) -> None:
        method = message.get("method")
        if method is None:
            self.responses[message["id"]] = (now, message)
        elif method == "$/progress":
            if message["params"]["value"]["kind"] == "begin":
                self.tokens.append(message["params"]["token"])
        elif "id" in message:
            items = message.get("params", {}).get("items", []) if message.get("params") else []
            result = [None] * len(items) if method == "workspace/configuration" else None
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})
        elif method == "textDocument/publishDiagnostics":
            params = message["params"]
            self.published.setdefault((params["uri"], params.get("version")), now)
            self.latest[params["uri"]] = (params.get("version"), now, params["diagnostics"])

    def send(self, message: dict) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def notify(self, method: str, params: Any) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, method: str, params: Any, patience: float = 120) -> tuple[Any, float]:
        """The result, and how many seconds it took."""
        self._count += 1
        number = self._count
        start = time.perf_counter()
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        self.wait(lambda: number in self.responses, f"an answer to {method}", patience)
        came, message = self.responses.pop(number)
        return message.get("result"), came - start

    def wait(self, condition: Callable[[], bool], what: str, patience: float = 120) -> None:
        with self.changed:
            if not self.changed.wait_for(condition, patience):
                raise TimeoutError(f"{self.process.args}: {what} did not come")

    # The session

    def initialize(self, root: str, options: Optional[dict[str, Any]] = None) -> float:
        """Seconds from the start of the process to the answer; `options` are settings."""
        uri = "file://" + root
        folders = [{"uri": uri, "name": "benchmark"}]
        params = {
            "processId": os.getpid(),
            "rootUri": uri,
            "workspaceFolders": folders,
            "capabilities": CAPABILITIES,
            "initializationOptions": options,
        }
        self.request("initialize", params)
        seconds = time.perf_counter() - self.started
        self.notify("initialized", {})
        return seconds

    def open(self, path: str, text: str) -> float:
        """Seconds until the first diagnostics."""
        uri = "file://" + path
        self._versions[uri] = 1
        start = time.perf_counter()
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return self.diagnostics(uri, 1) - start

    def insert(self, path: str, line: int, character: int, text: str) -> tuple[str, int, float]:
        """One edit; its document, version and time."""
        place = {"line": line, "character": character}
        return self._change(path, {"start": place, "end": place}, text)

    def remove(self, path: str, line: int) -> None:
        """Takes a line out."""
        start, end = {"line": line, "character": 0}, {"line": line + 1, "character": 0}
        self._change(path, {"start": start, "end": end}, "")

    def _change(self, path: str, span: dict[str, Any], text: str) -> tuple[str, int, float]:
        uri = "file://" + path
        self._versions[uri] += 1
        version = self._versions[uri]
        change = {"range": span, "text": text}
        document = {"uri": uri, "version": version}
        start = time.perf_counter()
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        return uri, version, start

    def diagnostics(self, uri: str, version: int) -> float:
        """When diagnostics for this version or a later one came first."""
        found: list[float] = []

        def came() -> bool:
            times = [
                when
                for (one, number), when in self.published.items()
                if one == uri and (number is None or number >= version)
            ]
            found[:] = times
            return bool(times)

        self.wait(came, "diagnostics")
        return min(found)

    def value(self, uri: str, version: int, line: int, text: str) -> float:
        """When diagnostics first showed a replayed value with this text on a line."""
        found: list[float] = []

        def came() -> bool:
            shown, when, diagnostics = self.latest.get(uri, (None, 0.0, []))
            if shown == version and any(
                d.get("code") == "replayed"
                and d["range"]["start"]["line"] == line
                and text in d["message"]
                for d in diagnostics
            ):
                found.append(when)
            return bool(found)

        self.wait(came, "a value", 300)
        return found[0]

    def hover(self, path: str, line: int, character: int) -> float:
        place = {"line": line, "character": character}
        document = {"uri": "file://" + path}
        return self.request("textDocument/hover", {"textDocument": document, "position": place})[1]

    def memory(self) -> tuple[float, float]:
        """Resident megabytes of the server itself, and with all processes that it has started."""
        return _resident(self.process.pid), sum(map(_resident, self.processes()))

    def processes(self) -> set[int]:
        """The server and all processes that it has started, as far as they live."""
        tree = {self.process.pid}
        parents: dict[int, int] = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(name)] = int(fields[1])
        grown = True
        while grown:
            children = {child for child, parent in parents.items() if parent in tree}
            grown = not children <= tree
            tree |= children
        return tree

    def end(self) -> None:
        try:
            self.request("shutdown", None, patience=20)
            self.notify("exit", None)
            self.process.wait(20)
        except (TimeoutError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()


def _resident(process: int) -> float:
    try:
        with open(f"/proc/{process}/status") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0
