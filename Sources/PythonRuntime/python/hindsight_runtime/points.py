"""Probe points: where statements can be put into functions that are already under way.

    x = step(batch)        →  if __hindsight_points__[7]:
                                  __hindsight_point__(7)
                              x = step(batch)

A function that stands still in a worker cannot be given other code. So those functions that hold the loop at
which the worker will stand are compiled with a point before each of their statements. Every other function
has one point at its beginning, which only tells whether it was ever called. Until the worker stands, a point
notes that it was passed, once.
"""

from __future__ import annotations

import ast
from typing import Iterator, Optional, Union

from .analysis.source import DEFINITIONS, FUNCTIONS, named_blocks
from .transform import CompiledFunctions

#: In the place of a field's name: the point at a function's beginning.
ENTRY = "entry"

_LEAVING = (ast.Return, ast.Raise, ast.Break, ast.Continue)


class Points:
    def __init__(self) -> None:
        #: By number, whether there is something to do at a point.
        self.active: list[bool] = []
        #: Which points were passed before the worker stood.
        self.passed: list[bool] = []
        #: By file, the owner's position in the tree, the block and the index in it.
        self._numbers: dict[tuple[str, int, str, int], int] = {}

    def find(self, path: str, owner: int, field: str, index: int = 0) -> Optional[int]:
        return self._numbers.get((path, owner, field, index))

    def put_in(self, tree: ast.Module, path: str, line: Optional[int]) -> None:
        """Puts points into a recorded source, before it is rewritten.

        `line`: where in this file the loop begins at which the worker will stand; 0 for the main file where
        that loop is in another one; None for all others.
        """
        _Insertion(self, tree, path, line).run()

    def note_passed(self, number: int) -> None:
        self.passed[number] = True
        self.active[number] = False

    def add(self, *places: tuple[str, int, str, int]) -> int:
        number = len(self.active)
        self.active.append(True)
        self.passed.append(False)
        for place in places:
            self._numbers[place] = number
        return number


def ordinals(tree: ast.Module) -> dict[int, int]:
    """Names for the nodes of a source that another tree of the same text shares."""
    return {id(node): number for number, node in enumerate(ast.walk(tree))}


class _Insertion:
    def __init__(self, points: Points, tree: ast.Module, path: str, line: Optional[int]) -> None:
        self._points = points
        self._tree = tree
        self._path = path
        self._line = line
        self._ordinals = ordinals(tree)
        self._compiled = CompiledFunctions(tree)

    def run(self) -> None:
        self._visit(self._tree, self._line is not None, False)

    def _visit(self, owner: ast.AST, is_open: bool, is_inherited: bool) -> None:
        """`is_open`: points before each statement; `is_inherited`: in the functions inside, too."""
        for field, block in named_blocks(owner):
            if field in ("handlers", "cases"):
                for part in block:
                    self._visit(part, is_open, is_inherited)
                continue
            for statement in block:
                if isinstance(statement, FUNCTIONS):
                    self._function(statement, is_inherited)
                elif isinstance(statement, ast.ClassDef):
                    self._visit(statement, False, is_inherited)
                else:
                    self._visit(statement, is_open, is_inherited)
            if is_open and block:
                self._open(owner, field, block)

    def _function(self, node: Union[ast.FunctionDef, ast.AsyncFunctionDef], is_inherited: bool) -> None:
        if self._compiled.contain(node):
            return
        line = self._line or 0
        is_open = is_inherited or node.lineno <= line <= (node.end_lineno or node.lineno)
        is_open = is_open and isinstance(node, ast.FunctionDef)
        self._visit(node, is_open, is_open)
        number = self._points.add((self._path, self._ordinals[id(node)], ENTRY, 0))
        start = _start(node)
        place = node.body[min(start, len(node.body) - 1)]
        node.body.insert(start, _point(number, place))

    def _open(self, owner: ast.AST, field: str, block: list[ast.stmt]) -> None:
        start = _start(owner) if field == "body" else 0
        ordinal = self._ordinals[id(owner)]
        result = list(block[:start])
        for index in range(start, len(block) + 1):
            if index == len(block) and isinstance(block[-1], _LEAVING):
                break
            places = [(self._path, ordinal, field, index)]
            if index == start:
                places += [(self._path, ordinal, field, earlier) for earlier in range(start)]
            number = self._points.add(*places)
            result.append(_point(number, block[min(index, len(block) - 1)]))
            result += block[index : index + 1]
        block[:] = result


def _start(owner: ast.AST) -> int:
    """Behind the docstring and the imports from the future, which must come first."""
    start = 0
    body = list(_first_statements(owner))
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        start = isinstance(body[0].value.value, str)
    while isinstance(owner, ast.Module) and start < len(body) and _is_from_future(body[start]):
        start += 1
    return int(start)


def _first_statements(owner: ast.AST) -> Iterator[ast.stmt]:
    if isinstance(owner, (ast.Module, *DEFINITIONS)):
        yield from owner.body


def _is_from_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _point(number: int, place: ast.stmt) -> ast.stmt:
    test = ast.Subscript(ast.Name("__hindsight_points__", ast.Load()), ast.Constant(number), ast.Load())
    call = ast.Call(ast.Name("__hindsight_point__", ast.Load()), [ast.Constant(number)], [])
    node = ast.If(test, [ast.Expr(call)], [])
    for child in ast.walk(node):
        if "lineno" in child._attributes:
            ast.copy_location(child, place)
    return node
