"""From a match to probes: what is added where, what changed, where recorded code stands now."""

from __future__ import annotations

import ast
import builtins
import hashlib
from dataclasses import dataclass, field
from typing import Iterable, Iterator, Mapping, Optional

from .comments import SHOW
from .conflicts import Conflict, find_conflict, is_repeated_import, rebinding, rebound_names
from .extraction import Extraction
from .headers import names_of_header
from .liveness import Liveness, binds_first, can_be_renamed, rename
from .logcalls import first_log_call, is_log_statement, log_calls
from .homes import Home
from .matching import Matching, Pair
from .recorded import RecordedFile, RecordedProgram
from .scopes import Bindings, Scope, imported_names, loaded_names
from .source import (
    COMPOUND,
    DEFINITIONS,
    FUNCTIONS,
    IMPORTS,
    LOOPS,
    Place,
    Source,
    blocks,
    excerpt,
    first_position,
    is_inert,
    named_blocks,
    normalized,
    statements,
)
from .unreplayed import UnreplayedBindings

_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__annotations__", "__builtins__", "__class__", SHOW}


@dataclass
class Change:
    """An edit that is not replayed, with the sentence that says so."""

    line: int
    end_line: int
    kind: str
    message: str


@dataclass(eq=False)
class Addition:
    """An added statement (or `case`) and its place in the recorded tree."""

    node: ast.AST
    place: Place
    file: RecordedFile
    scope: Scope
    kind: str = "new"
    sites: list[str] = field(default_factory=list)
    # Variables of the recorded scope that it binds, with the nodes that do.
    rebinds: dict[str, ast.AST] = field(default_factory=dict)
    renamed: bool = False
    # The edited file that it stands in, which need not be the recorded one's path.
    path: str = ""


@dataclass
class Probe:
    """A log statement which the edited source has and the recorded one has not."""

    id: str
    line: int
    end_line: int
    column: int
    end_column: int
    kind: str
    call: str
    function: Optional[str]
    loops: list[str]
    # Whether it is only executed where it stands, and not in a function.
    at_module_level: bool
    site: Optional[str]
    # The added statement that it is or stands in.
    addition: Addition


@dataclass
class FileMatch:
    """The answer for one edited file."""

    path: str
    edited: Source
    additions: list[Addition] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    logs: list[tuple[str, ast.stmt]] = field(default_factory=list)
    loops: list[tuple[str, ast.stmt]] = field(default_factory=list)
    # Recorded statements that have to be executed in steps for the sake of probes.
    extractions: list[Extraction] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """What decides the answer, as text: places and added statements without line numbers."""
        parts = [
            f"{a.file.path} {a.file.path_to(a.place)} {a.kind} {a.sites} {normalized(a.node)}"
            for a in self.additions
        ]
        return "\n".join(parts + [extraction.key for extraction in self.extractions])


def fingerprint(matches: list[FileMatch]) -> str:
    """One digest for the answers of several files."""
    parts = sorted(f"{match.path}\n{match.fingerprint}" for match in matches if match.additions)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def classify(
    program: RecordedProgram,
    edited: Source,
    matchings: Iterable[Matching],
    arrived: Mapping[str, set[str]],
) -> FileMatch:
    """What an edited file adds and changes, by the matchings that its parts are in.

    `arrived` says what of the recorded program stands in which module now, by the module's name.
    """
    result = FileMatch(edited.path, edited)
    for matching in matchings:
        part = _Classification(program, matching, arrived).result
        result.additions += part.additions
        result.probes += part.probes
        result.changes += part.changes
        result.logs += part.logs
        result.loops += part.loops
        result.extractions += part.extractions
    result.probes.sort(key=lambda probe: (probe.line, probe.column))
    for question in edited.questions:
        if question.problem:
            message = f"Not replayed: {question.problem}."
            result.changes.append(Change(question.line, question.line, "unplaced", message))
    return result


