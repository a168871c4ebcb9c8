"""Which recorded loops may run a probe: those must not be skipped.

The answer goes by names and errs on the side of yes. A loop counts where an added statement stands
in it, or where a function that may come to one may be called from it. A function may be called
wherever its name is called; where the name is mentioned in any other way, or where a library may
call the function unasked, from everywhere.
"""

from __future__ import annotations

import ast
from typing import Iterable, Optional, Union

from .probes import Addition
from .recorded import RecordedFile, RecordedProgram
from .scopes import Scope
from .source import DEFINITIONS, FUNCTIONS, LOOPS, named_blocks

# Decorators after which a function still runs just when its name is called.
_TRANSPARENT = frozenset(
    """no_grad inference_mode enable_grad set_grad_enabled staticmethod classmethod abstractmethod
    wraps lru_cache cache contextmanager asynccontextmanager compile jit njit partial override
    final overload dataclass main command option argument group record autocast script ignore
    unused filter_jit typechecked beartype""".split()
)
# Callees that run a function given to them at once, or finish an iterator given to them.
_RUNNERS = frozenset("Fire run spawn run_until_complete launch start_processes CLI cli".split())
# Callees that call a function given to them before they return.
_IMMEDIATE = frozenset("sorted max min sort reduce apply tree_map map_structure".split())
_AWAITED = frozenset("gather wait_for shield".split())
_CONSUMERS = frozenset(
    """list tuple set dict frozenset sum any all max min sorted join stack cat concatenate mean fsum
    prod
    Counter deque array len""".split()
)
_HEADER_ITERATORS = frozenset(
    "enumerate zip tqdm trange reversed islice iter track progress".split()
)
# Mentions of a class that call nothing.
_CLASS_TESTS = frozenset({"isinstance", "issubclass", "super", "cast"})
_HARMLESS_BASES = frozenset(
    """object ABC Protocol Generic NamedTuple TypedDict Enum IntEnum StrEnum Exception BaseException
    ValueError RuntimeError KeyError TypeError SimpleNamespace Dataset IterableDataset""".split()
)
_MODULE_BASES = frozenset({"Module", "Sequential", "ModuleList", "ModuleDict"})
# What `torch.nn.Module` calls on itself or is called on by the library, besides names with
# underscores.
_MODULE_HOOKS = frozenset(
    """forward train eval apply parameters named_parameters buffers named_buffers modules
    named_modules
    children named_children state_dict load_state_dict extra_repr zero_grad requires_grad_ to cuda
    cpu float double half bfloat16 type share_memory get_extra_state set_extra_state add_module
    get_submodule get_parameter get_buffer to_empty setup append extend insert keys values items pop
    _apply _call_impl _slow_forward _save_to_state_dict _load_from_state_dict _get_name
    _named_members _replicate_for_data_parallel""".split()
)

Node = Union[str, int]


class _Function:
    """A function's or module's own code: something that may come to added statements."""

    __slots__ = (
        "node",
        "name",
        "owner",
        "calls",
        "has_added",
        "is_generator",
        "is_async",
        "is_free",
        "is_added",
    )

    def __init__(self, node: ast.AST, name: str, owner: Optional[_Class]) -> None:
        self.node = node
        self.name = name
        self.owner = owner
        self.calls: set[str] = set()
        self.has_added = False
        self.is_generator = False
        self.is_async = isinstance(node, ast.AsyncFunctionDef)
        # Whether it may run at any time, whoever mentions it.
        self.is_free = False
        self.is_added = False

    @property
    def is_suspended(self) -> bool:
        """Whether calling it runs nothing yet."""
        is_manager = any(
            (_last_name(d) or "").endswith("contextmanager")
            for d in getattr(self.node, "decorator_list", ())
        )
        return (self.is_generator or self.is_async) and not is_manager


class _Class:
    __slots__ = ("name", "bases", "methods")

    def __init__(self, name: str, bases: list[str]) -> None:
        self.name = name
        self.bases = bases
        self.methods: list[_Function] = []


class _Loop:
    __slots__ = ("identifier", "calls", "has_added", "function", "has_yield", "iterates")

    def __init__(self, identifier: str, function: _Function) -> None:
        self.identifier = identifier
        self.calls: set[str] = set()
        self.has_added = False
        self.function = function
        self.has_yield = False
        # Names of generators that its header draws from.
        self.iterates: set[str] = set()


