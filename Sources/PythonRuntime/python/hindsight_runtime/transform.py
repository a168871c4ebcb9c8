"""Rewrites the syntax tree of a project source so that the runtime sees its loops, its log statements and
its reads of clocks and other entropy.

    for x in items: …      →  for x in __hindsight_for__(id, items): …
                              __hindsight_after__(id)
    while test: …          →  __hindsight_while__(id)
                              try:
                                  while __hindsight_next__(id) and (test or __hindsight_ended__(id)): …
                              finally:
                                  __hindsight_leave__(id)
                              __hindsight_after__(id)
    … else: …              →  … else:
                                  if __hindsight_exhausted__(id): …
    print(x)               →  __hindsight_log__(site, print)(x)
    time.time()            →  __hindsight_source__(time.time)()
    clock()                →  __hindsight_called__(clock)()      in probes, whatever is called

Positions are kept, so tracebacks read as before. Statements of probes (spliced in by `analysis.splice`, known
by their line numbers) are guarded instead: what they raise stays inside, their loops are left alone, and what
they do to the program's data can be watched.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, Optional, Union

from . import entropy
from .analysis.logcalls import log_call_name

#: Nodes of probes have line numbers above this one (see `analysis.splice`).
PROBE_LINE = 1_000_000

#: Functions under these decorators, or handed to these functions, are compiled from their bytecode or traced
#: by tools that do not know our calls.
COMPILERS = {"jit", "njit", "vectorize", "guvectorize", "stencil", "cfunc", "script", "compile"}


@dataclass(frozen=True)
class LoopStatement:
    id: str
    line: int
    end_line: int
    #: Source of the target; of the condition for `while`.
    target: str
    #: Whether its function hands out items from within it.
    yields: bool = False


def has_yield(node: ast.AST) -> bool:
    """Whether there is a `yield` below a statement, but for those of functions defined there."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and has_yield(
            child
        ):
            return True
    return False


def rewrite(tree: ast.Module, path: str, text: str) -> list[LoopStatement]:
    """Rewrites the tree in place; `path` is relative to the root, `text` the recorded source.

    Returns the loops of the recorded source.
    """
    rewriter = _Rewriter(path, text, tree)
    rewriter.visit(tree)
    ast.fix_missing_locations(tree)
    return rewriter.loops


