"""Puts probes into a program that already runs and stands at a loop.

Functions that are not under way get the code of the spliced source. In those that are, a probe's statements run
at probe points (see `points`): at module level in the module's namespace; in a function as a function of its
own, whose parameters are the variables of the function around it. Whatever could behave differently there from
statements that had been there from the beginning is refused, and the query goes to a fresh worker.
"""

from __future__ import annotations

import __future__ as future
import ast
import builtins
import sys
from dataclasses import dataclass, replace
from types import CodeType, FrameType, FunctionType
from typing import Any, Callable, Iterator, Optional

from . import setorder, transform
from .analysis.probes import Addition, FileMatch
from .analysis.recorded import RecordedFile, RecordedProgram
from .analysis.scopes import Bindings, Scope
from .analysis.source import DEFINITIONS, FUNCTIONS, first_position
from .analysis.splice import Spliced, assemble, marked, note_names
from .points import ENTRY, Points, ordinals
from .state.roots import read_locals

#: In a function these look at the frame that they are called from.
_REFLECTION = frozenset(
    ("super", "__class__", "locals", "vars", "dir", "eval", "exec", "_getframe", "currentframe", "stack")
)
_SUSPENDING = (ast.Yield, ast.YieldFrom, ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef)
#: Calls that use up a generator before they return.
_CONSUMERS = frozenset(
    ("sum", "max", "min", "any", "all", "list", "tuple", "sorted", "set", "frozenset", "dict")
    + ("join", "fsum", "prod", "extend", "update")
)
_CONTAINERS = frozenset(
    ("list", "dict", "set", "tuple", "frozenset", "defaultdict", "OrderedDict", "Counter", "deque")
)

#: What a probe does at a point of a frame.
Run = Callable[[FrameType], None]


class NotLive(Exception):
    """These probes need a worker that starts with them; the text says why."""


@dataclass
class Standstill:
    """What is known about the program where it stands."""

    #: Code objects that are under way: of the live frames and of suspended generators.
    under_way: set[int]
    #: The live frames, by code.
    frames: dict[int, FrameType]
    #: Every function object of the project, by code.
    functions: dict[int, list[FunctionType]]
    #: The compiled sources by path relative to the root: absolute path, module name, code.
    compiled: dict[str, tuple[str, str, CodeType]]


