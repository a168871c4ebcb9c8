"""Foresight with coordinates: runs a program with its probes and counts loops in the plainest way.

    python naive_tracer.py ANSWERS LIMIT ADDED train.py ARG...

A program that goes through more than `LIMIT` iterations is given up. `ADDED` is a JSON object: by path, the numbers of the added lines. Loops tell this file when they are reached
and when an iteration begins; what a log statement on an added line writes is noted with the loops that stand
around the lines of all active functions. An added statement that raises is passed over. This shares nothing
with the runtime under test.
"""

from __future__ import annotations

import ast
import builtins
import importlib.abc
import importlib.util
import io
import json
import os
import sys
import types


class Tracer:
    def __init__(self, answers: str, limit: int, added: dict[str, list[int]]) -> None:
        self.answers = answers
        self.limit = limit
        self.added = {os.path.abspath(path): set(lines) for path, lines in added.items()}
        #: By file and loop number: first line, the body's first and last, the function's first, the source.
        self.loops: dict[str, list[tuple[int, int, int, int, str]]] = {}
        #: By frame and loop: the iterations begun, and the variable's value.
        self.counts: dict[tuple[int, str, int], tuple[int, object]] = {}
        self.hits: list[dict] = []
        self.errors = 0
        self.iterations = 0

    # What instrumented code calls.

    def reach(self, path: str, number: int) -> None:
        self.counts.pop((id(sys._getframe(1)), path, number), None)

    def enter(self, path: str, number: int, iterable: object) -> object:
        self.counts[id(sys._getframe(1)), path, number] = (0, None)
        return iterable

    def step(self, path: str, number: int, value: object = None) -> bool:
        key = (id(sys._getframe(1)), path, number)
        count, _ = self.counts.get(key, (0, None))
        self.counts[key] = (count + 1, value)
        self.iterations += 1
        if self.iterations > self.limit:
            self.tell("too long")
            os._exit(0)
        return True

    def probe(self, path: str, line: int, function: object) -> object:
        frame = sys._getframe(1)

        def call(*arguments: object, **options: object) -> None:
            if function is builtins.print:
                file = io.StringIO()
                print(*arguments, file=file, **{k: v for k, v in options.items() if k != "file"})
                text = file.getvalue()
            else:
                text = arguments[0] % arguments[1:] + "\n"  # type: ignore[operator]
            text = text[:-1] if text.endswith("\n") else text
            place = {"file": os.path.relpath(path), "line": line, "text": text}
            self.hits.append({**place, "iteration": self.around(frame)})

        return call if function is builtins.print or hasattr(function, "__self__") else function

    def failed(self) -> None:
        self.errors += 1

    def around(self, frame: types.FrameType | None) -> list[list[object]]:
        """The loops around a frame's line and around its callers' lines, outermost first."""
        result: list[list[object]] = []
        while frame is not None:
            path = frame.f_code.co_filename
            here: list[list[object]] = []
            first = frame.f_code.co_firstlineno
            for number, (header, body, last, start, target) in enumerate(self.loops.get(path, ())):
                known = self.counts.get((id(frame), path, number))
                if known is None or not header <= frame.f_lineno <= last or start != first:
                    continue
                if frame.f_lineno < body:  # the item of the next iteration is being fetched
                    here.append([target, known[0], None])
                else:
                    here.append([target, known[0] - 1, known[1]])
            result = here + result
            frame = frame.f_back
        return result

    def tell(self, status: object) -> None:
        for hit in self.hits:
            hit["iteration"] = [[t, i, scalar(v)] for t, i, v in hit["iteration"]]
        result = {
            "hits": self.hits,
            "errors": self.errors,
            "iterations": self.iterations,
            "status": status,
        }
        with open(self.answers, "w", encoding="utf-8") as file:
            json.dump(result, file)

    # Instrumenting

    def code(self, path: str) -> types.CodeType:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        tree = ast.parse(text, path)
        self.loops[path] = []
        _Instrument(self, path, text).visit(tree)
        ast.fix_missing_locations(tree)
        return compile(tree, path, "exec")


