"""The recorded program with the probes of an edited source put in.

Recorded statements keep their positions; the nodes of added ones are marked by line numbers above
`PROBE_LINE`, from which the line in the edited source follows.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Iterable, Mapping, Optional

from .extraction import Extraction
from .groups import restrict
from .moves import match_file, match_program
from .probes import Addition, FileMatch, Probe
from .reach import loops_to_execute
from .recorded import RecordedProgram
from .scopes import Bindings
from .source import NotParsed, Source

PROBE_LINE = 1_000_000


@dataclass
class Spliced:
    """A recorded file's tree with what was added to it.

    `names` holds, by the scope's `__qualname__` ("" for the module, "main", "Trainer.fit",
    "main.<locals>.inner"), the names that only probes bind there: they are no part of the recorded
    state. `attributes` are names of attributes that only probes set, on whatever object.
    """

    tree: ast.Module
    probes: list[Probe]
    names: dict[str, set[str]] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)


def splice(
    path: str, recorded: str, edited: str, others: Optional[Mapping[str, str]] = None
) -> Spliced:
    """Puts what `edited` adds into `recorded`.

    `others` are the recorded texts of the program's other files by path: what they use is not to be
    rebound. Raises `NotParsed` where the recorded or the edited text is not a program.
    """
    sources = [(path, recorded)] + [
        (other, text) for other, text in (others or {}).items() if other != path
    ]
    program = RecordedProgram(sources)
    if path in program.unreadable:
        raise program.unreadable[path]
    return assemble(program, path, [match_file(program, path, Source.edited(path, edited))])


#: Path, recorded text and edited one: None where the run did not load the file, or where it is as recorded.
Text = tuple[str, Optional[str], Optional[str]]


def splice_program(
    sources: Iterable[Text],
    only: Optional[Iterable[str]] = None,
) -> dict[str, Spliced]:
    """All files of a program at once.

    An edited text that does not parse counts as unchanged. `only` are the keys of the groups of
    probes to put in; None for all that was added.
    """
    program, matches = _matched(sources, only)
    return {path: assemble(program, path, matches) for path in program.files}


def reaching_loops(
    sources: Iterable[Text], only: Optional[Iterable[str]] = None
) -> list[str]:
    """The recorded loops that may come to what `splice_program` would put in."""
    program, matches = _matched(sources, only)
    return loops_to_execute(program, [a for match in matches for a in match.additions])


def _matched(
    sources: Iterable[Text], only: Optional[Iterable[str]]
) -> tuple[RecordedProgram, list[FileMatch]]:
    sources = list(sources)
    program = RecordedProgram(
        [(path, recorded) for path, recorded, _ in sources if recorded is not None]
    )
    edited = {path: text for path, _, text in sources if text is not None}
    return program, match_edited(program, edited, only)


def match_edited(
    program: RecordedProgram, edited: Mapping[str, str], only: Optional[Iterable[str]] = None
) -> list[FileMatch]:
    """What edited texts add to a program; one that does not parse counts as unchanged."""
    texts: list[Source] = []
    for path, text in edited.items():
        file = program.files.get(path)
        if path in program.unreadable or not _may_ask(file and file.text, text):
            continue
        try:
            texts.append(Source.edited(path, text))
        except NotParsed:
            continue
    matches = match_program(program, texts)
    if only is not None:
        restrict(program, matches, only)
    return matches


def _may_ask(recorded: Optional[str], edited: str) -> bool:
    """Whether there may be a probe: a comment that asks may have been there when the program ran."""
    return edited != recorded or "#?" in edited


def assemble(program: RecordedProgram, path: str, matches: list[FileMatch]) -> Spliced:
    """Puts the additions for `path` into its tree, which is changed thereby."""
    file = program.files[path]
    result = Spliced(tree=file.tree, probes=[])
    inserted: dict[tuple[int, str], list[Addition]] = {}
    owners: dict[tuple[int, str], tuple[ast.AST, str]] = {}
    taken_apart: dict[int, Extraction] = {}
    for match in matches:
        for extraction in match.extractions:
            if extraction.file is not file:
                continue
            place = file.place(extraction.recorded)
            owners[id(place.owner), place.field] = (place.owner, place.field)
            taken_apart[id(extraction.recorded)] = extraction
            scope = file.scope_at(place)
            result.names.setdefault(scope.qualified, set()).update(extraction.names)
        for addition in match.additions:
            if addition.file is not file:
                continue
            place = addition.place
            owners[id(place.owner), place.field] = (place.owner, place.field)
            inserted.setdefault((id(place.owner), place.field), []).append(addition)
            note_names(addition, result)
        result.probes.extend(probe for probe in match.probes if probe.addition.file is file)
    for key, (owner, name) in owners.items():
        by_place: dict[tuple[int, int], list[ast.AST]] = {}
        for addition in inserted.get(key, ()):
            position = (addition.place.index, addition.place.step)
            by_place.setdefault(position, []).append(marked(addition))
        block = getattr(owner, name)
        merged: list[ast.AST] = []
        for index in range(len(block) + 1):
            merged.extend(by_place.get((index, 0), ()))
            if index == len(block):
                break
            extraction = taken_apart.get(id(block[index]))
            if extraction is None:
                merged.append(block[index])
                continue
            steps, final = extraction.apply()
            for number, step in enumerate(steps, 1):
                merged.append(step)
                merged.extend(by_place.get((index, number), ()))
            merged.append(final)
        setattr(owner, name, merged)
    return result


def note_names(addition: Addition, result: Spliced) -> None:
    """Adds what only this addition binds to the result's names."""
    bindings = Bindings([addition.node])
    module = addition.file.scopes.module
    scope = addition.scope
    for target, names in ((scope, set(bindings.here)), (module, set(bindings.module))):
        names -= target.used
        if names:
            result.names.setdefault(target.qualified, set()).update(names)
    result.attributes.update(attribute.attr for attribute in bindings.attributes)


def marked(addition: Addition) -> ast.AST:
    """The added node as one of a probe's."""
    node = addition.node
    for child in ast.walk(node):
        if isinstance(child, ast.stmt) and addition.path != addition.file.path:
            # Read by `transform`: its hits are those of the file that it stands in now.
            child.edited_path = addition.path  # type: ignore[attr-defined]
        if hasattr(child, "lineno") and child.lineno < PROBE_LINE:
            child.lineno += PROBE_LINE
            if getattr(child, "end_lineno", None) is not None:
                child.end_lineno += PROBE_LINE
    return node