class LiveProbes:
    def __init__(
        self, program: RecordedProgram, points: Points, standstill: Standstill, matches: list[FileMatch]
    ) -> None:
        self._program = program
        self._points = points
        self._still = standstill
        self._matches = matches
        #: What to do at each point from now on.
        self.runs: dict[int, list[Run]] = {}
        #: What is done at once, late: statements whose place was passed, and which do the same now.
        self.late: list[tuple[Run, Any]] = []
        #: Sources that have not been loaded, with the probes in them.
        self.unloaded: dict[str, Spliced] = {}
        #: The names that only probes bind, by path.
        self.names: dict[str, dict[str, set[str]]] = {}
        self._kept: dict[int, dict[str, Any]] = {}
        self._own: dict[int, set[str]] = {}
        self._replaced: dict[str, list[Addition]] = {}
        self._ordinals: dict[str, dict[int, int]] = {}
        self._place()
        self._replace()

    @property
    def leave_all_alone(self) -> bool:
        """Whether the program's data are what they were before."""
        return not self.late and not self._replaced

    def run_late(self, failure: Callable[[], Optional[str]]) -> None:
        """As if they had run before the loop was entered, in an order in which each has what it needs: a module may
        import what another one gets. `failure` tells how the last one failed, once.
        """
        waiting = self.late
        while waiting:
            failed = []
            for run, frame in waiting:
                run(frame)
                problem = failure()
                if problem is not None:
                    failed.append((run, frame))
            if len(failed) == len(waiting):
                raise NotLive(f"an added statement fails: {problem}")
            waiting = failed

    # Where each addition goes

    def _place(self) -> None:
        additions = [a for match in self._matches for a in match.additions]
        for addition in additions:
            note_names(addition, Spliced(addition.file.tree, [], self._names_of(addition.file)))
            own = set(Bindings([addition.node]).here) - addition.scope.used
            self._own.setdefault(id(addition.scope), set()).update(own)
        for match in self._matches:
            for extraction in match.extractions:
                file = self._program.files[extraction.file.path]
                scope = file.scope_at(file.place(extraction.recorded))
                if file.path in self._still.compiled:
                    self._require_replaceable(file, scope)
                    self._replaced.setdefault(file.path, [])
                self._names_of(file).setdefault(scope.qualified, set()).update(extraction.names)
        # Modules in the order in which they were loaded: the main one comes last.
        order = list(self._still.compiled)
        additions.sort(key=lambda a: order.index(a.file.path) if a.file.path in order else -1)
        for addition in additions:
            if addition.file.path not in self._still.compiled:
                continue
            if addition.scope.kind == "module":
                self._at_module_level(addition)
            elif addition.scope.kind == "class":
                raise NotLive(f"{_place_of(addition)} stands in the body of a class")
            elif self._is_open(addition):
                self._in_open_function(addition)
            else:
                self._require_replaceable(addition.file, addition.scope)
                self._replaced.setdefault(addition.file.path, []).append(addition)
        for path in self._program.files:
            if path not in self._still.compiled:
                self.unloaded[path] = assemble(self._program, path, self._matches)

    def _names_of(self, file: RecordedFile) -> dict[str, set[str]]:
        return self.names.setdefault(file.path, {})

    def _point(self, addition: Addition) -> Optional[int]:
        place = addition.place
        ordinal = self._ordinal(addition.file, place.owner)
        if place.step or ordinal is None:
            return None
        return self._points.find(addition.file.path, ordinal, place.field, place.index)

    def _ordinal(self, file: RecordedFile, node: ast.AST) -> Optional[int]:
        if file.path not in self._ordinals:
            self._ordinals[file.path] = ordinals(file.tree)
        return self._ordinals[file.path].get(id(node))

    def _entry(self, file: RecordedFile, scope: Scope) -> Optional[int]:
        ordinal = self._ordinal(file, scope.node)
        return None if ordinal is None else self._points.find(file.path, ordinal, ENTRY)

    def _is_open(self, addition: Addition) -> bool:
        ordinal = self._ordinal(addition.file, addition.scope.node)
        if ordinal is None:
            return False
        return self._points.find(addition.file.path, ordinal, "body") is not None

    # Modules

    def _at_module_level(self, addition: Addition) -> None:
        if not isinstance(addition.node, ast.stmt):
            raise NotLive(f"{_place_of(addition)} is part of a statement of the program")
        absolute, module, _ = self._still.compiled[addition.file.path]
        number = self._point(addition)
        if number is None:
            # Not open, so its place can only be known to be passed when the whole module is.
            if self._is_being_loaded(absolute):
                raise NotLive(f"{_place_of(addition)} stands in a module that is being loaded")
            is_passed, is_repeatable = True, _is_unconditional(addition)
        else:
            is_passed, is_repeatable = self._points.passed[number], True
        if is_passed and not (is_repeatable and _is_pure(addition.node)):
            raise NotLive(f"{_place_of(addition)} stands where the program was before the loop")
        code = self._compiled_block(addition)

        def run(frame: FrameType) -> None:
            exec(code, frame.f_globals)

        if number is not None:
            self.runs.setdefault(number, []).append(run)
        if is_passed:
            space = vars(sys.modules[module])
            self.late.append((lambda _, code=code, space=space: exec(code, space), None))

    def _is_being_loaded(self, absolute: str) -> bool:
        codes = [frame.f_code for frame in self._still.frames.values()]
        return any(code.co_filename == absolute and code.co_name == "<module>" for code in codes)

    def _compiled_block(self, addition: Addition) -> CodeType:
        tree = ast.Module([marked(addition)], [])  # type: ignore[list-item]
        return self._compile(addition.file, tree)

    def _compile(self, file: RecordedFile, tree: ast.Module) -> CodeType:
        setorder.watch_order(tree)
        transform.rewrite(tree, file.path, file.text)
        absolute = self._still.compiled[file.path][0]
        return compile(tree, absolute, "exec", flags=_future_flags(file.tree), dont_inherit=True)

    # Functions with points

    def _in_open_function(self, addition: Addition) -> None:
        number = self._point(addition)
        if number is None or not isinstance(addition.node, ast.stmt):
            raise NotLive(f"{_place_of(addition)} stands where nothing can be put in")
        self._check_statement(addition)
        run = self._function_run(addition)
        self.runs.setdefault(number, []).append(run)
        if not self._points.passed[number]:
            return
        frame = self._live_frame(addition)
        if frame is None or not _is_pure(addition.node) or not _is_unconditional(addition):
            raise NotLive(f"{_place_of(addition)} stands where the program was before the loop")
        self.late.append((run, frame))

    def _live_frame(self, addition: Addition) -> Optional[FrameType]:
        code = self._code_of(addition.file, addition.scope)
        return None if code is None else self._still.frames.get(id(code))

    def _check_statement(self, addition: Addition) -> None:
        """Refuses what would mean something else in a function of its own."""
        where = _place_of(addition)
        variables = self._variables(addition) | self._own[id(addition.scope)]
        bindings = Bindings([addition.node])
        if bindings.module or bindings.outer or bindings.star is not None:
            raise NotLive(f"{where} declares or imports names of other scopes")
        if set(bindings.here) & addition.scope.used:
            raise NotLive(f"{where} rebinds a variable of the program")
        consumed = {
            id(argument)
            for call in ast.walk(addition.node)
            if isinstance(call, ast.Call) and _last_name(call.func) in _CONSUMERS
            for argument in call.args
        }
        for node in ast.walk(addition.node):
            if isinstance(node, _SUSPENDING) or isinstance(node, ast.Return):
                raise NotLive(f"{where} suspends or leaves the function")
            if isinstance(node, (ast.Name, ast.Attribute)) and _last_name(node) in _REFLECTION:
                raise NotLive(f"{where} looks at the frame that it runs in")
            is_lazy = isinstance(node, (ast.Lambda, *DEFINITIONS)) or (
                isinstance(node, ast.GeneratorExp) and id(node) not in consumed
            )
            if is_lazy and variables & {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}:
                raise NotLive(f"{where} makes a function that may outlive its moment")

    def _variables(self, addition: Addition) -> set[str]:
        """The variables of the function and of those around it."""
        names: set[str] = set()
        scope: Optional[Scope] = addition.scope
        while scope is not None and scope.kind != "module":
            if scope.kind == "function":
                names |= scope.bound - scope.globals
            scope = scope.parent
        return names

    def _function_run(self, addition: Addition) -> Run:
        scope, file = addition.scope, addition.file
        own = self._own[id(scope)]
        bindings = Bindings([addition.node])
        mentioned = {n.id for n in ast.walk(addition.node) if isinstance(n, ast.Name)} | set(
            bindings.here
        )
        local = (scope.bound - scope.globals) | scope.nonlocals | own
        for name in sorted(mentioned & self._variables(addition) - local - scope.globals):
            # A variable of a function further out: the frame has it only where the function uses it.
            if name not in scope.used:
                raise NotLive(f"{_place_of(addition)} reads `{name}` of the function around its own")
            local = local | {name}
        parameters = sorted(mentioned & local)
        owner = _class_around(scope)
        code = self._compiled_function(addition, parameters, owner)
        mangled = [_mangled(name, owner) for name in parameters]
        kept_names = [_mangled(name, owner) for name in sorted(own)]
        entry = self._entry(file, scope)
        if own and entry is not None:
            self.runs.setdefault(entry, [self._forget])

        def run(frame: FrameType) -> None:
            values = {**read_locals(frame), **self._kept.get(id(frame), {})}
            arguments = [values.get(name, UNBOUND) for name in mangled]
            del values
            result = FunctionType(code, frame.f_globals)(*arguments)
            if kept_names:
                kept = self._kept.setdefault(id(frame), {})
                for name in kept_names:
                    if name in mangled:
                        kept.pop(name, None)
                        if name in result:
                            kept[name] = result[name]

        return run

    def _forget(self, frame: FrameType) -> None:
        """Another activation begins, maybe where an earlier one was in memory."""
        self._kept.pop(id(frame), None)

    def _compiled_function(
        self, addition: Addition, parameters: list[str], owner: Optional[str]
    ) -> CodeType:
        body: list[ast.stmt] = []
        for name in parameters:
            text = f"if {name} is __hindsight_unbound__: del {name}"
            body += ast.parse(text).body
        line = min(getattr(addition.place.owner, "lineno", 1), transform.PROBE_LINE - 1)
        body.append(marked(addition))  # type: ignore[arg-type]
        body += ast.parse("return __hindsight_locals__()").body
        arguments = ast.arguments([], [ast.arg(name) for name in parameters], None, [], [], None, [])
        function = ast.FunctionDef("__hindsight_probe__", arguments, body, [])
        if sys.version_info >= (3, 12):
            function.type_params = []
        outer: ast.stmt = function
        if owner is not None:
            outer = ast.ClassDef(owner, [], [], [function], [])
            if sys.version_info >= (3, 12):
                outer.type_params = []
        for node in ast.walk(outer):
            if "lineno" in node._attributes and getattr(node, "lineno", 0) <= transform.PROBE_LINE:
                node.lineno = node.end_lineno = line  # type: ignore[attr-defined]
                node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
        code: Optional[CodeType] = self._compile(addition.file, ast.Module([outer], []))
        for name in [owner, "__hindsight_probe__"] if owner is not None else ["__hindsight_probe__"]:
            code = next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)
        if code.co_freevars:
            raise NotLive(f"{_place_of(addition)} refers to {', '.join(code.co_freevars)}")
        return code

    # Functions that get other code

    def _require_replaceable(self, file: RecordedFile, scope: Scope) -> None:
        functions = [s for s in _chain(scope) if s.kind == "function"]
        if not functions or any(s.kind == "comprehension" for s in _chain(scope)):
            raise NotLive(f"a statement of {file.path} stands in no function")
        for number, function in enumerate(reversed(functions)):
            node = function.node
            entry = self._entry(file, function)
            name = f"{function.qualified} of {file.path}"
            if entry is None:
                raise NotLive(f"{name} is compiled by a library")
            code = self._code_of(file, function)
            if code is None or id(code) in self._still.under_way:
                raise NotLive(f"{name} is under way")
            if number == 0 and not self._still.functions.get(id(code)):
                raise NotLive(f"{name} does not exist yet")
            if function is scope and self._points.passed[entry]:
                raise NotLive(f"{name} was called before the loop")
            assert isinstance(node, FUNCTIONS)

    def _code_of(self, file: RecordedFile, scope: Scope) -> Optional[CodeType]:
        code: Optional[CodeType] = self._still.compiled[file.path][2]
        for part in reversed(list(_chain(scope))):
            if code is None:
                return None
            code = _inner(code, part.node)
        return code

    def _replace(self) -> None:
        for path, additions in self._replaced.items():
            old = self._still.compiled[path][2]
            chosen = {id(addition) for addition in additions}
            matches = [
                replace(match, additions=[a for a in match.additions if id(a) in chosen])
                for match in self._matches
            ]
            file = self._program.files[path]
            touched = [a.scope for a in additions]
            for match in matches:
                taken_apart = [e.recorded for e in match.extractions if e.file is file]
                touched += [file.scope_at(file.place(statement)) for statement in taken_apart]
            paths: set[tuple[tuple[str, int], ...]] = set()
            for scope in touched:
                steps = [(s.name, _first_line(s.node)) for s in reversed(list(_chain(scope)))]
                paths.update(tuple(steps[:end]) for end in range(1, len(steps) + 1))
            spliced = assemble(self._program, path, matches)
            new = self._compile(file, spliced.tree)
            for way in sorted(paths):
                self._exchange(old, new, way)

    def _exchange(self, old: CodeType, new: CodeType, steps: tuple[tuple[str, int], ...]) -> None:
        for name, line in steps:
            inner, exchanged = _named(old, name, line), _named(new, name, line)
            if inner is None or exchanged is None:
                raise NotLive(f"{name} of line {line} has no code of its own")
            old, new = inner, exchanged
        for function in self._still.functions.get(id(old), ()):
            try:
                function.__code__ = new
            except ValueError:
                raise NotLive(f"{steps[-1][0]} would capture other variables") from None


