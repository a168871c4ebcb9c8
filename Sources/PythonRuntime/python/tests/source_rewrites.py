"""Random rewrites of a program that keep what it does, with a probe in it whose place is known."""

from __future__ import annotations

import ast
import copy
import random
from typing import Iterator, Optional

from hindsight_runtime.analysis.logcalls import is_log_statement
from hindsight_runtime.analysis.source import COMPOUND, FUNCTIONS, blocks, named_blocks, statements

MOVED = "moved.py"
_DEFINED = (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom)
_REFLECTING = frozenset({"locals", "vars", "eval", "exec", "globals", "dir"})


class Rewriting:
    """A recorded text, the same with a probe in it, and what a rewriter makes of the latter."""

    def __init__(self, text: str, numbers: random.Random) -> None:
        self.numbers = numbers
        self.tree = ast.parse(text)
        self.moved: Optional[ast.Module] = None
        self.done: list[str] = []
        self.owner, self.block, self.index = self._place()
        names = self._names()
        chosen = numbers.sample(names, min(len(names), 2))
        self.probe = ast.parse(f"print('probe', {', '.join(chosen)})").body[0]
        self.block.insert(self.index + 1, self.probe)
        self.truth = ast.unparse(single_imports(copy.deepcopy(self.tree)))

    def _place(self) -> tuple[ast.AST, list, int]:
        """A statement that the probe stands behind."""
        found = []

        def visit(owner: ast.AST, function: ast.AST) -> None:
            for block in blocks(owner):
                for index, child in enumerate(block):
                    inside = child if isinstance(child, FUNCTIONS) else function
                    if isinstance(child, ast.ClassDef):
                        visit(child, child)
                    elif isinstance(child, COMPOUND):
                        visit(child, inside)
                    is_leaving = isinstance(child, (ast.Return, ast.Raise, ast.Break, ast.Continue))
                    is_first = isinstance(child, (ast.Import, ast.ImportFrom)) or _is_text(child)
                    if not (is_leaving or is_first or isinstance(function, ast.ClassDef)):
                        found.append((function, block, index))

        visit(self.tree, self.tree)
        return self.numbers.choice(found)

    def _names(self) -> list[str]:
        """Variables of the probe's function, or of the module."""
        return sorted(_local_names(self.owner))

    # Rewrites; each says whether it could be done.

    def rewrite(self, kind: str) -> bool:
        """Does one of `KINDS` at a random place."""
        done = getattr(self, "_" + kind)()
        if done:
            self.done.append(kind)
        return done

    def texts(self) -> dict[str, str]:
        """The edited files."""
        found = {"program.py": ast.unparse(ast.fix_missing_locations(self.tree))}
        if self.moved is not None:
            found[MOVED] = ast.unparse(ast.fix_missing_locations(self.moved))
        return found

    def _reformat(self) -> bool:
        return True

    def _rename(self) -> bool:
        function = self._renameable()
        if function is None:
            return False
        names = sorted(_local_names(function))
        chosen = self.numbers.sample(names, min(len(names), self.numbers.randint(1, 3)))
        _rename(function, {name: name + "_now" for name in chosen})
        return bool(chosen)

    def _swap(self) -> bool:
        function = self._renameable()
        names = sorted(_local_names(function)) if function is not None else []
        if len(names) < 2:
            return False
        one, other = self.numbers.sample(names, 2)
        _rename(function, {one: other, other: one})
        return True

    def _renameable(self) -> Optional[ast.AST]:
        """The probe's function where its locals can be renamed by their names alone."""
        function = self.owner
        if not isinstance(function, FUNCTIONS):
            return None
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and node.id in _REFLECTING:
                return None
            if isinstance(node, (*COMPOUND, ast.Lambda)) and node is not function:
                if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
                    return None
            if isinstance(node, (ast.Global, ast.Nonlocal)) or type(node).__name__.startswith("Match"):
                return None
        return function

    def _reorder(self) -> bool:
        places = [i for i, child in enumerate(self.tree.body) if isinstance(child, FUNCTIONS)]
        if len(places) < 2:
            return False
        functions = [self.tree.body[i] for i in places]
        self.numbers.shuffle(functions)
        for place, function in zip(places, functions):
            self.tree.body[place] = function
        return True

    def _insert(self) -> bool:
        block, index = self._far_from_probe()
        number = self.numbers.randrange(1000)
        block.insert(index, ast.parse(f"extra_{number} = {number}").body[0])
        return True

    def _delete(self) -> bool:
        for _ in range(20):
            block, index = self._far_from_probe()
            if len(block) > 1 and not isinstance(block[index], COMPOUND) and not _is_text(block[index]):
                del block[index]
                return True
        return False

    def _shift(self) -> bool:
        """A statement to another place of its block, past two others at least."""
        for _ in range(20):
            block, index = self._far_from_probe()
            kept = block[index]
            if isinstance(kept, (*COMPOUND, ast.Import, ast.ImportFrom)) or is_log_statement(kept):
                continue
            if isinstance(
                kept, (ast.Return, ast.Raise, ast.Break, ast.Continue, ast.Global, ast.Nonlocal)
            ):
                continue
            executed = [i for i, child in enumerate(block) if not isinstance(child, _DEFINED)]
            places = [
                i for i in executed if sum(min(i, index) < j < max(i, index) for j in executed) > 2
            ]
            places = [i for i in places if not _is_text(block[i])]
            if places:
                place = self.numbers.choice(places)
                del block[index]
                block.insert(place, kept)
                return True
        return False

    def _wrap(self) -> bool:
        start = self.block.index(self.probe) - 1
        kept = self.block[start]
        if isinstance(kept, (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom)):
            return False
        if is_log_statement(kept):
            # A log statement in another block is a new one.
            return False
        header = self.numbers.choice(["if True:\n pass", "with open('/dev/null'):\n pass"])
        wrapper = ast.parse(header).body[0]
        wrapper.body = [kept, self.probe]
        self.block[start : start + 2] = [wrapper]
        self.block = wrapper.body
        return True

    def _move(self) -> bool:
        """Functions and classes into a new file, those that the probe is in among them."""
        kinds = (*FUNCTIONS, ast.ClassDef)
        candidates = [child for child in self.tree.body if isinstance(child, kinds)]
        holders = [c for c in candidates if any(n is self.probe for n in statements(c))]
        if not holders or self.moved is not None:
            return False
        others = [child for child in candidates if child not in holders]
        chosen = [*holders, *self.numbers.sample(others, self.numbers.randint(0, len(others)))]
        imports = [c for c in self.tree.body if isinstance(c, (ast.Import, ast.ImportFrom))]
        rest = sorted({child.name for child in candidates if child not in chosen})
        line = [ast.parse(f"from program import {', '.join(rest)}").body[0]] if rest else []
        self.moved = ast.Module(
            [*copy.deepcopy(imports), *line, *(c for c in candidates if c in chosen)], []
        )
        names = ", ".join(sorted(child.name for child in chosen))
        place = self.tree.body.index(chosen[0])
        self.tree.body[place] = ast.parse(f"from moved import {names}").body[0]
        self.tree.body = [child for child in self.tree.body if child not in chosen]
        return True

    def _far_from_probe(self) -> tuple[list, int]:
        """A place that is not next to the probe, or to a block that holds nothing else."""
        found = []
        for tree in [self.tree, *([self.moved] if self.moved else [])]:
            for block in _all_blocks(tree):
                for index, child in enumerate(block):
                    near = block[max(0, index - 2) : index + 3]
                    if self.probe in near or _is_text(child):
                        continue
                    if not (isinstance(child, ast.ImportFrom) and child.module == "__future__"):
                        found.append((block, index))
        return self.numbers.choice(found) if found else (self.tree.body, len(self.tree.body))


KINDS = ("reformat", "rename", "swap", "reorder", "insert", "delete", "wrap", "move", "shift")


def single_imports(tree: ast.Module) -> ast.Module:
    """With one name for each import, as the splicing leaves them."""
    from hindsight_runtime.analysis.matching import split_imports

    split_imports(tree)
    return tree


def _all_blocks(tree: ast.AST) -> Iterator[list]:
    for node in ast.walk(tree):
        for name, block in named_blocks(node):
            if name not in ("handlers", "cases"):
                yield block


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _local_names(owner: ast.AST) -> set[str]:
    """Variables that a function (or module) binds, but for those of scopes inside it."""
    found: set[str] = set()
    pending: list[ast.AST] = list(ast.iter_child_nodes(owner))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        inner = (*FUNCTIONS, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp)
        if not isinstance(node, (*inner, ast.GeneratorExp)):
            pending.extend(ast.iter_child_nodes(node))
    return {name for name in found if not name.startswith("__") and name not in ("self", "_")}


def _rename(function: ast.AST, names: dict[str, str]) -> None:
    # A keyword argument of a caller would have to be renamed, too; only what happens inside matters here.
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = names.get(node.arg, node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            node.name = names.get(node.name, node.name)