class _Classification:
    def __init__(
        self, program: RecordedProgram, matching: Matching, arrived: Mapping[str, set[str]]
    ) -> None:
        self.program = program
        self.file = matching.recorded
        self.edited = matching.edited
        self.matching = matching
        self.arrived = arrived
        # Statements right inside a block that the recorded program does not have.
        self._wrapped: set[int] = set()
        # What gives probes the names of a changed loop header.
        self._helpers: list[tuple[set[str], list[Addition]]] = []
        self._liveness: dict[tuple[int, str], Liveness] = {}
        self._unreplayed = UnreplayedBindings(matching)
        self.result = FileMatch(self.edited.path, self.edited)
        whole = self.edited.tree.body if matching.roots is None else [matching.roots[1]]
        self._walk(whole, Place(self.file.tree, "body", self._start(self.file.tree)))
        self._drop_unused_helpers()
        self._isolate()
        if matching.roots is not None:
            self._use_home()
        self._drop_rebound_names()
        self._drop_unknown_names()
        self.result.extractions = [
            extraction for extraction in self.matching.extractions if self._is_needed(extraction)
        ]
        self._removed()
        self._locate()
        self._collect_probes()

    # Where added statements go.

    def _walk(self, block: list, default: Place) -> None:
        anchor: Optional[Place] = None
        reached = steps = 0
        waiting: list[ast.stmt] = []
        for statement in self._flattened(block):
            pair = self.matching.pairs.get(id(statement))
            if pair is not None:
                place = self.file.place(pair.recorded)
                if not self._comes_next(pair, default, reached):
                    self._follow(pair, place._replace(index=place.index + 1))
                    continue
                index = self._index_in(default, pair.recorded)
                reached = reached if index is None else index + 1
                if pair.kind == "step":
                    steps += 1
                    anchor_here = place._replace(step=steps)
                else:
                    anchor_here = place._replace(index=place.index + 1)
                    steps = 0
                for earlier in waiting:
                    self._add(earlier, place)
                waiting = []
                anchor = anchor_here
                self._follow(pair, anchor)
            elif anchor is not None:
                self._add(statement, anchor)
            else:
                waiting.append(statement)
        for statement in waiting:
            self._add(statement, default)

    def _comes_next(self, pair: Pair, default: Place, reached: int) -> bool:
        """Whether what follows an edited statement in its block follows the recorded one, too.

        `reached` is how far in the recorded block the statements above have come. Definitions and imports may stand
        anywhere, and what moved stands elsewhere now: neither tells where the statements around it belong.
        """
        is_definition = isinstance(pair.recorded, (*DEFINITIONS, *IMPORTS))
        if not pair.moved and not is_definition:
            return True
        index = self._index_in(default, pair.recorded)
        if index is None or index < reached:
            return False
        for child in getattr(default.owner, default.field)[reached:index]:
            if isinstance(child, (*DEFINITIONS, *IMPORTS)) or is_inert(child):
                continue
            partner = self.matching.partners.get(id(child))
            if is_definition or (partner is not None and partner.edited.lineno > pair.edited.lineno):
                return False
        return True

    def _index_in(self, block: Place, recorded: ast.AST) -> Optional[int]:
        """Which statement of a recorded block holds another one, executed once with it at most; None: none does."""
        place = self.file.place(recorded)
        while (place.owner, place.field) != (block.owner, block.field):
            if isinstance(place.owner, (ast.Module, *DEFINITIONS, *LOOPS)):
                return None
            place = self.file.place(place.owner)
        return place.index

    def _flattened(self, block: list) -> Iterator[ast.stmt]:
        """The statements of a block; new blocks around recorded code give what they hold."""
        for statement in block:
            if id(statement) in self.matching.pairs:
                yield statement
            elif is_inert(statement) or id(statement) in self.matching.elsewhere:
                continue
            elif self._holds_what_moved(statement):
                for inner in blocks(statement):
                    yield from self._flattened(inner)
            elif self.matching.is_wrapper(statement):
                self._wrapper(statement)
                for inner in blocks(statement):
                    self._wrapped.update(id(child) for child in inner)
                    if self._has_recorded(inner):
                        yield from self._flattened(inner)
                    else:
                        for child in inner:
                            self._unplaced(
                                child,
                                "it stands in a block that the recorded program does not have",
                            )
            else:
                yield statement

    def _holds_what_moved(self, statement: ast.stmt) -> bool:
        return not isinstance(statement, DEFINITIONS) and any(
            id(child) in self.matching.elsewhere for child in statements(statement)
        )

    def _has_recorded(self, block: list[ast.stmt]) -> bool:
        return any(
            id(child) in self.matching.pairs or self.matching.is_wrapper(child) for child in block
        )

    def _follow(self, pair: Pair, after: Place) -> None:
        one, other = pair.recorded, pair.edited
        if pair.kind in ("step", "final"):
            return
        if pair.kind in ("log", "logs"):
            sites = [
                self.file.identifier(statement)
                for statement in _with_nested(one)
                if next(log_calls(statement), None) is not None
            ]
            self._add(other, after, "changed", sites)
            return
        if pair.kind == "same":
            self._moved(pair)
            return
        if pair.kind == "changed":
            self._training(
                other,
                f"This statement differs from the recorded run, which executed `{excerpt(one)}`;"
                " the values are those of the recorded program.",
            )
            return
        if pair.kind == "header":
            self._changed_header(one, other)
        else:
            self._moved(pair)
        for name, counterpart in named_blocks(other):
            if name in ("handlers", "cases"):
                self._parts(one, name, counterpart)
            else:
                self._walk(counterpart, Place(one, name, self._start(one, name)))

    def _changed_header(self, one: ast.stmt, other: ast.stmt) -> None:
        header = names_of_header(one, other)
        if header is None:
            self._training_header(one, other)
            return
        if not header.is_equivalent:
            self._training_header(one, other)
        place = self.file.place(one)
        if header.names & self.file.scope_at(place).used:
            return
        first = len(self.result.additions)
        for statement in header.before:
            self._add(statement, place)
        for statement in header.inside:
            self._add(statement, Place(one, "body", 0))
        self._helpers.append((header.names, self.result.additions[first:]))

    def _drop_unused_helpers(self) -> None:
        helpers = [addition for _, additions in self._helpers for addition in additions]
        for names, additions in self._helpers:
            used = any(
                not names.isdisjoint(_names_in(addition.node))
                for addition in self.result.additions
                if addition not in helpers
            )
            if not used:
                self.result.additions = [
                    addition for addition in self.result.additions if addition not in additions
                ]

    def _parts(self, owner: ast.AST, name: str, parts: list) -> None:
        recorded = getattr(owner, name)
        for index, part in enumerate(parts):
            pair = self.matching.pairs.get(id(part))
            if pair is not None:
                if pair.kind == "header":
                    self._training_header(pair.recorded, part)
                self._walk(part.body, Place(pair.recorded, "body", self._start(pair.recorded)))
            elif name == "cases" and self._is_last_case(recorded, parts[index:]):
                self._add(part, Place(owner, name, len(recorded)))
            else:
                what = "handler" if name == "handlers" else "case"
                for child in part.body:
                    self._unplaced(child, f"the recorded program does not have this {what}")

    def _is_last_case(self, recorded: list, rest: list) -> bool:
        """Whether cases after all recorded ones are reached just when no recorded one applied."""
        if any(id(part) in self.matching.pairs for part in rest):
            return False
        last = recorded[-1]
        return last.guard is not None or not (
            isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
        )

    @staticmethod
    def _start(owner: ast.AST, name: str = "body") -> int:
        """The first index of a block at which a statement may be put."""
        block = getattr(owner, name)
        if block and all(is_inert(child) for child in block):
            return len(block)
        if name != "body" or not isinstance(owner, (*DEFINITIONS, ast.Module)):
            return 0
        index = 0
        if name == "body" and isinstance(owner, (*DEFINITIONS, ast.Module)):
            if block and isinstance(block[0], ast.Expr) and is_inert(block[0]):
                index = 1
            while (
                index < len(block)
                and isinstance(block[index], ast.ImportFrom)
                and block[index].module == "__future__"
            ):
                index += 1
        return index

    def _add(
        self,
        node: ast.stmt,
        place: Place,
        kind: str = "new",
        sites: Optional[list[str]] = None,
    ) -> None:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return
        if place.field == "body":
            # A docstring and imports from the future stay first.
            place = place._replace(index=max(place.index, self._start(place.owner)))
        scope = self.file.scope_at(place)
        if is_repeated_import(node, self.file, scope) or self._imports_what_moved(node):
            return
        rebinds = rebound_names(node, scope)
        conflict = find_conflict(node, self.file, self.program, scope, rebinds)
        if conflict is not None:
            self._conflict(node, conflict)
            self._unreplayed.add(scope, node)
            return
        self.result.additions.append(
            Addition(node, place, self.file, scope, kind, sites or [], rebinds, path=self.edited.path)
        )

    def _imports_what_moved(self, node: ast.stmt) -> bool:
        """Whether an import is of a module that only the edited program has, with recorded code in it.

        Executing it would make that code a second time, beside the recorded one.
        """
        if isinstance(node, ast.Import):
            return any(alias.name.split(".")[-1] in self.arrived for alias in node.names)
        if not isinstance(node, ast.ImportFrom):
            return False
        if node.module and node.module.split(".")[-1] in self.arrived:
            return True
        return any(alias.name in self.arrived for alias in node.names)

    def _conflict(self, node: ast.AST, conflict: Conflict) -> None:
        where = conflict.node if hasattr(conflict.node, "lineno") else node
        self.result.changes.append(
            Change(
                where.lineno,
                where.end_lineno or where.lineno,
                "conflict",
                f"Not replayed: {conflict.message}.",
            )
        )
        for child in _with_nested(node):
            is_told = where.lineno <= child.lineno <= (where.end_lineno or where.lineno)
            if is_log_statement(child) and not is_told:
                self._unplaced(child, f"it stands in code that is not (line {where.lineno})")

    # Added statements that use a recorded variable's name for themselves.

    def _isolate(self) -> None:
        """Renames such variables where the recorded value is not needed, else drops the code."""
        for addition in list(self.result.additions):
            for name, node in addition.rebinds.items():
                if addition not in self.result.additions or name not in _names_in(addition.node):
                    continue
                group = self._group(addition, name)
                if self._may_use(addition, name, group):
                    for member in group:
                        rename(member.node, name, "_hindsight_" + name)
                        member.renamed = True
                else:
                    self.result.additions.remove(addition)
                    self._conflict(addition.node, rebinding(name, node))
                    self._unreplayed.add(addition.scope, addition.node)

    def _group(self, addition: Addition, name: str) -> list[Addition]:
        """What is added at the same place and has to do with the name."""
        return [
            other
            for other in self.result.additions
            if other.place == addition.place and name in _names_in(other.node)
        ]

    def _may_use(self, addition: Addition, name: str, group: list[Addition]) -> bool:
        scope = addition.scope
        if not binds_first(group[0].node, name):
            return False
        if not all(can_be_renamed(member.node, name) for member in group):
            return False
        if name in scope.globals or name in scope.nonlocals or name not in scope.bound:
            return False
        if any(name in child.free for child in scope.children):
            return False
        if scope.kind == "module":
            if name in self.program.attributes:
                return False
            for file in self.program.files.values():
                if file is not self.file and name in file.scopes.module.used:
                    return False
        readers = [
            other.place
            for other in self.result.additions
            if other.scope is scope and other not in group and name in _names_in(other.node)
            if not binds_first(self._group(other, name)[0].node, name)
        ]
        key = (id(scope.node), name)
        if key not in self._liveness:
            self._liveness[key] = Liveness(scope.node, name)
        return not self._liveness[key].is_needed(addition.place, readers)

    # Statements which need something that only the edited program has.

    def _use_home(self) -> None:
        """Probes in code that came from another file: their names must mean there what they mean here."""
        home = Home(self.matching)
        imported: set[str] = set()
        for addition in list(self.result.additions):
            for name in sorted(home.names_of_module(addition.node, addition.scope)):
                if name in imported:
                    continue
                support = home.import_of(name)
                if support is not None and not self._imports_what_moved(support):
                    imported.add(name)
                    place = Place(self.file.tree, "body", self._start(self.file.tree))
                    self._add(support, place)
                elif not home.means_the_same(name):
                    self._refuse(
                        addition,
                        f"`{name}` is something else in {self.file.path}, where the recorded program had"
                        " this function",
                    )
                    break

    def _drop_rebound_names(self) -> None:
        for addition in list(self.result.additions):
            found = self._unreplayed.read_by(addition.node, addition.scope)
            if found is not None:
                name, line = found
                self._refuse(
                    addition,
                    f"`{name}` is what line {line} gives that name, and that line is not replayed",
                )

    def _refuse(self, addition: Addition, reason: str) -> None:
        if addition in self.result.additions:
            self.result.additions.remove(addition)
            self.result.changes.append(refusal(addition, reason))

    def _drop_unknown_names(self) -> None:
        if self.file.scopes.stars or "exec" in self.file.scopes.module.used:
            return
        if "globals" in self.file.scopes.module.used:
            return
        dropped = True
        while dropped:
            dropped = False
            added: dict[int, set[str]] = {}
            for addition in self.result.additions:
                bindings = Bindings([addition.node])
                added.setdefault(id(addition.scope), set()).update(bindings.here)
                added.setdefault(id(self.file.scopes.module), set()).update(bindings.module)
            for extraction in self.matching.extractions:
                scope = self.file.scope_at(self.file.place(extraction.recorded))
                added.setdefault(id(scope), set()).update(extraction.names)
            for addition in list(self.result.additions):
                missing = self._missing(addition, added)
                if missing is None:
                    continue
                dropped = True
                self._refuse(addition, f"the recorded program has no `{missing}` here")

    def _is_needed(self, extraction: Extraction) -> bool:
        """Whether a probe looks at one of the steps."""
        place = self.file.place(extraction.recorded)
        scope = self.file.scope_at(place)
        return any(
            addition.place[:3] == place[:3]
            and addition.place.step
            or addition.scope is scope
            and not _names_in(addition.node).isdisjoint(extraction.names)
            for addition in self.result.additions
        )

    def _missing(self, addition: Addition, added: dict[int, set[str]]) -> Optional[str]:
        needed = loaded_names(addition.node) - _BUILTINS
        scope: Optional[Scope] = addition.scope
        while scope is not None and needed:
            needed -= scope.used | added.get(id(scope), set())
            scope = scope.parent
        return min(needed) if needed else None

    # Edits that are not replayed.

    def _training(self, statement: ast.AST, message: str, end: Optional[int] = None) -> None:
        line = statement.lineno
        self.result.changes.append(
            Change(line, end or statement.end_lineno or line, "training", message)
        )

    def _training_header(self, one: ast.AST, other: ast.AST) -> None:
        first = next((child for block in blocks(other) for child in block), None)
        end = max(other.lineno, (first_position(first)[0] - 1) if first else other.lineno)
        self._training(
            other,
            f"This line differs from the recorded run, which executed `{_header_text(one)}`;"
            " the values are those of the recorded program.",
            end,
        )

    def _wrapper(self, statement: ast.stmt) -> None:
        if _is_main_guard(statement):
            return
        self._training(
            statement,
            "The recorded program ran the code below without this line;"
            " the values are those of the recorded program.",
            statement.lineno,
        )

    def _moved(self, pair: Pair) -> None:
        # Where definitions stand is no part of the training; a new block around recorded code was
        # named.
        if not pair.moved or isinstance(pair.recorded, (*DEFINITIONS, *IMPORTS)):
            return
        if id(pair.edited) in self._wrapped:
            return
        self._training(
            pair.edited,
            f"The recorded run executed this elsewhere (line {pair.recorded.lineno} of its source);"
            " the values are those of the recorded program.",
        )

    def _unplaced(self, statement: ast.stmt, reason: str) -> None:
        if is_inert(statement):
            return
        has_log = any(next(log_calls(child), None) is not None for child in _with_nested(statement))
        self.result.changes.append(
            Change(
                statement.lineno,
                statement.end_lineno or statement.lineno,
                "unplaced" if has_log else "training",
                f"Not replayed: {reason}.",
            )
        )

    def _removed(self) -> None:
        for statement in self.matching.loose_recorded():
            line = self._line_near(statement)
            if is_log_statement(statement):
                self.result.changes.append(
                    Change(
                        line,
                        line,
                        "removed",
                        f"The run logged `{excerpt(statement)}` here"
                        f" (line {statement.lineno} of its source).",
                    )
                )
                continue
            self.result.changes.append(
                Change(
                    line,
                    line,
                    "training",
                    f"The recorded run also executed `{excerpt(statement)}` here"
                    f" (line {statement.lineno} of its source).",
                )
            )

    def _line_near(self, statement: ast.stmt) -> int:
        place = self.file.place(statement)
        block = getattr(place.owner, place.field)
        for index in range(place.index - 1, -1, -1):
            pair = self.matching.partners.get(id(block[index]))
            if pair is not None:
                return pair.edited.end_lineno or pair.edited.lineno
        for sibling in block[place.index + 1 :]:
            pair = self.matching.partners.get(id(sibling))
            if pair is not None:
                return pair.edited.lineno
        for owner, _ in self.file.ancestors(place):
            pair = self.matching.partners.get(id(owner))
            if pair is not None:
                return pair.edited.lineno
        return 1

    # Where the recorded statements stand now, and the probes.

    def _locate(self) -> None:
        now: dict[int, ast.stmt] = {}
        for pair in self.matching.pairs.values():
            if pair.kind in ("log", "logs"):
                continue
            now.setdefault(id(pair.recorded), pair.edited)
            if pair.kind == "same" and isinstance(pair.recorded, COMPOUND):
                for one, other in zip(_comparable(pair.recorded), _comparable(pair.edited)):
                    now[id(one)] = other
        for statement in self.file.logs:
            place = now.get(id(statement))
            if place is not None:
                self.result.logs.append((self.file.identifier(statement), place))
        for statement in self.file.loops:
            place = now.get(id(statement))
            if place is not None:
                self.result.loops.append((self.file.identifier(statement), place))

    def _collect_probes(self) -> None:
        functions = _function_names(self.edited.tree, self.result.additions)
        for addition in self.result.additions:
            sites = iter(addition.sites)
            around = [self.file.identifier(loop) for loop in self.file.loops_around(addition.place)]
            for statement in _with_nested(addition.node):
                call = first_log_call(statement) if isinstance(statement, ast.stmt) else None
                if call is None:
                    continue
                inside = functions[id(statement)]
                nested = not isinstance(addition.node, DEFINITIONS) or statement is addition.node
                self.result.probes.append(
                    Probe(
                        id=f"{self.edited.path}:{statement.lineno}:{statement.col_offset}",
                        line=statement.lineno,
                        end_line=statement.end_lineno or statement.lineno,
                        column=statement.col_offset,
                        end_column=statement.end_col_offset or 0,
                        kind=addition.kind,
                        call=call,
                        function=inside,
                        loops=around if nested else [],
                        at_module_level=addition.scope.kind == "module" and not _has_deferred(addition.node),
                        site=next(sites, None),
                        addition=addition,
                    )
                )