#: Stands for a variable without a value.
UNBOUND = type("Unbound", (), {"__slots__": ()})()


def provide_names() -> None:
    """What the functions made of probes call."""
    setattr(builtins, "__hindsight_unbound__", UNBOUND)
    setattr(builtins, "__hindsight_locals__", locals)


def _place_of(addition: Addition) -> str:
    line = getattr(addition.node, "lineno", 0)
    return f"{addition.file.path}:{line - transform.PROBE_LINE if line > transform.PROBE_LINE else line}"


def _last_name(node: ast.expr) -> Optional[str]:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _chain(scope: Scope) -> Iterator[Scope]:
    """The scope and those around it, without the module, innermost first."""
    current: Optional[Scope] = scope
    while current is not None and current.kind != "module":
        yield current
        current = current.parent


def _class_around(scope: Scope) -> Optional[str]:
    """The class whose name private names inside take."""
    return next((s.name for s in _chain(scope) if s.kind == "class"), None)


def _mangled(name: str, owner: Optional[str]) -> str:
    if owner is None or not name.startswith("__") or name.endswith("__") or "." in name:
        return name
    stripped = owner.lstrip("_")
    return f"_{stripped}{name}" if stripped else name


def _first_line(node: ast.AST) -> int:
    assert isinstance(node, ast.stmt)
    return first_position(node)[0]