def last_name(node: ast.expr) -> Optional[str]:
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _names_of_jax(tree: ast.Module) -> set[str]:
    """Names that an import binds to JAX or to parts of it. It traces functions by calling them: ours included."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.asname or "jax" for a in node.names if a.name.split(".")[0] == "jax"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "jax":
            names |= {a.asname or a.name for a in node.names}
    return names


class CompiledFunctions:
    """The functions of a source that are compiled from their bytecode or their own source: they stay as they are."""

    def __init__(self, tree: ast.Module) -> None:
        self._jax = _names_of_jax(tree)
        #: Those handed to a compiler by call: `step = torch.compile(step)`.
        self._names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and self._is_compiler(node) and node.args:
                argument = node.args[0]
                if isinstance(argument, (ast.Name, ast.Attribute)):
                    self._names.add(last_name(argument) or "")

    def contain(self, node: Union[ast.FunctionDef, ast.AsyncFunctionDef]) -> bool:
        return any(map(self._is_compiler, node.decorator_list)) or node.name in self._names

    def _is_compiler(self, node: ast.expr) -> bool:
        """Whether a decorator, or what is called, compiles functions."""
        if last_name(node) not in COMPILERS:
            return False
        while isinstance(node, (ast.Call, ast.Attribute)):
            node = node.func if isinstance(node, ast.Call) else node.value
        return not (isinstance(node, ast.Name) and node.id in self._jax)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, path: str, text: str, tree: ast.Module) -> None:
        self.path = path
        self.text = text
        self.loops: list[LoopStatement] = []
        # The recorded source calls by the same names whatever is added to it.
        self._entropy_names = entropy.candidate_names(tree, PROBE_LINE)
        self._compiled = CompiledFunctions(tree)
        self._statement: ast.stmt = ast.Pass(lineno=0, col_offset=0)
        self._in_async = False
        #: Guarded statements of probes, by identity, with their sites.
        self._guards: dict[int, str] = {}

    # Statements

    def visit(self, node: ast.AST) -> object:
        if isinstance(node, ast.stmt):
            outer, self._statement = self._statement, node
            is_probe = node.lineno > PROBE_LINE and outer.lineno <= PROBE_LINE
            try:
                result = super().visit(node)
            finally:
                self._statement = outer
            if is_probe and not _is_future_import(node):
                return self._guarded(node, result)
            return result
        return super().visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, list) and any(id(child) in self._guards for child in value):
                setattr(node, name, self._watched(value))
        return node

    def _watched(self, block: list) -> list:
        """The block with a look at the program's data around every run of probes."""
        result: list = []
        site: Optional[str] = None
        for child in [*block, None]:
            found = self._guards.get(id(child))
            if found is not None and site is None:
                site = found
                result.append(self._call_statement(child, "__hindsight_watch__", site))
            elif found is None and site is not None:
                result.append(self._call_statement(result[-1], "__hindsight_watched__", site))
                site = None
            if child is not None:
                result.append(child)
        return result

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if self._compiled.contain(node):
            return node
        outer, self._in_async = self._in_async, False
        self.generic_visit(node)
        self._in_async = outer
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        # Tasks interleave, so a stack of live loops means nothing there.
        outer, self._in_async = self._in_async, True
        self.generic_visit(node)
        self._in_async = outer
        return node

    def visit_For(self, node: ast.For) -> object:
        loop = self._loop(node, node.target)
        self.generic_visit(node)
        if loop is None:
            return node
        node.iter = at(node.iter, call("__hindsight_for__", loop, node.iter))
        self._ask_at_else(node, loop)
        return [node, self._call_statement(node, "__hindsight_after__", loop)]

    def visit_While(self, node: ast.While) -> object:
        loop = self._loop(node, node.test)
        self.generic_visit(node)
        if loop is None:
            return node
        ended = ast.BoolOp(ast.Or(), [node.test, call("__hindsight_ended__", loop)])
        test = ast.BoolOp(ast.And(), [call("__hindsight_next__", loop), ended])
        node.test = at(node.test, test)
        self._ask_at_else(node, loop)
        guarded = ast.Try(
            body=[node],
            handlers=[],
            orelse=[],
            finalbody=[self._call_statement(node, "__hindsight_leave__", loop)],
        )
        statements = [
            self._call_statement(node, "__hindsight_while__", loop),
            at(node, guarded),
            self._call_statement(node, "__hindsight_after__", loop),
        ]
        return statements

    @staticmethod
    def _ask_at_else(node: ast.For | ast.While, loop: str) -> None:
        """A loop that is skipped ends by itself, even if the run left it by `break`."""
        if node.orelse:
            question = ast.If(test=call("__hindsight_exhausted__", loop), body=node.orelse, orelse=[])
            node.orelse = [at(node.orelse[0], question)]

    def _loop(self, node: ast.stmt, target: ast.expr) -> Optional[str]:
        if node.lineno > PROBE_LINE or self._in_async:
            return None
        identity = f"{self.path}:{node.lineno}:{node.col_offset}"
        end_line = node.end_lineno or node.lineno
        loop = LoopStatement(identity, node.lineno, end_line, self._source(target), has_yield(node))
        self.loops.append(loop)
        return identity

    def _call_statement(self, node: ast.stmt, name: str, argument: str) -> ast.stmt:
        return at(node, ast.Expr(call(name, argument)))

    def _guarded(self, node: ast.stmt, result: object) -> ast.stmt:
        site = self._site(node)
        body = result if isinstance(result, list) else [result]
        handler = ast.ExceptHandler(
            type=ast.Name("__hindsight_exception__", ast.Load()),
            name=None,
            body=[self._call_statement(node, "__hindsight_failed__", site)],
        )
        guard = ast.Try(
            body=[self._call_statement(node, "__hindsight_begin__", site), *body],
            handlers=[at(node, handler)],
            orelse=[],
            finalbody=[self._call_statement(node, "__hindsight_finish__", site)],
        )
        self._guards[id(guard)] = site
        return at(node, guard)

    # Expressions

    def visit_Name(self, node: ast.Name) -> ast.AST:
        # `sorted(objects, key=id)`: what is called elsewhere is a source all the same.
        if node.id == "id" and isinstance(node.ctx, ast.Load) and self._statement.lineno <= PROBE_LINE:
            return at(node, call("__hindsight_source__", node))
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = log_call_name(node)
        self.generic_visit(node)
        if name is not None and self._may_log(node):
            node.func = at(node.func, call("__hindsight_log__", self._site(self._statement), node.func))
        elif self._statement.lineno > PROBE_LINE:
            node.func = at(node.func, call("__hindsight_called__", node.func))
        elif last_name(node.func) in self._entropy_names:
            node.func = at(node.func, call("__hindsight_source__", node.func))
        return node

    def _may_log(self, node: ast.Call) -> bool:
        """`print` logs wherever it stands; methods called `log` or `write` only as statements of their own."""
        if isinstance(node.func, ast.Name) and node.func.id == "print":
            return True
        statement = self._statement
        return isinstance(statement, ast.Expr) and statement.value is node

    def _source(self, node: ast.expr) -> str:
        """An expression as it is written."""
        text = ast.get_source_segment(self.text, node) or ast.unparse(node)
        return " ".join(text.split())

    def _site(self, statement: ast.stmt) -> str:
        line, column = statement.lineno, statement.col_offset
        if line > PROBE_LINE:
            path = getattr(statement, "edited_path", self.path)
            return f"?{path}:{line - PROBE_LINE}:{column}"
        return f"{self.path}:{line}:{column}"


def _is_future_import(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def call(name: str, *arguments: object) -> ast.Call:
    values = [a if isinstance(a, ast.expr) else ast.Constant(a) for a in arguments]
    return ast.Call(func=ast.Name(name, ast.Load()), args=values, keywords=[])


def at(place: ast.AST, node: ast.AST):  # type: ignore[no-untyped-def]
    """Gives new nodes the place of an existing one, and leaves the places of those inside them alone."""
    for child in ast.walk(node):
        if hasattr(child, "lineno") or "lineno" not in child._attributes:
            continue
        ast.copy_location(child, place)
    return node
