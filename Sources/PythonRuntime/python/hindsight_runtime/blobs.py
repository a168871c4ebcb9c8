"""The stored bytes of checkpoints: mapped instead of copied, and compared with their digests once in a process.

A worker that stands ready does the latter ahead, and its children know of it.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from typing import Any, Iterable, Iterator

#: Bytes that are looked at before anybody wants them.
MOST = 2 * 2**30
#: Bytes between two looks at whether somebody wants something.
PIECE = 4 * 2**20


class Damaged(Exception):
    """The text says which file."""


class Blobs:
    def __init__(self) -> None:
        #: As files were then: what is written to afterwards is looked at again.
        self._verified: set[tuple[Any, ...]] = set()

    def read(self, blob: dict[str, Any]) -> memoryview:
        """The bytes, which nobody else sees change."""
        length, offset = blob["length"], blob["offset"]
        if not length:
            return memoryview(b"")
        start = offset - offset % mmap.ALLOCATIONGRANULARITY
        try:
            descriptor = os.open(blob["file"], os.O_RDONLY | os.O_CLOEXEC)
            try:
                status = os.fstat(descriptor)
                if status.st_size < offset + length:
                    raise Damaged(f"{blob['file']} is cut short")
                # Pages are those of the file until somebody writes to them.
                access = mmap.PROT_READ | mmap.PROT_WRITE
                size = offset - start + length
                mapped = mmap.mmap(descriptor, size, mmap.MAP_PRIVATE, access, offset=start)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Damaged(f"{blob['file']} cannot be read: {error.strerror}") from error
        view = memoryview(mapped)[offset - start :]
        if _key(blob, status) not in self._verified:
            self._compare(blob, status, hashlib.sha256(view).hexdigest())
        return view

    def verify(self, blobs: Iterable[dict[str, Any]]) -> Iterator[None]:
        """Looks at blobs before they are read, a piece at a time; whoever reads a damaged one will find out."""
        looked_at = 0
        for blob in blobs:
            looked_at += blob["length"]
            if looked_at > MOST:
                return
            try:
                with open(blob["file"], "rb", buffering=0) as file:
                    status = os.fstat(file.fileno())
                    file.seek(blob["offset"])
                    digest, left = hashlib.sha256(), blob["length"]
                    while left:
                        piece = file.read(min(left, PIECE))
                        if not piece:
                            break
                        digest.update(piece)
                        left -= len(piece)
                        yield
                self._compare(blob, status, digest.hexdigest())
            except (OSError, Damaged):
                continue

    def _compare(self, blob: dict[str, Any], status: os.stat_result, digest: str) -> None:
        if digest != blob["sha256"]:
            raise Damaged(f"{blob['file']} is damaged")
        self._verified.add(_key(blob, status))


def _key(blob: dict[str, Any], status: os.stat_result) -> tuple[Any, ...]:
    return blob["file"], blob["offset"], blob["sha256"], status.st_size, status.st_mtime_ns
