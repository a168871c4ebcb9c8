"""Over which recorded loops probes carry values of their own.

A running sum, a list that grows, the weights of the iteration before: such a value is right only
where the loop is executed from its first iteration. Errs on the side of yes.
"""

from __future__ import annotations

import ast
from typing import Iterable, Iterator, Optional

from .liveness import binds_first, mentions
from .logcalls import log_call_name
from .probes import Addition
from .recorded import RecordedFile, RecordedProgram
from .scopes import Bindings, Scope, root_name
from .source import DEFINITIONS, FUNCTIONS, IMPORTS, LOOPS

_PURE_CALLS = frozenset(
    """print len str repr float int bool abs sum min max sorted list tuple set dict round format
    isinstance zip enumerate range any all type id pow divmod hex bytes frozenset reversed
    deepcopy""".split()
)
_PURE_METHODS = frozenset(
    """norm sum mean std var min max abs item tolist clone copy float double half int long bool cpu
    cuda to detach numpy dot mm matmul flatten view reshape ravel transpose permute squeeze
    unsqueeze size dim numel hex keys values items get format join split strip lower upper startswith endswith
    count index sqrt exp log pow sub add mul div eq ne lt gt argmax argmin any all isnan isinf
    isfinite median round clamp cosine_similarity allclose equal astype hexdigest digest
    total_seconds parameters named_parameters buffers named_buffers modules named_modules children
    state_dict""".split()
)
_PURE_MODULES = frozenset("torch np numpy math F statistics operator scipy jnp copy".split())
_IMMEDIATE = frozenset("sorted max min sort reduce apply tree_map map_structure".split())
_ITERATORS = frozenset("zip enumerate reversed".split())
# Values that can be gone through again and again.
_VALUES = (
    *(ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set),
    *(ast.ListComp, ast.DictComp, ast.SetComp),
    *(ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.Subscript),
)


class _Touch:
    """An added statement that has to do with a name, seen from the recorded loops around it."""

    def __init__(self, addition: Addition, binds: bool, mutates: bool, loads: bool) -> None:
        self.addition = addition
        self.binds = binds
        self.mutates = mutates
        self.loads = loads


def loops_with_carried_values(
    program: RecordedProgram, additions: Iterable[Addition], execute: list[str]
) -> list[str]:
    """Those of the loops in `execute` that have to be executed without a jump into them."""
    return _Carried(program, list(additions), execute).answer()


