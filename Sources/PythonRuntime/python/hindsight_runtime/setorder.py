"""Finds out in a replay where the program's results follow the order of a set that depends on addresses.

Hashes of strings are fixed by the recorded seed; those of objects are their addresses, which are others in each
process. Looking something up in such a set is fine; going through it is not. A replay's program is rewritten so
that what goes through something in its order is looked at first:

    for x in items: …      →  for x in __hindsight_items__(items): …
    sorted(items, key=f)   →  __hindsight_ranking__(sorted)(items, key=f)
    library.f(some_set)    →  __hindsight_giving__(library.f)(some_set)
"""

from __future__ import annotations

import ast
import sys
import types
import weakref
from typing import Any, Callable, Iterable, Optional

from . import entropy
from .analysis.logcalls import log_call_name
from .transform import CompiledFunctions, at, call, last_name

#: Functions and methods that go through their arguments in their order.
_IN_ORDER = frozenset(
    (
        "list tuple iter enumerate zip map filter reduce deque dict sum fsum prod join extend extendleft "
        "fromkeys Counter OrderedDict fromiter chain product permutations combinations islice cycle "
        "starmap accumulate groupby takewhile dropwhile zip_longest sample choices Series DataFrame dump "
        "dumps str repr format"
    ).split()
)
#: Those that go through what their arguments hold.
_IN_ORDER_WITHIN = frozenset(("from_iterable", "map", "starmap"))
_RANKING = frozenset(("sorted", "min", "max"))
#: What is done to sets that does not show their order.
_UNORDERED = frozenset(
    (
        "set frozenset len bool isinstance type id hash any all add append update union intersection "
        "difference symmetric_difference issubset issuperset isdisjoint intersection_update "
        "difference_update discard remove copy deepcopy setdefault get callable hasattr getattr setattr "
        "super cast Lock ref"
    ).split()
)
_SET_MAKERS = frozenset(
    ("set", "frozenset", "union", "intersection", "difference", "symmetric_difference", "WeakSet")
)


def watch_order(tree: ast.Module) -> None:
    """Rewrites a tree of a replay, probes included; before anything else does."""
    _Order(tree).visit(tree)


