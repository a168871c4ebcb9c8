"""Names: what a recorded scope uses, and what an added statement binds."""

from __future__ import annotations

import ast
from typing import Iterable, Iterator, Optional

from .source import DEFINITIONS, FUNCTIONS, MATCHES, statements

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Scope:
    """A module, class, function, lambda or comprehension with the names it mentions itself."""

    def __init__(self, node: ast.AST, kind: str, name: str, parent: Optional[Scope]) -> None:
        self.node = node
        self.kind = kind
        self.name = name
        self.parent = parent
        self.mentioned: set[str] = set()
        self.bound: set[str] = set()
        # Names bound by `def`, `class` or `import`.
        self.defined: set[str] = set()
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.children: list[Scope] = []
        self._used: Optional[frozenset[str]] = None
        if parent is not None:
            parent.children.append(self)

    @property
    def qualified(self) -> str:
        """The scope's name as Python's `__qualname__` writes it; empty for the module."""
        if self.parent is None:
            return ""
        outer = self.parent.qualified
        if not outer:
            return self.name
        middle = ".<locals>." if self.parent.kind == "function" else "."
        return outer + middle + self.name

    def may_be_definition(self, name: str) -> bool:
        """Whether a name looked up here may be a function, class or module, not a variable."""
        scope: Optional[Scope] = self
        while scope is not None:
            is_visible = scope.kind != "class" or scope is self
            if is_visible and name in scope.bound and name not in scope.globals | scope.nonlocals:
                return name in scope.defined
            scope = scope.parent
        return True

    @property
    def used(self) -> frozenset[str]:
        """The names whose meaning in this scope matters to it or to a scope inside."""
        if self._used is None:
            names = set(self.mentioned) | self.bound | self.globals | self.nonlocals
            for child in self.children:
                names |= child.free
            self._used = frozenset(names)
        return self._used

    @property
    def free(self) -> frozenset[str]:
        """The names that this scope and those inside look up further out."""
        if self.kind == "class":
            return self.used
        own = self.bound - self.globals - self.nonlocals
        return self.used - own


class Scopes:
    """All scopes of a tree, by node."""

    def __init__(self, tree: ast.Module) -> None:
        self.module = Scope(tree, "module", "", None)
        self.of: dict[int, Scope] = {id(tree): self.module}
        self.attributes: set[str] = set()
        self.stars: list[ast.ImportFrom] = []
        for statement in tree.body:
            self._visit(statement, self.module)

    def _visit(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Name):
            scope.mentioned.add(node.id)
            if not isinstance(node.ctx, ast.Load):
                scope.bound.add(node.id)
        elif isinstance(node, ast.Attribute):
            self.attributes.add(node.attr)
            self._visit(node.value, scope)
        elif isinstance(node, DEFINITIONS):
            scope.bound.add(node.name)
            scope.defined.add(node.name)
            is_class = isinstance(node, ast.ClassDef)
            inner = Scope(node, "class" if is_class else "function", node.name, scope)
            self.of[id(node)] = inner
            for decorator in node.decorator_list:
                self._visit(decorator, scope)
            if isinstance(node, ast.ClassDef):
                for part in [*node.bases, *node.keywords]:
                    self._visit(part, scope)
                for statement in node.body:
                    self._visit(statement, inner)
                self.attributes |= inner.bound
            else:
                self._arguments(node.args, scope, inner)
                if node.returns is not None:
                    self._visit(node.returns, scope)
                for statement in node.body:
                    self._visit(statement, inner)
        elif isinstance(node, ast.Lambda):
            inner = Scope(node, "function", "<lambda>", scope)
            self.of[id(node)] = inner
            self._arguments(node.args, scope, inner)
            self._visit(node.body, inner)
        elif isinstance(node, _COMPREHENSIONS):
            inner = Scope(node, "comprehension", "<comprehension>", scope)
            self.of[id(node)] = inner
            for child in ast.iter_child_nodes(node):
                self._visit(child, inner)
        elif isinstance(node, ast.NamedExpr):
            # A walrus binds in the function around the comprehension.
            target = scope
            while target.kind == "comprehension" and target.parent is not None:
                target = target.parent
            self._visit(node.target, target)
            scope.mentioned.add(node.target.id)
            self._visit(node.value, scope)
        elif isinstance(node, ast.Global):
            scope.globals.update(node.names)
            self.module.mentioned.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            scope.nonlocals.update(node.names)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            scope.bound.update(imported_names(node))
            scope.defined.update(imported_names(node))
            if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names):
                self.stars.append(node)
        else:
            names = _plain_bindings(node)
            scope.bound.update(names)
            for child in ast.iter_child_nodes(node):
                self._visit(child, scope)

    def _arguments(self, arguments: ast.arguments, outer: Scope, inner: Scope) -> None:
        for argument in all_arguments(arguments):
            inner.bound.add(argument.arg)
            if argument.annotation is not None:
                self._visit(argument.annotation, outer)
        for default in [*arguments.defaults, *arguments.kw_defaults]:
            if default is not None:
                self._visit(default, outer)


