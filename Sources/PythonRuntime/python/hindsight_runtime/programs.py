"""Puts the rewritten main script and project modules in the place of the ones Python would load.

The main script: before Python opens the file it was given, it asks `sys.path_hooks` for an importer of that
path (that is how folders and zip files are run). A hook which answers for the script gets it run by `runpy`,
and thereby by a loader of ours. Modules: a finder in front of the others exchanges the loader.
"""

from __future__ import annotations

import builtins
import gc
import importlib.machinery
import importlib.util
import os
import sys
import types
from dataclasses import dataclass
from typing import Any, Callable, Optional

RUNTIME_FOLDER = os.path.dirname(os.path.abspath(__file__))


@dataclass(frozen=True)
class Program:
    """The main program of this interpreter."""

    root: str
    #: Absolute path of the main file.
    path: str
    #: The module's name where it was started with `-m`.
    module: Optional[str]
    #: The command line with the interpreter's own options.
    command: list[str]


def command_line() -> list[str]:
    """`sys.orig_argv`, which Python has from 3.10 on."""
    original = getattr(sys, "orig_argv", None)
    if original:
        return list(original)
    try:
        with open("/proc/self/cmdline", "rb") as file:
            return [os.fsdecode(part) for part in file.read().split(b"\0")[:-1]]
    except OSError:
        return [sys.executable, *sys.argv]


def main_program(root: str) -> Optional[Program]:
    """The program that this interpreter is about to run, if it belongs to the project at `root`."""
    command = command_line()
    first = sys.argv[0] if sys.argv else ""
    if first == "-m":
        module = _module_argument(command)
        path = module and _module_path(module)
        if not module or not path or not is_project_file(path, root):
            return None
        return Program(root, path, module, command)
    if not first or first == "-c" or not os.path.isfile(first):
        return None
    path = os.path.abspath(first)
    # A script outside the root is the user's own only if it is named as one: launchers have no suffix.
    inside = is_project_file(path, root)
    if not inside and not (path.endswith(".py") and is_project_file(path, os.path.dirname(path))):
        return None
    return Program(root, path, None, command)


def _module_argument(command: list[str]) -> Optional[str]:
    arguments = iter(command[1:])
    for argument in arguments:
        if argument == "-m":
            return next(arguments, None)
        if argument.startswith("-m"):
            return argument[2:]
        if argument in ("-W", "-X", "--check-hash-based-pycs"):
            next(arguments, None)
        elif argument.startswith("-") and not argument.startswith("--") and argument.endswith("m"):
            return next(arguments, None)
        elif not argument.startswith("-"):
            return None
    return None


def _module_path(module: str) -> Optional[str]:
    """Where `-m module` will be found; nothing is imported for that, since a package's code would run."""
    relative = module.replace(".", os.sep)
    for entry in [os.getcwd(), *sys.path]:
        for candidate in (relative + ".py", os.path.join(relative, "__main__.py")):
            path = os.path.join(os.path.abspath(entry or "."), candidate)
            if os.path.isfile(path):
                return path
    return None


_installed_folders: dict[str, bool] = {}


def _is_installed(folder: str) -> bool:
    """Whether a folder belongs to an installation: a virtual environment or a package folder."""
    known = _installed_folders.get(folder)
    if known is None:
        name = os.path.basename(folder)
        parent = os.path.dirname(folder)
        known = (
            name in ("site-packages", "dist-packages", ".hindsight")
            or os.path.exists(os.path.join(folder, "pyvenv.cfg"))
            or (parent != folder and _is_installed(parent))
        )
        _installed_folders[folder] = known
    return known


def is_project_file(path: str, root: str) -> bool:
    """Whether a source file is the user's own: inside the root and in no installation below it."""
    if path.startswith(RUNTIME_FOLDER + os.sep) or not path.startswith(root.rstrip(os.sep) + os.sep):
        return False
    for installation in (sys.prefix, sys.base_prefix):
        # An interpreter in the root's own parent folders must not make the whole project an installation.
        if path.startswith(installation + os.sep) and not root.startswith(installation + os.sep):
            return False
    return not _is_installed(os.path.dirname(path))


#: What the importing hooks need: absolute path, module name → code to run instead; None to leave it alone.
Compiler = Callable[[str, str], Optional[types.CodeType]]


class ProjectLoader(importlib.machinery.SourceFileLoader):
    """Runs a project module's rewritten code. Neither reads nor writes `.pyc` files."""

    def __init__(self, hooks: "Hooks", name: str, path: str) -> None:
        super().__init__(name, path)
        self._hooks = hooks
        self._importing = False

    def exec_module(self, module: types.ModuleType) -> None:
        self._importing = True
        try:
            super().exec_module(module)
        finally:
            self._importing = False

    def get_code(self, fullname: str) -> Optional[types.CodeType]:
        if not self._importing and fullname == self._hooks.main_module_name:
            # `python -m`: runpy runs this code as `__main__`.
            code = self._hooks.compile(self.path, "__main__")
            return super().get_code(fullname) if code is None else self._hooks.main_code(code)
        code = self._hooks.compile(self.path, fullname)
        return super().get_code(fullname) if code is None else code

    def get_data(self, path: str) -> bytes:
        text = self._hooks.source_text(path) if path == self.path else None
        return super().get_data(path) if text is None else text