def _names_of_sets(tree: ast.Module) -> set[str]:
    """Names of variables and attributes that something which makes a set is assigned to."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        if _makes_set(value):
            names |= {name for name in map(last_name, targets) if name}
    return names


def _makes_set(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _makes_set(node.left) or _makes_set(node.right)
    if isinstance(node, ast.IfExp):
        return _makes_set(node.body) or _makes_set(node.orelse)
    return isinstance(node, (ast.Set, ast.SetComp)) or (
        isinstance(node, ast.Call) and last_name(node.func) in _SET_MAKERS
    )


class _Order(ast.NodeTransformer):
    def __init__(self, tree: ast.Module) -> None:
        self._compiled = CompiledFunctions(tree)
        self._sets = _names_of_sets(tree)
        self._entropy = entropy.candidate_names(tree)
        #: Inside a method whose result only finds things.
        self._in_hash = False

    @staticmethod
    def _looked_at(node: Any, field: str) -> None:
        setattr(node, field, _items(getattr(node, field)))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if self._compiled.contain(node):
            return node
        outer, self._in_hash = self._in_hash, node.name == "__hash__"
        self.generic_visit(node)
        self._in_hash = outer
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        self._looked_at(node, "iter")
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        if not node.is_async:
            self._looked_at(node, "iter")
        return node

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            self._looked_at(node, "value")
        return node

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        self.generic_visit(node)
        self._looked_at(node, "value")
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        self.generic_visit(node)
        self._looked_at(node, "value")
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.value, (ast.Tuple, ast.List)) and any(map(_takes_apart, node.targets)):
            self._looked_at(node, "value")
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Add) and isinstance(
            node.value, (ast.Name, ast.Attribute, ast.Subscript)
        ):
            self._looked_at(node, "value")
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant):
            if isinstance(node.right, ast.Tuple):
                node.right.elts = [_items(e) for e in node.right.elts]
            else:
                self._looked_at(node, "right")
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = last_name(node.func)
        if name in _RANKING and isinstance(node.func, ast.Name):
            node.func = at(node.func, call("__hindsight_ranking__", node.func))
        elif name in _IN_ORDER or name in _IN_ORDER_WITHIN or log_call_name(node) is not None:
            node.args = [_items(a, name in _IN_ORDER_WITHIN) for a in node.args]
            for argument in node.args:
                if isinstance(argument, ast.Starred):  # each of its items is gone through
                    argument.value = at(
                        argument.value, call("__hindsight_items__", argument.value, True)
                    )
        elif name == "hash" and node.args and not self._in_hash:
            node.args[0] = at(node.args[0], call("__hindsight_hashed__", node.args[0]))
        elif name == "pop" and not node.args and isinstance(node.func, ast.Attribute):
            self._looked_at(node.func, "value")
        elif (
            name not in _UNORDERED
            and name not in self._entropy
            and any(map(self._may_be_set, node.args))
        ):
            node.func = at(node.func, call("__hindsight_giving__", node.func))
        return node

    def _may_be_set(self, node: ast.expr) -> bool:
        return _makes_set(node) or last_name(node) in self._sets


def _takes_apart(target: ast.expr) -> bool:
    return isinstance(target, (ast.Tuple, ast.List)) or (
        isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice)
    )


#: Expressions that give no set.
_NO_SETS = (
    *(
        ast.Constant,
        ast.Starred,
        ast.Lambda,
        ast.JoinedStr,
        ast.GeneratorExp,
        ast.ListComp,
        ast.DictComp,
        ast.List,
    ),
    *(ast.Tuple, ast.Dict, ast.Compare, ast.UnaryOp, ast.Yield, ast.Await),
)
_SET_OPERATORS = (ast.BitOr, ast.BitAnd, ast.BitXor, ast.Sub)


def _items(node: ast.expr, within: bool = False) -> ast.expr:
    if isinstance(node, _NO_SETS) and not (within and isinstance(node, (ast.List, ast.Tuple))):
        return node
    if isinstance(node, ast.BinOp) and not isinstance(node.op, _SET_OPERATORS):
        return node
    arguments: list[object] = [node, True] if within else [node]
    return at(node, call("__hindsight_items__", *arguments))


# At run time


class SetOrder:
    """What the rewritten program calls; `tell` is given what follows addresses, and the frame of the program."""

    def __init__(
        self,
        is_counted: Callable[[], bool],
        tell: Callable[[str, Any], None],
        is_own: Callable[[Any], bool],
    ) -> None:
        self._is_counted = is_counted
        self._tell = tell
        #: Whether a function is the program's, whose own text is watched.
        self._is_own = is_own

    def functions(self) -> dict[str, Callable[..., Any]]:
        return {
            "items": self.items,
            "hashed": self.hashed,
            "ranking": self.ranking,
            "giving": self.giving,
        }

    def items(self, value: Any, within: bool = False) -> Any:
        """What the program is about to go through in its order."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if is_set(kind):
            self._go_through(value, sys._getframe(1))
        elif within and kind in _HOLDERS and self._is_counted():
            for inner in value:
                if is_set(type(inner)):
                    self._go_through(inner, sys._getframe(1))
        return value

    def hashed(self, value: Any) -> Any:
        """What the program asks the hash of."""
        if type(value) not in _HASHED_BY_VALUE and self._is_counted() and follows_address(value):
            self._tell(f"the hash of a {type(value).__qualname__} object", sys._getframe(1))
        return value

    def ranking(self, function: Any) -> Any:
        """`sorted`, `min` and `max` show a set's order where some of its elements are equal in rank."""
        if function not in (sorted, min, max):
            return function
        frame = sys._getframe(1)

        def ranked(*arguments: Any, **options: Any) -> Any:
            if len(arguments) != 1 or not is_set(type(arguments[0])) or type(arguments[0]) is _WEAK:
                return function(*arguments, **options)
            key = options.pop("key", None)
            ranks: dict[int, Any] = {}

            def rank(item: Any) -> Any:
                found = ranks[id(item)] = item if key is None else key(item)
                return found

            result = function(*arguments, key=rank, **options)
            if len(ranks) > 1 and self._is_counted():
                if function is sorted:
                    chosen = [ranks[id(item)] for item in result]
                    has_ties = any(not (a < b or b < a) for a, b in zip(chosen, chosen[1:]))
                else:
                    best = ranks.pop(id(result), None)
                    has_ties = any(not (best < other or other < best) for other in ranks.values())
                if has_ties:
                    self._go_through(arguments[0], frame)
            return result

        return ranked

    def giving(self, function: Any) -> Any:
        """A set is given to a function, which may go through it."""
        if self._is_own(function):
            return function
        frame = sys._getframe(1)

        def given(*arguments: Any, **options: Any) -> Any:
            for argument in (*arguments, *options.values()):
                if is_set(type(argument)):
                    self._go_through(argument, frame)
            return function(*arguments, **options)

        return given

    def _go_through(self, items: Iterable[Any], frame: Any) -> None:
        if not self._is_counted():
            return
        items = list(items)
        if len(items) < 2 or _HASHED_BY_VALUE.issuperset(map(type, items)):
            return
        for item in items:
            if follows_address(item):
                self._tell(f"the order of a set of {type(item).__qualname__} objects", frame)
                return