def refusal(addition: Addition, reason: str) -> Change:
    """The sentence for an added statement that cannot be executed in the recorded program."""
    node = addition.node
    has_log = any(next(log_calls(child), None) is not None for child in _with_nested(node))
    line = getattr(node, "lineno", position_of(node))
    end = getattr(node, "end_lineno", None) or line
    return Change(line, end, "unplaced" if has_log else "training", f"Not replayed: {reason}.")


def position_of(node: ast.AST) -> int:
    """The first line of a node that may not have one itself (a `case`)."""
    pattern = getattr(node, "pattern", None)
    return getattr(node, "lineno", None) or (pattern.lineno if pattern is not None else 1)


def _names_in(node: ast.AST) -> set[str]:
    """All variables' names in a statement."""
    found: set[str] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Name):
            found.add(child.id)
        elif isinstance(child, (ast.ExceptHandler, *DEFINITIONS)) and child.name:
            found.add(child.name)
        elif isinstance(child, IMPORTS):
            found.update(imported_names(child))
    return found


def _with_nested(node: ast.AST) -> Iterator[ast.stmt]:
    if isinstance(node, ast.stmt):
        yield node
    yield from statements(node)


def _has_deferred(node: ast.AST) -> bool:
    """Whether something in it may be executed later, at another place: a function's body or a generator's."""
    return any(isinstance(part, (*DEFINITIONS, ast.Lambda, ast.GeneratorExp)) for part in ast.walk(node))


