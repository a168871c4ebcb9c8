"""A language server that does nothing: it says at once that there is nothing to say. The floor of each table."""

from __future__ import annotations

import json
import sys


def main() -> None:
    requests, answers = sys.stdin.buffer, sys.stdout.buffer

    def send(message: dict) -> None:
        body = json.dumps(message).encode()
        answers.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        answers.flush()

    while True:
        length = 0
        while True:
            line = requests.readline()
            if not line:
                return
            if line == b"\r\n":
                break
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message = json.loads(requests.read(length))
        method = message.get("method")
        if "id" in message and method is not None:
            capabilities = {"capabilities": {"textDocumentSync": 2, "hoverProvider": True}}
            result = capabilities if method == "initialize" else None
            send({"jsonrpc": "2.0", "id": message["id"], "result": result})
        elif method in ("textDocument/didOpen", "textDocument/didChange"):
            document = message["params"]["textDocument"]
            params = {"uri": document["uri"], "version": document["version"], "diagnostics": []}
            send({"jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": params})
        elif method == "exit":
            return


if __name__ == "__main__":
    main()