class Bindings:
    """What statements bind in the scope that they stand in, with the node that does it."""

    def __init__(self, body: Iterable[ast.stmt]) -> None:
        self.here: dict[str, ast.AST] = {}
        self.module: dict[str, ast.AST] = {}
        self.outer: dict[str, ast.AST] = {}
        self.attributes: list[ast.Attribute] = []
        self.subscripts: list[ast.Subscript] = []
        self.star: Optional[ast.AST] = None
        self._globals: set[str] = set()
        self._nonlocals: set[str] = set()
        body = list(body)
        for statement in body:
            self._declarations(statement)
        for statement in body:
            self._visit(statement, False)

    def _declarations(self, statement: ast.stmt) -> None:
        nested = [] if isinstance(statement, DEFINITIONS) else list(statements(statement))
        for node in [statement, *nested]:
            if isinstance(node, ast.Global):
                self._globals.update(node.names)
                for name in node.names:
                    self.module.setdefault(name, node)
            elif isinstance(node, ast.Nonlocal):
                self._nonlocals.update(node.names)

    def _bind(self, name: str, node: ast.AST) -> None:
        if name in self._globals:
            self.module.setdefault(name, node)
        elif name in self._nonlocals:
            self.outer.setdefault(name, node)
        else:
            self.here.setdefault(name, node)

    def _visit(self, node: ast.AST, in_comprehension: bool) -> None:
        if isinstance(node, DEFINITIONS):
            self._bind(node.name, node)
            for decorator in node.decorator_list:
                self._visit(decorator, in_comprehension)
            if isinstance(node, ast.ClassDef):
                for part in [*node.bases, *node.keywords]:
                    self._visit(part, in_comprehension)
                inner = Bindings(node.body)
            else:
                for default in [*node.args.defaults, *node.args.kw_defaults]:
                    if default is not None:
                        self._visit(default, in_comprehension)
                inner = Bindings(node.body)
            self.module.update(inner.module)
            for name, place in inner.outer.items():
                self._bind(name, place)
            self.attributes.extend(inner.attributes)
            self.subscripts.extend(inner.subscripts)
            return
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, _COMPREHENSIONS):
            for child in ast.walk(node):
                if isinstance(child, ast.NamedExpr):
                    self._bind(child.target.id, child)
            return
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                self._bind(node.id, node)
            return
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            self.attributes.append(node)
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            self.subscripts.append(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in imported_names(node):
                self._bind(name, node)
            if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names):
                self.star = node
            return
        else:
            for name in _plain_bindings(node):
                self._bind(name, node)
        for child in ast.iter_child_nodes(node):
            self._visit(child, in_comprehension)


def all_arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    """Every parameter of a function."""
    yield from arguments.posonlyargs
    yield from arguments.args
    if arguments.vararg is not None:
        yield arguments.vararg
    yield from arguments.kwonlyargs
    if arguments.kwarg is not None:
        yield arguments.kwarg


def imported_names(node: ast.AST) -> Iterator[str]:
    """The names that an import statement binds."""
    for alias in node.names:
        if alias.name == "*":
            continue
        if alias.asname is not None:
            yield alias.asname
        elif isinstance(node, ast.Import):
            yield alias.name.split(".")[0]
        else:
            yield alias.name


def root_name(node: ast.AST) -> Optional[str]:
    """`x` of `x.a[0].b`, None where the expression starts with something else than a name."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def loaded_names(node: ast.AST) -> set[str]:
    """The names that a statement looks up outside of itself."""
    module = ast.Module(body=[node], type_ignores=[])
    scopes = Scopes(module)
    found = {
        child.id
        for child in ast.walk(node)
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load)
    }
    return found & scopes.module.used


def _plain_bindings(node: ast.AST) -> Iterator[str]:
    """Names that a node binds by a plain string rather than by a `Name` below it."""
    if isinstance(node, ast.ExceptHandler):
        if node.name:
            yield node.name
    elif MATCHES:
        if isinstance(node, (ast.MatchAs, ast.MatchStar)):
            if node.name:
                yield node.name
        elif isinstance(node, ast.MatchMapping):
            if node.rest:
                yield node.rest


__all__ = [
    "Bindings",
    "FUNCTIONS",
    "Scope",
    "Scopes",
    "all_arguments",
    "imported_names",
    "loaded_names",
    "root_name",
]
