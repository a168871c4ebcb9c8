"""The analysis side process: requests as lines of JSON on stdin, answers in order on stdout."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any, BinaryIO, Callable, Union

from .carried import loops_with_carried_values
from .expressions import expression_at
from .groups import groups
from .outline import loop_range, outline, span
from .moves import match_program
from .probes import Addition, FileMatch, fingerprint
from .reach import loops_to_execute
from .recorded import RecordedProgram
from .source import NotParsed, Source

# How many recorded runs and answers are kept at hand.
_KEPT_RUNS = 8
_NO_LOOPS: dict = {"execute": [], "continuous": []}


class RequestError(Exception):
    """A request that cannot be answered; the text is for people."""


class Server:
    """Answers requests; holds the parsed sources of the last runs asked about."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, RecordedProgram] = OrderedDict()
        self._methods: dict[str, Callable[[dict], dict]] = {
            "load": self.load,
            "outline": self.outline,
            "match": self.match,
            "expression": self.expression,
        }

    def serve(self, requests: BinaryIO, answers: BinaryIO) -> None:
        """Answers until the input ends."""
        for line in requests:
            if not line.strip():
                continue
            answers.write(json.dumps(self.answer(line)).encode("ascii") + b"\n")
            answers.flush()

    def answer(self, line: bytes) -> dict:
        """The answer to one request; never raises."""
        identifier: Any = None
        try:
            request = json.loads(line)
            identifier = request.get("id")
            method = self._methods.get(request.get("method"))
            if method is None:
                raise RequestError(f"There is no method {request.get('method')!r}.")
            return {"id": identifier, "result": method(request.get("params") or {})}
        except RequestError as error:
            return {"id": identifier, "error": str(error)}
        except Exception as error:  # The process must outlive whatever a source does to it.
            return {
                "id": identifier,
                "error": f"The source could not be analysed ({type(error).__name__}: {error}).",
            }

    def load(self, params: dict) -> dict:
        """Keeps the sources of a run for later matches."""
        run = params["run"]
        self._runs[run] = RecordedProgram(
            [(source["path"], source["text"]) for source in params["sources"]]
        )
        self._runs.move_to_end(run)
        while len(self._runs) > _KEPT_RUNS:
            self._runs.popitem(last=False)
        return {}

    def outline(self, params: dict) -> dict:
        """The shape of a text, or where it does not parse."""
        try:
            return outline(params["text"])
        except NotParsed as error:
            return _not_parsed(error)
        except RecursionError:
            return _not_parsed(NotParsed("nested too deeply to be analysed"))

    def expression(self, params: dict) -> dict:
        """What is named at a place, and where a comment can ask for it; empty where nothing is."""
        try:
            return expression_at(params["text"], params["line"], params["column"]) or {}
        except (NotParsed, RecursionError):
            return {}

    def match(self, params: dict) -> dict:
        """Probes and changes of edited texts against a run."""
        run = params["run"]
        program = self._runs.get(run)
        if program is None:
            raise RequestError(f"The sources of run {run} have not been loaded.")
        self._runs.move_to_end(run)
        failures: dict[str, dict] = {}
        sources: list[Source] = []
        for file in params["files"]:
            found = _read(program, file["path"], file["text"])
            if isinstance(found, Source):
                sources.append(found)
            else:
                failures[file["path"]] = found
        matches = _matched(program, sources, failures)
        answers = {match.path: _described(match) for match in matches} | failures
        found = groups(program, matches)
        additions: list[Addition] = [a for match in matches for a in match.additions]
        whole = _loops(program, additions) if found else _NO_LOOPS
        return {
            "files": [answers[file["path"]] for file in params["files"]],
            "fingerprint": fingerprint(matches),
            **whole,
            "groups": [
                {
                    "key": group.key,
                    "probes": [probe.id for probe in group.probes],
                    "block": group.block,
                    **(whole if len(found) == 1 else _loops(program, group.additions)),
                }
                for group in found
            ],
        }


def _read(program: RecordedProgram, path: str, text: str) -> Union[Source, dict]:
    """An edited file, or the answer that says why it is none."""
    if path in program.unreadable:
        return _failure(path, program.unreadable[path], "The recorded source")
    try:
        return Source.edited(path, text)
    except NotParsed as error:
        return _failure(path, error, "The source")
    except RecursionError:
        return _failure(path, NotParsed("nested too deeply to be analysed"), "The source")


def _matched(
    program: RecordedProgram, sources: list[Source], failures: dict[str, dict]
) -> list[FileMatch]:
    """The matches of all files but those that are too deep to be gone through."""
    try:
        return match_program(program, sources)
    except RecursionError:
        pass
    rest = []
    for source in sources:
        try:
            match_program(program, [source])
            rest.append(Source.edited(source.path, source.text))
        except RecursionError:
            error = NotParsed("nested too deeply to be analysed")
            failures[source.path] = _failure(source.path, error, "The source")
    return match_program(program, rest)


def _loops(program: RecordedProgram, additions: list[Addition]) -> dict:
    execute = loops_to_execute(program, additions)
    return {
        "execute": execute,
        "continuous": loops_with_carried_values(program, additions, execute),
    }


def _described(match: FileMatch) -> dict:
    return {
        "path": match.path,
        "parsed": True,
        "probes": [
            {
                "id": probe.id,
                "line": probe.line,
                "endLine": probe.end_line,
                "column": probe.column,
                "endColumn": probe.end_column,
                "kind": probe.kind,
                "call": probe.call,
                "function": probe.function,
                "loops": probe.loops,
                "atModuleLevel": probe.at_module_level,
                "site": probe.site,
            }
            for probe in match.probes
        ],
        "logs": [{"site": site, **span(statement)} for site, statement in match.logs],
        "loops": [{"loop": loop, **loop_range(statement)} for loop, statement in match.loops],
        "changes": [
            {
                "line": change.line,
                "endLine": change.end_line,
                "kind": change.kind,
                "message": change.message,
            }
            for change in match.changes
        ],
    }


def _empty(path: str) -> dict:
    return {"path": path, "parsed": True, "probes": [], "logs": [], "loops": [], "changes": []}


def _failure(path: str, error: NotParsed, what: str) -> dict:
    return {
        **_empty(path),
        "parsed": False,
        "error": {
            "line": error.line,
            "column": error.column,
            "message": f"{what} does not parse: {error.message}.",
        },
    }


def _not_parsed(error: NotParsed) -> dict:
    return {
        "parsed": False,
        "line": error.line,
        "column": error.column,
        "message": error.message,
    }
