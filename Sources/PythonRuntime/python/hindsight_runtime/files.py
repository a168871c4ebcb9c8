"""Notes while recording which files the program read, which it changed, and what was in them before and at
checkpoints: a replay must see the files as they were, not as the run left them.

Seen are files opened through Python's `open`, by this process and those forked off it, and, in the project's
folder and the working directory, changes by anybody. What a library in C reads goes unseen; if it has changed
since, only the replay's evidence can tell.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import sys
import threading
import time
from base64 import b64encode
from typing import Any, Callable, Iterator, Optional

from . import folders
from .opening import Places, install, writes
from .programs import RUNTIME_FOLDER

#: Contents up to this size are told at once: what the program does next may overwrite them.
SMALL = 256 * 1024
#: Bytes of contents that one checkpoint and one run may tell.
CHECKPOINT_ROOM = 1024 * 1024
RUN_ROOM = 64 * 1024 * 1024
#: So many inputs are noted: a data set of a million files has to be taken on trust.
MOST_INPUTS = 20_000
#: Seconds between looks at what the kernel and the children tell, when known inputs are opened.
LOOK_INTERVAL = 0.0005
#: Files in folders that are not watched are looked at at every checkpoint; so many of them.
MOST_FAR_FILES = 64

_SKIPPED_NAMES = ("site-packages", "dist-packages", "__pycache__", "node_modules", ".git", ".hindsight")


class Skips:
    """Paths that are no business of the program's: the system's, the interpreter's, Hindsight's own."""

    def __init__(self, root: str, *more: Optional[str]) -> None:
        prefixes = {
            sys.prefix,
            sys.base_prefix,
            sys.exec_prefix,
            *map(os.path.realpath, (sys.prefix, sys.base_prefix)),
        }
        self._prefixes = tuple(
            p.rstrip("/") + "/"
            for p in (
                "/proc",
                "/sys",
                "/dev",
                os.path.dirname(RUNTIME_FOLDER),
                *prefixes,
                *filter(None, more),
            )
            # A project that lies in the interpreter's own folder is still a project.
            if not (root + "/").startswith(p.rstrip("/") + "/")
        )

    def __call__(self, path: str) -> bool:
        if (path + "/").startswith(self._prefixes):
            return True
        parts = path.split("/")
        return any(name in parts for name in _SKIPPED_NAMES) or (
            os.path.exists(os.path.join(path, "pyvenv.cfg"))
        )


#: What is known of a path: its kind and, of a file, its size, time of change and number.
State = tuple[str, int, int, int]
ABSENT: State = ("absent", 0, 0, 0)
UNKNOWN: State = ("unknown", 0, 0, 0)


def state_of(path: str) -> State:
    try:
        found = os.lstat(path)
    except OSError:
        return ABSENT
    if stat.S_ISDIR(found.st_mode):
        return ("folder", 0, 0, 0)
    if not stat.S_ISREG(found.st_mode):
        return UNKNOWN
    return ("file", found.st_size, found.st_mtime_ns, found.st_ino & (1 << 63) - 1)


class FileLog:
    """The files of one recorded process. `send` takes a batch of records; only the main thread calls it."""

    def __init__(
        self, root: str, send: Callable[[list[dict[str, Any]]], None], *skipped: Optional[str]
    ) -> None:
        self._send = send
        self._skips = Skips(root, *skipped)
        self._places = Places(self._skips)
        self._main_thread = threading.get_ident()
        self._waiting: list[dict[str, Any]] = []
        self._inputs: dict[str, State] = {}
        #: Paths that the run has changed, with the state that was told last.
        self._own: dict[str, State] = {}
        self._changed: dict[str, None] = {}
        self._far: dict[str, None] = {}
        self._kept: set[tuple[str, State]] = set()
        self._room = RUN_ROOM
        self._looked = 0.0
        self._outputs = {os.fstat(n).st_ino for n in (1, 2) if _is_open(n)}
        self._watch: Optional[folders.FolderWatch] = None
        self._is_child = False
        self._by_children = _Leaflet()
        self.is_active = True
        try:
            self._watch = folders.FolderWatch(self._skips)
            for folder in dict.fromkeys((os.path.realpath(root), os.getcwd())):
                self._watch.add(folder)
        except Exception:
            self._watch = None  # what libraries in C write is not seen then
        install(self._opening)

    @property
    def misses(self) -> Optional[str]:
        """What the user should know."""
        if self._watch is None or not self._watch.is_complete:
            return (
                "the project's folder could not be watched whole: what libraries in C write there is not known, and "
                "a replay may find files that the run made itself"
            )
        return None

    def leave(self) -> None:
        """Nothing is noted any more."""
        self.is_active = False
        self._forget_watch()

    def become_child(self) -> None:
        """In a forked child: what it notes goes to the parent."""
        self._is_child = True
        self._forget_watch()  # the parent's, too: what one reads, the other misses

    def _forget_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

    # What happens to files

    def _opening(self, file: Any, mode: str) -> None:
        if not self.is_active:
            return
        path = self._places.of(file)
        if path is None:
            return
        is_writing = writes(mode)
        if path in self._inputs and not is_writing:
            # Only news of a path that is met for the first time cannot wait: who made it?
            if time.perf_counter() - self._looked < LOOK_INTERVAL:
                return
        self._look()
        if os.path.islink(path):
            if not is_writing and path not in self._own and path not in self._inputs:
                self._inputs[path] = UNKNOWN  # what it leads to is compared
            target = self._places.of(os.path.realpath(path))
            if target is None:
                return
            path = target
        if is_writing:
            self._change(path)
        elif path in self._own:
            self._read_back(path)
        elif path not in self._inputs and len(self._inputs) < MOST_INPUTS:
            state = self._inputs[path] = state_of(path)
            self._tell("input", path, state)

    def _look(self) -> None:
        self._looked = time.perf_counter()
        for record in self._by_children.unread() if not self._is_child else ():
            self._take(record)
        if self._watch is None or threading.get_ident() != self._main_thread:
            return
        for path, event in self._watch.changes():
            if path not in self._own:
                if self._is_output(path):
                    continue
                self._own[path] = before = self._before(path, event)
                self._tell("before", path, before)
            self._changed[path] = None

    def _take(self, record: dict[str, Any]) -> None:
        """What a child noted."""
        path, kind = record["path"], record["kind"]
        if kind == "content":
            self._waiting.append(record)
        elif path not in self._own:
            if kind == "before":
                self._own[path] = UNKNOWN
                self._changed[path] = None
            elif path in self._inputs or len(self._inputs) >= MOST_INPUTS:
                return
            else:
                self._inputs[path] = (
                    record["state"],
                    *(record.get(k, 0) for k in ("size", "mtime", "inode")),
                )
            self._waiting.append(record)

    def _before(self, path: str, event: int) -> State:
        """What a path was before its first change, which has happened already."""
        known = self._inputs.get(path)
        if known is not None:
            return known
        was_there = event & (folders.MODIFY | folders.MOVED_FROM | folders.DELETE) != 0
        if event & folders.MOVED_TO:
            was_there = self._watch is None or self._watch.was_there(path) is not False
        return UNKNOWN if was_there else ABSENT

    def _is_output(self, path: str) -> bool:
        """Whether it is where the program's output goes to, by the shell's doing."""
        return bool(self._outputs) and state_of(path)[3] in self._outputs

    def _change(self, path: str) -> None:
        """A file is about to be opened for writing."""
        if path not in self._own:
            if self._is_output(path):
                return
            self._own[path] = before = state_of(path)
            self._tell("before", path, before, content=self._content(path, before))
        self._changed[path] = None
        if self._watch is None or not self._watch.watches(os.path.dirname(path)):
            if len(self._far) < MOST_FAR_FILES:
                self._far[path] = None

    def _read_back(self, path: str) -> None:
        """The program reads what it wrote: what is in there must be known to replays that did not write it."""
        state = state_of(path)
        if state[0] == "file" and (path, state) not in self._kept:
            self._kept.add((path, state))
            self._tell("content", path, state, content=self._content(path, state))

    # Telling

    def checkpoint(self, number: int) -> None:
        """Tells the state of what has changed since the last checkpoint; to be told before the checkpoint."""
        self._look()
        room = CHECKPOINT_ROOM
        for path in (*self._changed, *(p for p in self._far if p not in self._changed)):
            state = state_of(path)
            if state == self._own.get(path):
                continue
            self._own[path] = state
            content = self._content(path, state) if state[1] <= room else None
            room -= len(content or b"")
            self._tell("state", path, state, number, content)
        self._changed.clear()
        self.flush()

    def finish(self) -> None:
        self._look()
        for path in (*self._changed, *self._far):
            self._tell("end", path, state_of(path))
        self._changed.clear()
        self.flush()

    def flush(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._send(waiting)

    def look(self) -> None:
        """To be called now and then: what the kernel tells must not pile up."""
        self._look()
        self.flush()

    def _content(self, path: str, state: State) -> Optional[bytes]:
        """What is in a file, if it is small and did not change meanwhile."""
        if state[0] != "file" or state[1] > min(SMALL, self._room):
            return None
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            data = os.read(descriptor, SMALL + 1)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        if len(data) != state[1] or state_of(path) != state:
            return None
        self._room -= len(data)
        return data

    def _tell(
        self,
        kind: str,
        path: str,
        state: State,
        number: Optional[int] = None,
        content: Optional[bytes] = None,
    ) -> None:
        record: dict[str, Any] = {"kind": kind, "path": path, "state": state[0]}
        if state[0] == "file":
            record["size"], record["mtime"], record["inode"] = state[1:]
        if number is not None:
            record["n"] = number
        if content is not None:
            record["data"] = b64encode(content).decode("ascii")
        if self._is_child:
            self._by_children.write(record)
        else:
            self._waiting.append(record)


class _Leaflet:
    """Memory to which forked children append lines, and which the parent reads."""

    def __init__(self) -> None:
        self._descriptor = os.memfd_create("hindsight-files", os.MFD_CLOEXEC)
        fcntl.fcntl(self._descriptor, fcntl.F_SETFL, os.O_APPEND)
        self._read = 0
        self._rest = b""

    def write(self, record: dict[str, Any]) -> None:
        os.write(self._descriptor, json.dumps(record).encode("utf-8", "surrogateescape") + b"\n")

    def unread(self) -> Iterator[dict[str, Any]]:
        while self._read < os.fstat(self._descriptor).st_size:
            data = os.pread(self._descriptor, 1 << 20, self._read)
            self._read += len(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            yield from map(json.loads, lines)


def _is_open(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False