class _Instrument(ast.NodeTransformer):
    def __init__(self, tracer: Tracer, path: str, text: str) -> None:
        self.tracer = tracer
        self.path = path
        self.text = text
        self.added = tracer.added.get(path, set())
        self.first = 1
        self.guarding = False

    def _is_added(self, node: ast.AST) -> bool:
        return getattr(node, "lineno", 0) in self.added

    def _call(self, name: str, *arguments: ast.expr) -> ast.Call:
        return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])

    def visit(self, node: ast.AST) -> object:
        result = super().visit(node)
        if isinstance(node, ast.stmt) and self._is_added(node) and not self.guarding:
            handler = ast.ExceptHandler(
                ast.Name("Exception", ast.Load()), None, [ast.Expr(self._call("__naive_failed__"))]
            )
            body = result if isinstance(result, list) else [result]
            guard = ast.Try(body=body, handlers=[handler], orelse=[], finalbody=[])
            for new in (guard, handler):
                ast.copy_location(new, node)
            return guard
        return result

    def generic_visit(self, node: ast.AST) -> ast.AST:
        outer = self.guarding
        if isinstance(node, ast.stmt) and self._is_added(node):
            self.guarding = True
        try:
            return super().generic_visit(node)
        finally:
            self.guarding = outer

    def visit_FunctionDef(self, node: ast.FunctionDef) -> object:
        outer = self.first
        # A decorated function's code begins at its first decorator.
        self.first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        self.generic_visit(node)
        self.first = outer
        return node

    def visit_For(self, node: ast.For) -> object:
        if self._is_added(node):
            return self.generic_visit(node)
        names = self._loop(node, node.target)
        target = self._load(node.target)
        self.generic_visit(node)
        node.iter = self._call("__naive_enter__", *names, node.iter)
        step = self._at(node.body[0], ast.Expr(self._call("__naive_step__", *names, target)))
        node.body.insert(0, step)  # type: ignore[arg-type]
        return [self._at(node, ast.Expr(self._call("__naive_reach__", *names))), node]

    def visit_While(self, node: ast.While) -> object:
        if self._is_added(node):
            return self.generic_visit(node)
        names = self._loop(node, node.test)
        self.generic_visit(node)
        node.test = ast.BoolOp(ast.And(), [self._call("__naive_step__", *names), node.test])
        return [self._at(node, ast.Expr(self._call("__naive_reach__", *names))), node]

    def _loop(self, node: ast.stmt, target: ast.expr) -> tuple[ast.expr, ast.expr]:
        loops = self.tracer.loops[self.path]
        source = ast.get_source_segment(self.text, target) or ""
        last = max(n.end_lineno for n in node.body)  # type: ignore[attr-defined]
        is_for = isinstance(node, ast.For)
        body = node.iter.end_lineno + 1 if is_for else node.lineno  # type: ignore[attr-defined]
        loops.append((node.lineno, body, last, self.first, source))
        return ast.Constant(self.path), ast.Constant(len(loops) - 1)

    def _load(self, target: ast.expr) -> ast.expr:
        if isinstance(target, (ast.Tuple, ast.List)):
            return ast.Constant(None)
        return ast.parse(ast.unparse(target), mode="eval").body

    def _at(self, place: ast.AST, node: ast.AST) -> ast.AST:
        for child in ast.walk(node):
            if "lineno" in child._attributes:
                ast.copy_location(child, place)
        return node

    def visit_Call(self, node: ast.Call) -> object:
        is_log = isinstance(node.func, ast.Name) and node.func.id == "print"
        is_log = is_log or (isinstance(node.func, ast.Attribute) and node.func.attr == "info")
        line = node.lineno
        self.generic_visit(node)
        if line in self.added and is_log:
            place = (ast.Constant(self.path), ast.Constant(line))
            node.func = self._at(node, self._call("__naive_probe__", *place, node.func))  # type: ignore
        return node


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Instruments the modules that lie beside the program."""

    def __init__(self, tracer: Tracer, folder: str) -> None:
        self.tracer = tracer
        self.folder = folder

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        file = os.path.join(self.folder, f"{name}.py")
        return importlib.util.spec_from_file_location(name, file, loader=self) if os.path.exists(file) else None

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        exec(self.tracer.code(module.__spec__.origin), module.__dict__)  # type: ignore[union-attr, arg-type]


def scalar(value: object) -> object:
    """A loop variable's value as the contract shows it."""
    return value if type(value) in (int, float, str, bool) else None


def main() -> None:
    answers, limit, added, program, *_ = sys.argv[1:]
    tracer = Tracer(answers, int(limit), json.loads(added))
    path = os.path.abspath(program)
    for name in ("reach", "enter", "step", "probe", "failed"):
        setattr(builtins, f"__naive_{name}__", getattr(tracer, name))
    sys.argv[:] = sys.argv[4:]
    sys.path[0] = os.path.dirname(path)
    sys.meta_path.insert(0, _Finder(tracer, os.path.dirname(path)))
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__file__ = path
    status: object = 0
    try:
        exec(tracer.code(path), module.__dict__)
    except SystemExit as error:
        status = error.code
    except BaseException as error:
        status = f"{type(error).__name__}: {error}"
    tracer.tell(status)


if __name__ == "__main__":
    main()