class _Carried:
    def __init__(
        self, program: RecordedProgram, additions: list[Addition], execute: list[str]
    ) -> None:
        self.program = program
        self.additions = additions
        self.execute = execute
        self._iterator_names: Optional[set[str]] = None
        self.functions = {
            addition.node.name: addition.node
            for addition in additions
            if isinstance(addition.node, FUNCTIONS)
        }

    def answer(self) -> list[str]:
        if not self.execute:
            return []
        if any(self._lives_in_recorded_objects(addition) for addition in self.additions):
            return list(self.execute)
        found: set[str] = set()
        for file, scope, name in self._names():
            loops = self._loops_carrying(file, scope, name)
            if loops is None:
                return list(self.execute)
            found |= loops
        return [loop for loop in self.execute if loop in found]

    def _names(self) -> Iterator[tuple[RecordedFile, Scope, str]]:
        seen: set[tuple[int, str]] = set()
        for addition in self.additions:
            if isinstance(addition.node, IMPORTS):
                continue
            bindings = Bindings([addition.node])
            module = addition.file.scopes.module
            for scope, names in ((addition.scope, bindings.here), (module, bindings.module)):
                for name in names:
                    if (id(scope), name) not in seen:
                        seen.add((id(scope), name))
                        yield addition.file, scope, name

    def _lives_in_recorded_objects(self, addition: Addition) -> bool:
        """Whether it leaves something in an object of the program, which a jump would take back."""
        bindings = Bindings([addition.node])
        own = set(bindings.here) | set(bindings.module)
        for other in self.additions:
            if other.scope is addition.scope or other.scope.kind == "module":
                own |= set(Bindings([other.node]).here)
        parameters = _parameters(addition.node)
        for stored in bindings.attributes:
            if root_name(stored) not in own | parameters:
                return True
        return any(self._is_callback(node) for node in _with_parents(addition.node))

    def _is_callback(self, found: tuple[ast.AST, Optional[ast.AST]]) -> bool:
        """An added function that is handed over rather than called."""
        node, parent = found
        if isinstance(node, ast.Lambda):
            if isinstance(parent, ast.Assign):
                return False
        elif not (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and node.id in self.functions
        ):
            return False
        if isinstance(parent, ast.keyword):
            return False if parent.arg == "key" else True
        if isinstance(parent, ast.Call):
            if parent.func is node:
                return False
            return _last_name(parent.func) not in _IMMEDIATE
        return True

    def _loops_carrying(self, file: RecordedFile, scope: Scope, name: str) -> Optional[set[str]]:
        """The loops over which the name's value is carried; None: over any."""
        touches: list[_Touch] = []
        for addition in self.additions:
            if addition.file is not file or not mentions(addition.node, name):
                continue
            is_inside = addition.scope is scope and not isinstance(addition.node, DEFINITIONS)
            touch = self._touch(addition, name)
            if is_inside and not _has_inner_function(addition.node, name):
                touches.append(touch)
            elif isinstance(addition.node, DEFINITIONS) and addition.node.name == name:
                if _keeps_state(addition.node):
                    return None
            elif touch.mutates or touch.binds:
                # Some function changes it, whenever that runs.
                return None
        touches.sort(key=lambda touch: (touch.addition.node.lineno, touch.addition.node.col_offset))
        found: set[str] = set()
        for loop in {
            id(loop): loop for touch in touches for loop in file.loops_around(touch.addition.place)
        }.values():
            inside = [
                touch
                for touch in touches
                if any(other is loop for other in file.loops_around(touch.addition.place))
            ]
            if not any(touch.binds or touch.mutates for touch in inside):
                continue
            is_fresh = self._is_fresh(file, inside, name)
            if _has_yield(loop) and not (is_fresh and self._is_in_one_go(file, inside)):
                # The generator may be brought to another iteration from any loop that it is drawn from in.
                return None
            if not is_fresh:
                found.add(file.identifier(loop))
        return found

    @staticmethod
    def _is_in_one_go(file: RecordedFile, touches: list[_Touch]) -> bool:
        """Whether the generator that they stand in does not rest between the first, which is fresh, and the others."""
        place = touches[0].addition.place
        block = getattr(place.owner, place.field)
        for touch in touches[1:]:
            other, inner = touch.addition.place, None
            index = other.index + bool(other.step)
            for owner, field in file.ancestors(other):
                if owner is place.owner and field == place.field:
                    break
                inner = owner
            if inner is not None:
                index = file.place(inner).index + 1
            if any(map(_has_yield, block[place.index : index])):
                return False
        return True

    def _is_fresh(self, file: RecordedFile, touches: list[_Touch], name: str) -> bool:
        """Whether each iteration binds the name anew before anything looks at it."""
        first = touches[0]
        if not binds_first(first.addition.node, name):
            return False
        place = first.addition.place
        if isinstance(first.addition.node, LOOPS) and len(touches) > 1:
            return False
        return all(
            touch is first
            or any(
                owner is place.owner and field == place.field
                for owner, field in file.ancestors(touch.addition.place)
            )
            for touch in touches
        )

    def _touch(self, addition: Addition, name: str) -> _Touch:
        bindings = Bindings([addition.node])
        binds = name in bindings.here or name in bindings.module or name in bindings.outer
        loads = any(
            isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
            for node in ast.walk(addition.node)
        )
        return _Touch(addition, binds, self._mutates(addition.node, name, 0), loads)

    def _mutates(self, tree: ast.AST, name: str, depth: int) -> bool:
        parents = {id(node): parent for node, parent in _with_parents(tree)}
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Name) and node.id == name):
                continue
            if isinstance(node.ctx, ast.Store) and isinstance(parents[id(node)], ast.AugAssign):
                return True
            if isinstance(node.ctx, ast.Load) and self._use_mutates(node, parents, depth):
                return True
        return False

    def _use_mutates(
        self, node: ast.AST, parents: dict[int, Optional[ast.AST]], depth: int
    ) -> bool:
        inner, outer = node, parents[id(node)]
        is_iterator = isinstance(node, ast.Name) and node.id in self._iterators()
        while isinstance(outer, (ast.Attribute, ast.Subscript)) and outer.value is inner:
            if not isinstance(outer.ctx, ast.Load):
                return True
            inner, outer = outer, parents[id(outer)]
        if is_iterator and inner is node and not isinstance(outer, ast.FormattedValue):
            # Whoever goes through it leaves less of it behind.
            return not (isinstance(outer, ast.Call) and log_call_name(outer) is not None)
        if isinstance(outer, ast.Starred):
            outer = parents[id(outer)]
        if isinstance(outer, ast.keyword):
            outer = parents[id(outer)]
            if isinstance(outer, ast.Call):
                return not self._is_pure(outer)
        if isinstance(outer, ast.Call):
            if outer.func is inner:
                if isinstance(inner, ast.Attribute):
                    return inner.attr not in _PURE_METHODS
                return not (isinstance(inner, ast.Name) and inner.id in self.functions)
            if self._is_pure(outer):
                return False
            return self._callee_mutates(outer, inner, depth)
        if isinstance(outer, (ast.Assign, ast.AnnAssign, ast.Return, ast.Yield, ast.NamedExpr)):
            # Another name for the same thing; a number or a text would not matter.
            return True
        if isinstance(outer, (ast.List, ast.Tuple, ast.Dict, ast.Set)):
            return False
        return False

    def _iterators(self) -> set[str]:
        """The names that may hold something which can be gone through only once."""
        if self._iterator_names is None:
            self._iterator_names = set()
            for addition in self.additions:
                for node in ast.walk(addition.node):
                    if not isinstance(node, ast.Assign) or isinstance(node.value, _VALUES):
                        continue
                    value = node.value
                    if isinstance(value, ast.Call) and self._is_pure(value):
                        if _last_name(value.func) not in _ITERATORS:
                            continue
                    for target in node.targets:
                        if isinstance(target, ast.Name):
                            self._iterator_names.add(target.id)
        return self._iterator_names

    def _is_pure(self, call: ast.Call) -> bool:
        if log_call_name(call) is not None:
            return True
        callee = call.func
        if isinstance(callee, ast.Name):
            return callee.id in _PURE_CALLS
        if isinstance(callee, ast.Attribute):
            if callee.attr.endswith("_"):
                return False
            return root_name(callee) in _PURE_MODULES or callee.attr in _PURE_METHODS
        return False

    def _callee_mutates(self, call: ast.Call, argument: ast.AST, depth: int) -> bool:
        """Looks into an added function for what it does to its parameter."""
        if not isinstance(call.func, ast.Name) or depth > 3:
            return True
        function = self.functions.get(call.func.id)
        if function is None:
            return True
        for index, given in enumerate(call.args):
            if given is argument and index < len(function.args.args):
                parameter = function.args.args[index].arg
                return any(
                    self._mutates(statement, parameter, depth + 1) for statement in function.body
                )
        return True


