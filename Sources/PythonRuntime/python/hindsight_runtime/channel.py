"""The line to the collector or the replay's master: JSON lines over a Unix socket.

Nothing here blocks the program: what the socket does not take at once waits in memory, and a line that stays
stuck is given up.
"""

from __future__ import annotations

import array
import json
import os
import select
import socket
import time
from typing import Any, Optional

#: Bytes that may wait for a slow reader before the line is given up.
LARGEST_BACKLOG = 64 * 2**20

#: The program may have set SIGPIPE to kill it; a collector that dies must not.
NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)


class ChannelClosed(Exception):
    """The other side is gone, or too slow for too long."""


class Channel:
    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.setblocking(False)
        self._outgoing = bytearray()
        self._incoming = bytearray()
        #: What came with messages, in order.
        self.descriptors: list[int] = []
        self._encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str).encode

    @classmethod
    def connect(cls, path: str) -> "Channel":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(5)
        connection.connect(path)
        return cls(connection)

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: dict[str, Any]) -> None:
        self._outgoing += self._encode(message).encode("utf-8", "surrogateescape")
        self._outgoing += b"\n"
        self._push()
        if len(self._outgoing) > LARGEST_BACKLOG:
            raise ChannelClosed("the collector does not keep up")

    def send_descriptor(self, message: dict[str, Any], descriptor: int) -> None:
        self.flush(5)
        line = self._encode(message).encode() + b"\n"
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        while True:
            try:
                sent = self._socket.sendmsg([line], rights, NO_SIGNAL)
                break
            except BlockingIOError:
                if not select.select([], [self._socket], [], 5)[1]:
                    raise ChannelClosed("the collector does not read") from None
            except OSError as error:
                raise ChannelClosed(str(error)) from error
        self._outgoing += line[sent:]
        self._push()

    def _push(self) -> None:
        try:
            while self._outgoing:
                sent = self._socket.send(memoryview(self._outgoing)[: 1 << 18], NO_SIGNAL)
                del self._outgoing[:sent]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def flush(self, seconds: float) -> None:
        """Wait until everything was taken by the system."""
        deadline = time.monotonic() + seconds
        self._push()
        while self._outgoing:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ChannelClosed("the collector does not read")
            select.select([], [self._socket], [], left)
            self._push()

    def received(self, timeout: float = 0.0) -> Optional[dict[str, Any]]:
        """The next message; None if there is none within the time."""
        deadline = time.monotonic() + timeout
        while True:
            end = self._incoming.find(b"\n")
            if end >= 0:
                line = bytes(self._incoming[:end])
                del self._incoming[: end + 1]
                return json.loads(line)
            left = deadline - time.monotonic()
            if timeout > 0:
                if left <= 0:
                    return None
                select.select([self._socket], [], [], left)
            try:
                part, descriptors, _, _ = socket.recv_fds(self._socket, 1 << 20, 4)
                for descriptor in descriptors:
                    os.set_inheritable(descriptor, False)
                    self.descriptors.append(descriptor)
            except (BlockingIOError, InterruptedError):
                if timeout > 0:
                    continue
                return None
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            if not part:
                raise ChannelClosed("the other side closed the line")
            self._incoming += part

    def close(self) -> None:
        self._socket.close()