def _comparable(statement: ast.stmt) -> list[ast.stmt]:
    return [
        child
        for child in statements(statement)
        if not is_inert(child) and not isinstance(child, IMPORTS)
    ]


def _function_names(tree: ast.Module, additions: list[Addition]) -> dict[int, Optional[str]]:
    """The qualified name of the function around each statement of the edited source."""
    found: dict[int, Optional[str]] = {}

    def visit(node: ast.AST, name: Optional[str], prefix: str) -> None:
        for block in blocks(node):
            for child in block:
                found[id(child)] = name
                if isinstance(child, FUNCTIONS):
                    inner = prefix + child.name
                    visit(child, inner, inner + ".<locals>.")
                elif isinstance(child, ast.ClassDef):
                    visit(child, name, prefix + child.name + ".")
                elif isinstance(child, COMPOUND):
                    visit(child, name, prefix)

    if additions:
        visit(tree, None, "")
    return found


def _is_main_guard(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Compare)
        and isinstance(statement.test.left, ast.Name)
        and statement.test.left.id == "__name__"
    )


def _header_text(node: ast.AST) -> str:
    text = excerpt(node, 200)
    if isinstance(node, DEFINITIONS) and node.decorator_list:
        text = ast.unparse(node).split("\n")[len(node.decorator_list)].strip()
        text = "@" + excerpt(node.decorator_list[0]) + " " + text
    return text.rstrip(":")[:80]
