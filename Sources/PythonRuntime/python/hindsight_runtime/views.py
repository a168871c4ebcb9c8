"""Gives each child of a standing worker files of its own.

The sandbox shows the file system through overlays, whose changes lie in folders `u0`, `u1`, …; what they cover
is bound at `l0`, `l1`, … beside those. A child enters a mount namespace of its own and lays another overlay over
each: the worker's changes and what they cover below, its own on top. For that the worker keeps a privilege out
of effect, which programs that it starts do not get.
"""

from __future__ import annotations

import ctypes
import os
import stat
from dataclasses import dataclass
from typing import Optional

from .forks import CannotFork

_CAP_SYS_ADMIN = 21
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CLONE_NEWNS = 0x20000
_MS_NOSUID, _MS_NODEV = 2, 4
_MNT_DETACH = 2
_CAPABILITY_VERSION = 0x20080522


@dataclass(frozen=True)
class Overlay:
    path: str
    number: str
    has_user_attributes: bool


class Views:
    """The views of one worker, made before its program begins."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self._base: Optional[str] = None
        self._overlays: list[Overlay] = []
        self._read_mounts()
        self._set_aside()

    def _read_mounts(self) -> None:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                fields, _, rest = line.rstrip("\n").partition(" - ")
                kind, _, options = (rest.split(" ") + ["", "", ""])[:3]
                values = dict(o.partition("=")[::2] for o in options.split(","))
                upper = _unescaped(values.get("upperdir", ""))
                folder, name = os.path.split(upper)
                if kind == "overlay" and name[:1] == "u" and name[1:].isdigit():
                    self._base = folder
                    path = _unescaped(fields.split(" ")[4])
                    self._overlays.append(Overlay(path, name[1:], "userxattr" in values))

    @property
    def _hidden(self) -> str:
        """The folder which the sandbox shows empty, since the changes lie in it."""
        assert self._base is not None
        folder = os.path.dirname(self._base)
        return os.path.dirname(folder) if os.path.basename(self._base) == "view" else self._base

    def _set_aside(self) -> None:
        """From here on only `separate` uses the privilege."""
        self._library.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
        self._set_privilege(is_effective=False, is_kept=True)

    def _set_privilege(self, is_effective: bool, is_kept: bool) -> None:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
        data = (ctypes.c_uint32 * 6)()
        if self._library.capget(header, data) != 0:
            raise CannotFork("the worker cannot read its privileges")
        bit = 1 << _CAP_SYS_ADMIN
        data[0] = data[0] | bit if is_effective else data[0] & ~bit
        if not is_kept:
            data[1] &= ~bit
        data[2] &= ~bit
        if self._library.capset(header, data) != 0:
            raise CannotFork("the sandbox keeps no privilege for views of files")

    def check(self) -> None:
        """Raises `CannotFork` where children could see each other's files."""
        if self._base is None:
            raise CannotFork("the sandbox shows no view of files that could be divided")
        for folder in ("/dev/shm", self._hidden):
            if os.path.isdir(folder) and os.listdir(folder):
                raise CannotFork(f"the program keeps files in {folder}")

    def separate(self) -> None:
        """In a child: from here on its changes are its own."""
        assert self._base is not None
        here = os.getcwd()
        self._set_privilege(is_effective=True, is_kept=True)
        self._call("unshare", _CLONE_NEWNS)
        hidden = self._hidden
        self._call("umount2", os.fsencode(hidden), _MNT_DETACH)
        own = self._new_folder()
        for overlay in self._overlays:
            self._lay_over(overlay, own)
        flags = _MS_NOSUID | _MS_NODEV
        for folder in (hidden, "/dev/shm"):
            self._call("mount", b"hindsight", os.fsencode(folder), b"tmpfs", flags, b"mode=1777")
        self._set_privilege(is_effective=False, is_kept=False)
        os.chdir(here)

    def _new_folder(self) -> str:
        number = os.getpid()
        while True:
            path = f"{self._base}/c{number}"
            try:
                os.mkdir(path, 0o700)
                return path
            except FileExistsError:  # of an earlier child with the same number
                number += 1 << 22

    def _lay_over(self, overlay: Overlay, own: str) -> None:
        before = f"{self._base}/u{overlay.number}"
        upper, work = f"{own}/u{overlay.number}", f"{own}/w{overlay.number}"
        os.mkdir(upper)
        os.mkdir(work)
        info = os.stat(before)
        os.chmod(upper, stat.S_IMODE(info.st_mode))
        if (info.st_uid, info.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(upper, info.st_uid, info.st_gid)
        lower = f"{before}:{self._base}/l{overlay.number}"
        options = f"lowerdir={lower},upperdir={upper},workdir={work}"
        if overlay.has_user_attributes:
            options += ",userxattr"
        os.chdir(overlay.path)
        self._call("mount", b"overlay", b".", b"overlay", 0, os.fsencode(options))

    def _call(self, name: str, *arguments: object) -> None:
        if getattr(self._library, name)(*arguments) != 0:
            number = ctypes.get_errno()
            raise OSError(
                number, f"{name} {arguments[1] if len(arguments) > 1 else ''}: {os.strerror(number)}"
            )


def _unescaped(path: str) -> str:
    """Undoes the octal escapes of mountinfo."""
    parts = path.split("\\")
    return parts[0] + "".join(
        chr(int(p[:3], 8)) + p[3:] if p[:3].isdigit() else "\\" + p for p in parts[1:]
    )