def _has_yield(tree: ast.AST) -> bool:
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in ast.walk(tree))


def _has_inner_function(tree: ast.AST, name: str) -> bool:
    """Whether the name occurs in a function or a lambda inside the statement."""
    return any(
        isinstance(node, (*FUNCTIONS, ast.Lambda)) and mentions(node, name)
        for node in ast.walk(tree)
    )


def _keeps_state(definition: ast.AST) -> bool:
    """Whether an added definition keeps values of its own: a class body's names, defaults."""
    if isinstance(definition, ast.ClassDef):
        return any(isinstance(child, (ast.Assign, ast.AugAssign)) for child in definition.body)
    defaults = [*definition.args.defaults, *definition.args.kw_defaults]
    if any(
        default is not None and not isinstance(default, (ast.Constant, ast.Name, ast.UnaryOp))
        for default in defaults
    ):
        return True
    decorators = definition.decorator_list
    return any("cache" in (_last_name(decorator) or "") for decorator in decorators)


def _parameters(node: ast.AST) -> set[str]:
    found: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.arg):
            found.add(inner.arg)
    return found if isinstance(node, ast.ClassDef) else set()


def _last_name(node: ast.AST) -> Optional[str]:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return None


def _with_parents(tree: ast.AST) -> Iterator[tuple[ast.AST, Optional[ast.AST]]]:
    pending: list[tuple[ast.AST, Optional[ast.AST]]] = [(tree, None)]
    while pending:
        node, parent = pending.pop()
        yield node, parent
        pending.extend((child, node) for child in ast.iter_child_nodes(node))