_WEAK = weakref.WeakSet
_HOLDERS = frozenset((list, tuple, dict, type({}.values())))
#: What is met most often, and is no set.
_PLAIN = frozenset(
    (list, tuple, str, int, float, bool, range, bytes, type(None), types.GeneratorType, zip, enumerate)
)
_HASHED_BY_VALUE = frozenset((str, int, bool, bytes, complex))
_MOST_PARTS = 1000


def is_set(kind: type) -> bool:
    if kind is set or kind is frozenset or kind is _WEAK:
        return True
    # One that keeps its elements in an order of its own has an `__iter__` of its own.
    return issubclass(kind, (set, frozenset)) and kind.__iter__ in (set.__iter__, frozenset.__iter__)


def follows_address(item: Any, depth: int = 4) -> bool:
    """Whether an object's hash depends on where in memory it, or something in it, lies."""
    kind = type(item)
    if kind in _HASHED_BY_VALUE:
        return False
    if kind is float:
        return item != item and hash(item) != 0
    if item is None:
        return sys.version_info < (3, 12)
    try:
        found = hash(item)
    except Exception:
        return False
    if found == id(item) or found == object.__hash__(item):
        return True
    if not depth:
        return False
    if isinstance(item, types.MethodType):
        return True
    parts: Iterable[Any] = ()
    if isinstance(item, (tuple, frozenset)):
        parts = item
    elif isinstance(getattr(kind, "__hash__", None), types.FunctionType) and kind.__module__ != "enum":
        # Which of them its own hash is made of is not known.
        parts = list(getattr(item, "__dict__", {}).values())
        parts += [getattr(item, n, 0) for c in kind.__mro__ for n in _slots(c)]
    return any(follows_address(part, depth - 1) for _, part in zip(range(_MOST_PARTS), parts))


def _slots(kind: type) -> tuple[str, ...]:
    names: Any = vars(kind).get("__slots__", ())
    return (names,) if isinstance(names, str) else tuple(names)


def own_function(function: Any, is_own_code: Callable[[Any], bool], modules: Iterable[str]) -> bool:
    """Whether what is called is the program's own text, or makes an object of a class of its."""
    if isinstance(function, type):
        return function.__module__ in modules
    inner = getattr(function, "__func__", function)
    code: Optional[Any] = getattr(inner, "__code__", None)
    if code is None and not isinstance(function, types.BuiltinFunctionType):
        code = getattr(getattr(type(function), "__call__", None), "__code__", None)
    return code is not None and is_own_code(code)