def _inner(code: CodeType, node: ast.AST) -> Optional[CodeType]:
    name = getattr(node, "name", None)
    return None if name is None else _named(code, name, _first_line(node))


def _named(code: CodeType, name: str, line: int) -> Optional[CodeType]:
    found = [
        c
        for c in code.co_consts
        if isinstance(c, CodeType) and c.co_name == name and c.co_firstlineno == line
    ]
    return found[0] if len(found) == 1 else None


def _future_flags(tree: ast.Module) -> int:
    flags = 0
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= getattr(future, alias.name).compiler_flag
    return flags


# Statements that do the same when they run later


def _is_pure(node: ast.AST) -> bool:
    """An import, a definition, or a name for something constant or new."""
    if isinstance(node, (ast.Import, ast.Pass)):
        return True
    if isinstance(node, ast.ImportFrom):
        return all(alias.name != "*" for alias in node.names)
    if isinstance(node, ast.FunctionDef):
        defaults = [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
        return all(map(_is_constant, defaults)) and all(map(_is_reference, node.decorator_list))
    if isinstance(node, ast.ClassDef):
        return (
            not node.keywords
            and not node.decorator_list
            and all(map(_is_reference, node.bases))
            and all(map(_is_pure, node.body))
        )
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        return all(isinstance(t, ast.Name) for t in node.targets) and _is_constant(node.value)
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.target, ast.Name) and (node.value is None or _is_constant(node.value))
    return False