def loops_to_execute(program: RecordedProgram, additions: Iterable[Addition]) -> list[str]:
    """The recorded loops that may come to an added statement, in the sources' order."""
    return Reach(program, list(additions)).answer()


class Reach:
    def __init__(self, program: RecordedProgram, additions: list[Addition]) -> None:
        self.program = program
        self.functions: list[_Function] = []
        self.classes: dict[str, list[_Class]] = {}
        self.loops: list[_Loop] = []
        # Names that are mentioned other than by being called; those after a dot may be methods, and
        # functions too where a module may stand before it. Calls after a dot are noted with it.
        self.loose: set[str] = set()
        self.loose_attributes: set[str] = set()
        self.called: set[str] = set()
        # Generators and coroutines of these names are made in one place and run in another.
        self.stored: set[str] = set()
        # Generators that run in turns with an expression, or with whoever draws from another
        # generator.
        self.interleaved: set[str] = set()
        self.delegated: set[str] = set()
        self.aliases: dict[str, set[str]] = {}
        self.any_method = False
        self.any_function = False
        self.additions: dict[tuple[int, str], list[Addition]] = {}
        for addition in additions:
            key = (id(addition.place.owner), addition.place.field)
            self.additions.setdefault(key, []).append(addition)
        used = [file.scopes for file in program.files.values()]
        # With modules in variables, whatever stands before a dot may be one.
        self.has_module_variables = any(
            _DYNAMIC_IMPORTS & (scopes.module.used | scopes.attributes) for scopes in used
        )
        for file in program.files.values():
            _Collector(self, file).collect()

        for alias, names in self.aliases.items():
            if alias in self.loose:
                self.loose |= names

    def reaching(self) -> tuple[list[_Function], set[str]]:
        """The functions that may come to an added statement, and the names by which they are called."""
        functions = self._reaching_functions()
        return functions, self._names(functions)

    def answer(self) -> list[str]:
        reaching, names = self.reaching()
        if any(self.is_anytime(function) for function in reaching):
            return [loop.identifier for loop in self.loops]
        found: set[int] = set()
        changed = True
        generators = self._names(f for f in self.functions if f.is_generator)
        # A loop that yields runs the body of the loop which draws from its generator, and so on.
        while changed:
            changed = False
            for index, loop in enumerate(self.loops):
                if index in found:
                    continue
                if (
                    loop.has_added
                    or self.resolved(loop.calls) & names
                    or self.resolved(loop.iterates) & names & generators
                    or (loop.has_yield and self._consumers_reach(loop, found, reaching))
                ):
                    found.add(index)
                    changed = True
        return [loop.identifier for index, loop in enumerate(self.loops) if index in found]

    def _consumers_reach(self, loop: _Loop, found: set[int], reaching: list[_Function]) -> bool:
        names = self._names([loop.function])
        consumers = [
            index
            for index, other in enumerate(self.loops)
            if names & self.resolved(other.iterates)
        ]
        if self.is_anytime(loop.function):
            return bool(reaching)
        if any(index in found for index in consumers):
            return True
        if names & self.resolved(self.delegated):
            return bool(found or reaching)
        # Drawn from by a comprehension or a `with`.
        return bool(names & self.resolved(self.interleaved)) and any(
            names & self.resolved(function.calls) for function in reaching
        )

    def _reaching_functions(self) -> list[_Function]:
        reaching = {id(f): f for f in self.functions if f.has_added and self._may_run(f)}
        changed = True
        while changed:
            changed = False
            names = self._names(reaching.values())
            for function in self.functions:
                if id(function) not in reaching and self.resolved(function.calls) & names:
                    reaching[id(function)] = function
                    changed = True
        return list(reaching.values())

    def _may_run(self, function: _Function) -> bool:
        """An added plain function that nothing mentions does not run, so it costs nothing."""
        if not function.is_added or function.is_free or function.owner is not None:
            return True
        return function.name in self.loose or function.name in self.called

    def _names(self, functions: Iterable[_Function]) -> set[str]:
        names: set[str] = set()
        for function in functions:
            if function.owner is not None and function.name in _CONSTRUCTION:
                names |= self._constructed_by(function.owner)
                continue
            names.add(function.name)
            if function.owner is not None:
                names.add("." + function.name)
            if isinstance(function.node, ast.Module):
                names |= _DYNAMIC_IMPORTS
        return names

    def _constructed_by(self, owner: _Class) -> set[str]:
        """The class and the project's classes below it: calling one of these runs the method."""
        names = {owner.name}
        changed = True
        while changed:
            changed = False
            for group in self.classes.values():
                for other in group:
                    if other.name not in names and names & set(other.bases):
                        names.add(other.name)
                        changed = True
        return names

    def resolved(self, names: set[str]) -> set[str]:
        result = set(names)
        for name in names:
            result |= self.aliases.get(name, set())
        return result

    def is_anytime(self, function: _Function) -> bool:
        """Whether a function may be called from everywhere."""
        if isinstance(function.node, ast.Module):
            return False
        name, owner = function.name, function.owner
        if function.is_free or (
            function.is_suspended and self._names([function]) & self.resolved(self.stored)
        ):
            return True
        if owner is not None and self.any_method or owner is None and self.any_function:
            return True
        if owner is not None and name in _CONSTRUCTION:
            return bool(self._constructed_by(owner) & self.loose)
        if name.startswith("__") and name.endswith("__"):
            return True
        if name in self.loose or (owner is not None and name in self.loose_attributes):
            return True
        if owner is not None and self._may_override(owner, name):
            return True
        return not self._names([function]) & self.resolved(self.called)

    def _may_override(self, owner: _Class, name: str) -> bool:
        pending, seen = list(owner.bases), set()
        while pending:
            base = pending.pop()
            if base in seen or base in _HARMLESS_BASES:
                continue
            seen.add(base)
            if base not in self.classes:
                if base not in _MODULE_BASES:
                    return True
                if name in _MODULE_HOOKS or name.startswith(("register_", "load_", "on_")):
                    return True
                continue
            for project in self.classes[base]:
                pending.extend(project.bases)
        return False