class Hooks:
    """The importing hooks of one session (recording or replay).

    `observed` names modules to be told about right after they were imported for the first time; `installed` is
    given every module that is none of the project's sources.
    """

    def __init__(
        self,
        program: Program,
        compiler: Compiler,
        run_main: Callable[[Callable[[], None]], None],
        observed: dict[str, Callable[[types.ModuleType], None]],
        source_text: Callable[[str], Optional[bytes]] = lambda path: None,
        installed: Callable[[importlib.machinery.ModuleSpec], None] = lambda spec: None,
    ) -> None:
        self.program = program
        self.compile = compiler
        self.source_text = source_text
        self._run_main = run_main
        self._observed = observed
        self._installed = installed
        self.main_module_name = program.module
        if program.module and os.path.basename(program.path) == "__main__.py":
            self.main_module_name = program.module + ".__main__"

    def install(self) -> None:
        sys.meta_path.insert(0, self)  # type: ignore[arg-type]
        if self.program.module is None:
            sys.path_hooks.insert(0, self._script_importer)
            sys.path_importer_cache.pop(self.program.path, None)
        for name, callback in self._observed.items():
            if name in sys.modules:
                callback(sys.modules[name])

    # The script

    def _script_importer(self, path: str) -> "_ScriptImporter":
        if os.path.abspath(path) != self.program.path:
            raise ImportError("not the main script")
        code = self.compile(self.program.path, "__main__")
        if code is None:
            raise ImportError("Python reports what is wrong with it better")
        return _ScriptImporter(self, code)

    def main_code(self, code: types.CodeType) -> types.CodeType:
        """Code that runs the main program under `run_main`, to be executed as `__main__`."""

        def run() -> None:
            delattr(
                builtins, "__hindsight_main__"
            )  # it would keep the program's namespace beyond its end
            start = sys.modules.get("sitecustomize")
            if getattr(start, "__file__", "").startswith(os.path.dirname(RUNTIME_FOLDER)):
                del sys.modules["sitecustomize"]
            namespace = sys.modules["__main__"].__dict__
            if self.program.module is None:
                self._look_like_a_script(namespace)
            self._run_main(lambda: exec(code, namespace))

        provide("__hindsight_main__", run)
        return compile("__hindsight_main__()", os.path.join(RUNTIME_FOLDER, "programs.py"), "exec")

    def _look_like_a_script(self, namespace: dict[str, Any]) -> None:
        path = self.program.path
        sys.path_hooks.remove(self._script_importer)
        sys.path_importer_cache.pop(path, None)
        if sys.path and sys.path[0] == path:
            if getattr(sys.flags, "safe_path", False) or sys.flags.isolated:
                del sys.path[0]
            else:
                sys.path[0] = os.path.dirname(os.path.realpath(path))
        namespace["__spec__"] = None
        namespace["__package__"] = None
        namespace["__loader__"] = importlib.machinery.SourceFileLoader("__main__", path)
        namespace["__file__"] = path

    # The modules

    def find_spec(
        self, name: str, path: Any = None, target: Optional[types.ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        spec = self._found_by_others(name, path, target)
        if spec is None:
            return None
        if type(spec.loader) is importlib.machinery.SourceFileLoader and spec.origin:
            origin = os.path.abspath(spec.origin)
            if is_project_file(origin, self.program.root) or is_project_file(
                origin, os.path.dirname(self.program.path)
            ):
                spec.loader = ProjectLoader(self, name, spec.origin)
                return spec
        self._installed(spec)
        if name in self._observed and spec.loader is not None:
            spec.loader = _ObservedLoader(spec.loader, self._observed[name])  # type: ignore[assignment]
        return spec

    def _found_by_others(
        self, name: str, path: Any, target: Optional[types.ModuleType]
    ) -> Optional[importlib.machinery.ModuleSpec]:
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                return spec
        return None


class _ScriptImporter:
    """Finds the main script, and nothing else, in the place of its own path; gives `runpy` its code."""

    def __init__(self, hooks: Hooks, code: types.CodeType) -> None:
        self._hooks = hooks
        self._code = code

    def find_spec(
        self, name: str, target: Optional[types.ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if name != "__main__":
            return None
        return importlib.util.spec_from_loader(name, self, origin=self._hooks.program.path)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        raise ImportError("the main script is run, not imported")

    def get_code(self, fullname: str) -> types.CodeType:
        return self._hooks.main_code(self._code)


class _ObservedLoader:
    """Stands in for a loader during one import, to call back right after it."""

    def __init__(self, loader: Any, callback: Callable[[types.ModuleType], None]) -> None:
        self._loader = loader
        self._callback = callback

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._callback(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def provide(name: str, function: Callable[..., Any]) -> None:
    """Make a function known to rewritten code. Builtins, so that no module's namespace shows it."""
    setattr(builtins, name, function)


def provide_at_exit(functions: dict[str, Callable[..., Any]]) -> None:
    """Functions for code that runs while the interpreter takes itself down: finalizers, and suspended generators.

    It restores the builtins by then from a dictionary of its own, which nothing but the collector shows.
    """
    for found in gc.get_referrers(builtins.__build_class__):
        if type(found) is dict and found is not vars(builtins) and found.get("__name__") == "builtins":
            found.update(functions)