def _is_constant(node: Optional[ast.AST]) -> bool:
    if node is None or isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.UnaryOp):
        return _is_constant(node.operand)
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return all(map(_is_constant, node.elts))
    if isinstance(node, ast.Dict):
        return all(map(_is_constant, [*node.keys, *node.values]))
    if isinstance(node, ast.Call) and _last_name(node.func) in _CONTAINERS and not node.keywords:
        return all(_is_constant(a) or _last_name(a) in _CONTAINERS | {"int", "float"} for a in node.args)
    return False


def _is_reference(node: ast.AST) -> bool:
    """`torch.no_grad()`, `staticmethod`: names, and calls of them with constants."""
    if isinstance(node, ast.Call):
        arguments = [*node.args, *(k.value for k in node.keywords)]
        return _is_reference(node.func) and all(map(_is_constant, arguments))
    if isinstance(node, ast.Attribute):
        return _is_reference(node.value)
    return isinstance(node, ast.Name)


def _is_unconditional(addition: Addition) -> bool:
    """Whether the place is passed whenever its function or module is."""
    for owner, field in addition.file.ancestors(addition.place):
        if isinstance(owner, (ast.Module, *FUNCTIONS)):
            return True
        if not (isinstance(owner, (ast.With, ast.Try)) and field == "body"):
            return False
    return False