_CONSTRUCTION = frozenset({"__init__", "__new__", "__post_init__"})
_DYNAMIC_IMPORTS = frozenset({"import_module", "__import__", "run_path", "run_module"})


class _Collector:
    """Walks one file as it would be spliced and notes functions, loops, calls and mentions."""

    def __init__(self, reach: Reach, file: RecordedFile) -> None:
        self.reach = reach
        self.file = file
        self.path = file.path
        self.scope = file.scopes.module
        self._in_added = False

    def collect(self) -> None:
        tree = self.file.tree
        name = self.path[:-3] if self.path.endswith(".py") else self.path
        name = name[: -len("/__init__")] if name.endswith("/__init__") else name
        module = _Function(tree, "module " + name.split("/")[-1], None)
        self.reach.functions.append(module)
        self._blocks(tree, module, [], None)

    def _blocks(
        self,
        owner: ast.AST,
        function: _Function,
        loops: list[_Loop],
        enclosing: Optional[_Class],
        inner_loops: Optional[list[_Loop]] = None,
    ) -> None:
        for field, block in named_blocks(owner):
            live = inner_loops if field == "body" and inner_loops is not None else loops
            added = self.reach.additions.get((id(owner), field), ())
            for addition in added:
                node = addition.node
                if not _is_plain_definition(node):
                    function.has_added = True
                    for loop in live:
                        loop.has_added = True
                self._in_added = True
                self._statement(node, function, live, enclosing)
                self._in_added = False
            for child in block:
                self._statement(child, function, live, enclosing)

    def _statement(
        self,
        node: ast.AST,
        function: _Function,
        loops: list[_Loop],
        enclosing: Optional[_Class],
    ) -> None:
        if isinstance(node, FUNCTIONS):
            self._function(node, function, loops, enclosing)
        elif isinstance(node, ast.ClassDef):
            self._decorators(node, function, loops)
            bases = [_last_name(base) or "?" for base in node.bases]
            for part in [*node.bases, *[keyword.value for keyword in node.keywords]]:
                if not isinstance(part, (ast.Name, ast.Attribute)):
                    self._expression(part, function, loops)
            if any(keyword.arg == "metaclass" for keyword in node.keywords):
                bases += [] if _is_abstract(node) else ["?"]
            described = _Class(node.name, bases)
            self.reach.classes.setdefault(node.name, []).append(described)
            self._blocks(node, function, loops, described)
        elif isinstance(node, LOOPS):
            described_loop = None
            if not self._in_added:
                described_loop = _Loop(f"{self.path}:{node.lineno}:{node.col_offset}", function)
                self.reach.loops.append(described_loop)
            inner = loops + [described_loop] if described_loop is not None else loops
            if isinstance(node, ast.While):
                self._expression(node.test, function, inner)
            else:
                if described_loop is not None:
                    described_loop.iterates |= self._drawn_from(node.iter)
                self._expression(node.target, function, inner)
                self._expression(node.iter, function, loops, True)
            self._blocks(node, function, loops, None, inner)
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Lambda)
            and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name)
        ):
            # As good as a `def`.
            self._later(node.value, node.targets[0].id, function, loops)
        else:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self._import(node, function, loops)
            blocks_of = {field for field, _ in named_blocks(node)}
            for field, value in ast.iter_fields(node):
                if field in blocks_of:
                    continue
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST):
                        self._expression(child, function, loops)
            if blocks_of:
                self._blocks(node, function, loops, enclosing)

    def _function(
        self,
        node: Union[ast.FunctionDef, ast.AsyncFunctionDef],
        function: _Function,
        loops: list[_Loop],
        enclosing: Optional[_Class],
    ) -> None:
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self._expression(default, function, loops)
        described = _Function(node, node.name, enclosing)
        described.has_added = described.is_added = self._in_added
        described.is_free = not self._decorators(node, function, loops)
        if enclosing is not None:
            enclosing.methods.append(described)
        self.reach.functions.append(described)
        outer = self._enter(node)
        self._blocks(node, described, [], None)
        self.scope = outer

    def _enter(self, node: ast.AST) -> Scope:
        """Goes into a node's own scope, where it has one; gives the one around."""
        outer = self.scope
        self.scope = self.file.scopes.of.get(id(node), outer)
        return outer

    def _is_defined(self, node: ast.AST) -> bool:
        """Whether an expression may be a module, a class or a function rather than some object."""
        if self.reach.has_module_variables:
            return True
        if isinstance(node, ast.Attribute):
            return self._is_defined(node.value)
        if isinstance(node, ast.Subscript):
            return _last_name(node) == "modules"
        return isinstance(node, ast.Name) and self.scope.may_be_definition(node.id)

    def _callee(self, callee: ast.AST) -> set[str]:
        """The names under which what is called may be known."""
        name = _last_name(callee)
        if name is None:
            return set()
        while isinstance(callee, ast.Subscript):
            callee = callee.value
        if isinstance(callee, ast.Attribute):
            return {name, "." + name} if self._is_defined(callee.value) else {"." + name}
        return {name}

    def _drawn_from(self, iterable: ast.AST) -> set[str]:
        """The names of what is called in a loop's header."""
        found: set[str] = set()
        for node in ast.walk(iterable):
            if isinstance(node, ast.Call):
                found |= self._callee(node.func)
        return found

    def _decorators(self, node: ast.AST, function: _Function, loops: list[_Loop]) -> bool:
        """Notes what decorators call; whether they leave the function to be called by its name."""
        is_plain = True
        for decorator in node.decorator_list:
            self._expression(decorator, function, loops)
            callee = decorator.func if isinstance(decorator, ast.Call) else decorator
            if _last_name(callee) not in _TRANSPARENT:
                is_plain = False
        return is_plain

    def _import(self, node: ast.AST, function: _Function, loops: list[_Loop]) -> None:
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            if node.module:
                names.append(node.module.split(".")[-1])
            for alias in node.names:
                names.append(alias.name)
                if alias.asname:
                    self.reach.aliases.setdefault(alias.asname, set()).add(alias.name)
        else:
            for alias in node.names:
                names.append(alias.name.split(".")[-1])
                if alias.asname:
                    self.reach.aliases.setdefault(alias.asname, set()).add(
                        alias.name.split(".")[-1]
                    )
        # A module's own code runs where it is imported first.
        calls = {"module " + name for name in names}
        function.calls |= calls
        self.reach.called |= calls
        for loop in loops:
            loop.calls |= calls

    def _call(self, names: set[str], function: _Function, loops: list[_Loop]) -> None:
        self.reach.called |= names
        function.calls |= names
        for loop in loops:
            loop.calls |= names

    def _expression(
        self,
        node: ast.AST,
        function: _Function,
        loops: list[_Loop],
        is_finished: bool = False,
    ) -> None:
        """`is_finished`: what the expression gives is iterated or awaited on the spot."""
        if isinstance(node, ast.Call):
            self._call_expression(node, function, loops, is_finished)
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load) and self.scope.may_be_definition(node.id):
                self.reach.loose.add(node.id)
        elif isinstance(node, ast.Attribute):
            if isinstance(node.ctx, ast.Load):
                self.reach.loose_attributes.add(node.attr)
                if self._is_defined(node.value):
                    self.reach.loose.add(node.attr)
            self._expression(node.value, function, loops)
        elif isinstance(node, ast.Lambda) or (
            isinstance(node, ast.GeneratorExp) and not is_finished
        ):
            self._later(node, "<lambda>", function, loops).is_free = True
        elif isinstance(node, (ast.YieldFrom, ast.Await)):
            if isinstance(node, ast.YieldFrom):
                self._yields(function, loops)
                self.reach.delegated |= self._drawn_from(node.value)
            self._expression(node.value, function, loops, True)
        elif isinstance(node, ast.comprehension):
            self._expression(node.target, function, loops)
            self._expression(node.iter, function, loops, True)
            self.reach.interleaved |= self._drawn_from(node.iter)
            for condition in node.ifs:
                self._expression(condition, function, loops)
        elif isinstance(node, ast.withitem):
            self._expression(node.context_expr, function, loops, True)
            self.reach.interleaved |= self._drawn_from(node.context_expr)
            if node.optional_vars is not None:
                self._expression(node.optional_vars, function, loops)
        else:
            if isinstance(node, ast.Yield):
                self._yields(function, loops)
            outer = self._enter(node)
            self._children(node, function, loops)
            self.scope = outer

    def _call_expression(
        self, node: ast.Call, function: _Function, loops: list[_Loop], is_finished: bool
    ) -> None:
        name = _last_name(node.func)
        if name is None:
            self._expression(node.func, function, loops)
        else:
            names = self._callee(node.func)
            self._call(names, function, loops)
            if not is_finished:
                self.reach.stored |= names
            if isinstance(node.func, ast.Attribute):
                self._expression(node.func.value, function, loops)
            elif isinstance(node.func, ast.Subscript):
                self._expression(node.func, function, loops)
        self._dynamic(node, name)
        finishes = (
            name in _CONSUMERS
            or name in _RUNNERS
            or (is_finished and (name in _HEADER_ITERATORS or name in _AWAITED))
        )
        for argument in [*node.args, *[keyword.value for keyword in node.keywords]]:
            if isinstance(argument, (ast.Name, ast.Attribute, ast.Tuple)) and name in _CLASS_TESTS:
                continue
            if isinstance(argument, (ast.Name, ast.Attribute)) and name in _RUNNERS:
                self._call(self._callee(argument), function, loops)
            elif isinstance(argument, ast.Lambda) and name in _IMMEDIATE:
                self._children(argument, function, loops)
            else:
                self._expression(argument, function, loops, finishes)

    def _later(
        self, node: ast.AST, name: str, function: _Function, loops: list[_Loop]
    ) -> _Function:
        """An expression's code that runs when it is called or drawn from."""
        inner = _Function(node, name, None)
        inner.has_added = inner.is_added = self._in_added
        self.reach.functions.append(inner)
        outer = self._enter(node)
        self._children(node, inner, [])
        self.scope = outer
        return inner

    @staticmethod
    def _yields(function: _Function, loops: list[_Loop]) -> None:
        function.is_generator = True
        for loop in loops:
            loop.has_yield = True

    def _children(self, node: ast.AST, function: _Function, loops: list[_Loop]) -> None:
        for child in ast.iter_child_nodes(node):
            self._expression(child, function, loops)

    def _dynamic(self, call: ast.Call, name: Optional[str]) -> None:
        """Names that are looked up by text."""
        if name in ("getattr", "methodcaller", "attrgetter"):
            texts = call.args[1:2] if name == "getattr" else call.args
            for text in texts:
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    self.reach.loose.add(text.value)
                    self.reach.loose_attributes.add(text.value)
                elif name != "getattr" or _last_name(call.args[0]) == "self":
                    self.reach.any_method = True
        elif name in ("globals", "eval", "exec") and isinstance(call.func, ast.Name):
            self.reach.any_function = True


def _last_name(node: ast.AST) -> Optional[str]:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    return None


def _is_plain_definition(node: ast.AST) -> bool:
    return isinstance(node, DEFINITIONS + (ast.Import, ast.ImportFrom)) and not getattr(
        node, "decorator_list", None
    )


def _is_abstract(node: ast.ClassDef) -> bool:
    return all(
        _last_name(keyword.value) == "ABCMeta"
        for keyword in node.keywords
        if keyword.arg == "metaclass"
    )
