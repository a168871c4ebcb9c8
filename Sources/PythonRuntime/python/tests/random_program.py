"""Small random programs: loops of every shape over shared state, in functions, methods and generators."""

from __future__ import annotations

import dataclasses
import random
from typing import Callable

from . import random_words as words
from .random_vocabularies import Vocabulary

MAIN, LIBRARY = "train.py", "lib.py"

#: Statements at which the text around them could not go on behind what is put there.
_JUMPS = ("break", "continue", "return", "raise")


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a statement stands, as far as it decides what may stand there."""

    file: str = MAIN
    indent: str = ""
    #: Calls of what has been defined so far.
    calls: tuple[str, ...] = ()
    #: Loop variables and parameters that are bound here.
    names: tuple[str, ...] = ()
    in_function: bool = False
    in_generator: bool = False
    in_method: bool = False
    in_loop: bool = False
    in_try: bool = False
    depth: int = 0
    #: About how often the loops around it let it run, each time its function is called.
    times: int = 1

    def repeated(self, times: int, *names: str) -> "Place":
        """Inside a loop that stands here."""
        return self.inside(in_loop=True, times=self.times * times, names=(*self.names, *names))

    def inside(self, **changes: object) -> "Place":
        """One block deeper."""
        return dataclasses.replace(
            self, indent=self.indent + "    ", depth=self.depth + 1, **changes  # type: ignore[arg-type]
        )


#: About how many iterations one call, and a whole program, may go through.
MOST_PER_CALL, MOST = 15, 250


@dataclasses.dataclass
class Line:
    text: str
    place: Place


class Generator:
    def __init__(self, seed: int, vocabularies: tuple[Vocabulary, ...] = ()) -> None:
        """Vocabularies add to what a program is made of; with any it may leave loops by exceptions, too."""
        self.vocabularies = vocabularies
        self.numbers = words.NUMBERS + tuple(x for v in vocabularies for x in v.numbers)
        self.actions = words.ACTIONS + tuple(x for v in vocabularies for x in v.actions)
        self.looks = words.LOOKS + tuple(x for v in vocabularies for x in v.looks)
        self.random = random.Random(seed)
        self.seed = seed
        self.lines: dict[str, list[Line]] = {}
        self.names = 0
        self.has_entropy = self.random.random() < 0.2
        #: About how many iterations what is being written goes through, and the functions so far.
        self.iterations = 0
        self.costs: dict[str, int] = {}

    # The program

    def program(self) -> dict[str, str]:
        """Texts by path."""
        self._start(LIBRARY, words.LIBRARY)
        header = words.HEADER.format(seed=self.seed).rstrip("\n") + "\n"
        self._start(MAIN, header + "".join(v.header for v in self.vocabularies) + "\n")
        if self.has_entropy:
            self.add(Place(), words.USE_OF_ENTROPY)
        library = self._library()
        place = Place(calls=library)
        makers: list[Callable[[Place], str]] = [
            self._function,
            self._function,
            self._method,
            self._generator,
            self._stream,
            self._recursion,
            self._closure,
        ]
        self.random.shuffle(makers)
        for make in makers[: self.random.randint(2, 4)]:
            call = make(place)
            self._costs(call)
            place = dataclasses.replace(place, calls=(*place.calls, call))
        self.block(place, 3)
        self._training(place)
        self.block(place, 6)
        self.add(place, 'print("end", shared["n"], len(alias), sum(data), lib.total)')
        return {path: "".join(f"{line.text}\n" for line in lines) for path, lines in self.lines.items()}

    def _training(self, place: Place) -> None:
        """A loop that comes to everything that was defined, as a program's main loop does."""
        times = self.random.randint(2, 4)
        self.iterations = times
        self.add(place, f"for epoch in range({times}):")
        inner = place.repeated(times, "epoch")
        calls = list(place.calls)
        self.random.shuffle(calls)
        for call in calls:
            if self.random.random() < 0.7:
                self._call(dataclasses.replace(inner, calls=(call,)))
            self.statement(inner)

    def _costs(self, call: str) -> None:
        self.costs[call] = self.iterations
        self.iterations = 0

    def _may_repeat(self, place: Place, iterations: int) -> bool:
        """Whether so many iterations more are few enough; counts them."""
        most = MOST_PER_CALL if place.in_function else MOST
        if self.iterations + place.times * iterations > most:
            return False
        self.iterations += place.times * iterations
        return True

    def _start(self, path: str, text: str) -> None:
        self.lines[path] = [Line(line, Place(path)) for line in text.splitlines()]

    def add(self, place: Place, text: str) -> None:
        self.lines[place.file].append(Line(place.indent + text, place))

    def _library(self) -> tuple[str, ...]:
        calls: tuple[str, ...] = ()
        for number in range(self.random.randint(1, 2)):
            place = Place(LIBRARY, calls=calls)
            self.add(place, f"def job{number}(amount):")
            body = place.inside(names=("amount",), in_function=True)
            self.add(body, "global total, box")
            self.block(body, 4)
            self.add(body, "return amount")
            call = f"job{number}({{n}})"
            self._costs(call)
            self.costs[f"lib.{call}"] = self.costs[call]
            calls = (*calls, call)
        return tuple(f"lib.{call}" for call in calls)

    def _name(self, start: str) -> str:
        self.names += 1
        return f"{start}{self.names}"

    def _function(self, place: Place) -> str:
        name = self._name("work")
        self.add(place, f"def {name}(amount):")
        body = place.inside(names=("amount",), in_function=True)
        self.add(body, f"global {words.GLOBALS}")
        self.block(body, 5)
        self.add(body, "return amount")
        return f"{name}({{n}})"

    def _method(self, place: Place) -> str:
        name = self._name("Trainer")
        self.add(place, f"class {name}:")
        self.add(place.inside(), "steps = 0")
        self.add(place.inside(), "def __init__(self):")
        self.add(place.inside().inside(), "self.epoch, self.history = 0, []")
        self.add(place.inside(), "def fit(self, amount):")
        body = place.inside().inside(names=("self.epoch", "self.history"), in_function=True, in_method=True)
        self.add(body, f"global {words.GLOBALS}")
        self.block(body, 2)
        self._may_repeat(body, 2)
        self.add(body, f"for self.epoch in range({self.random.randint(1, 3)}):")
        self.block(body.repeated(2), 4)
        self.add(body.inside(), f"self.history.append({self.number(body)})")
        self.add(body.inside(), f"{name}.steps += 1")
        self.add(body, "return sum(self.history)")
        instance = name.lower()
        self.add(place, f"{instance} = {name}()")
        return f"{instance}.fit({{n}})"

    def _generator(self, place: Place) -> str:
        """A generator of the program that drives a loop, or is held and advanced by hand."""
        name = self._name("batches")
        self.add(place, f"def {name}(amount):")
        body = place.inside(names=("amount",), in_function=True, in_generator=True)
        self.add(body, f"global {words.GLOBALS}")
        self.block(body, 2)
        self._may_repeat(body, 3)
        self.add(body, f"for item in range({self.random.randint(1, 4)}):")
        inner = body.repeated(3, "item")
        self.block(inner, 3)
        self.add(inner, "yield item + amount % 3")
        if self.random.random() < 0.5:
            self.block(body, 2)
        return self.random.choice(
            (f"sum({name}({{n}}))", f"list({name}({{n}}))", f"next({name}({{n}}), 0)", f"{name}({{n}})")
        )

    def _stream(self, place: Place) -> str:
        """A generator without an end, out of which the program takes one item after another."""
        name = self._name("stream")
        self.add(place, f"def {name}(turn):")
        body = place.inside(names=("turn",), in_function=True, in_generator=True)
        self.add(body, f"global {words.GLOBALS}")
        self.block(body, 2)
        self.add(body, "while True:")
        # No `break` or `continue`: it has to come to its `yield`.
        inner = body.inside(names=("turn", "part"))
        self._may_repeat(inner, 2)
        self.add(inner, f"for part in {self.random.choice(('range(2)', 'list(data)[:2] + [1]', 'enumerate(data)'))}:")
        inner = inner.inside()
        self.block(inner, 2)
        self.add(inner, "turn += 1")
        around = self.random.random()
        if around < 0.15:
            self.add(inner, f"with Scope({self.number(place)}):")
            inner = inner.inside()
        elif around < 0.3:
            self.add(inner, "try:")
            self.add(inner.inside(), "yield turn")
            self.add(inner, "finally:")
            self.add(inner.inside(), "turn += 1")
        self.add(inner, "yield turn")
        source = self._name("source")
        self.add(place, f"{source} = {name}({self.random.randint(0, 9)})")
        return f"next({source}, {{n}})"

    def _recursion(self, place: Place) -> str:
        name = self._name("descend")
        self.add(place, f"def {name}(depth):")
        body = place.inside(names=("depth",), in_function=True)
        self.add(body, f"global {words.GLOBALS}")
        self.add(body, "if depth <= 0: return 0")
        self.block(body, 2)
        self._may_repeat(body, 3)
        self.add(body, f"for branch in range({self.random.randint(1, 2)}):")
        inner = body.repeated(2, "branch")
        self.block(inner, 2)
        self.add(inner, f"{name}(depth - 1)")
        self.add(body, "return depth")
        return f"{name}(1 + {{n}} % 2)"

    def _closure(self, place: Place) -> str:
        name = self._name("make")
        self.add(place, f"def {name}():")
        self.add(place.inside(), "level, trace = 0, []")
        self.add(place.inside(), "def advance(amount):")
        body = place.inside().inside(names=("amount", "trace"), in_function=True)
        self.add(body, "nonlocal level")
        self.add(body, f"global {words.GLOBALS}")
        self._may_repeat(body, 2)
        self.add(body, f"for turn in range({self.random.randint(1, 3)}):")
        inner = body.repeated(2, "turn", "level")
        self.add(inner, "level = (level * 3 + amount) % 17")
        self.block(inner, 3)
        self.add(inner, "trace.append(level)")
        self.add(body, "return level")
        self.add(place.inside(), "return advance")
        made = self._name("advance")
        self.add(place, f"{made} = {name}()")
        return f"{made}({{n}})"

    # Statements

    def number(self, place: Place) -> str:
        if place.file == LIBRARY:
            return self.random.choice(words.LIBRARY_NUMBERS)
        if self.has_entropy and self.random.random() < 0.15:
            return self.random.choice(words.ENTROPY)
        return self.random.choice(self.numbers)

    def block(self, place: Place, size: int) -> None:
        for _ in range(self.random.randint(2, max(size, 2))):
            self.statement(place)

    def statement(self, place: Place) -> None:
        kind = self.random.random()
        deep = place.depth >= 5
        if kind < 0.30 or (deep and kind < 0.7):
            actions = words.LIBRARY_ACTIONS if place.file == LIBRARY else self.actions
            self.add(place, self.random.choice(actions).format(n=self.number(place)))
        elif kind < 0.37:
            logs = words.LOGS[:2] if place.file == LIBRARY else words.LOGS
            self.add(place, self.random.choice(logs).format(n=self.number(place)))
        elif kind < 0.47 and place.calls:
            self._call(place)
        elif kind < 0.55 and not deep:
            self.add(place, f"if {self.number(place)} % 3 == {self.random.randint(0, 2)}:")
            self.block(place.inside(), 2)
            if self.random.random() < 0.4:
                self.add(place, "else:")
                self.block(place.inside(), 2)
        elif kind < 0.60 and not deep:
            self._guarded(place)
        elif kind < 0.92 and not deep:
            self._loop(place)
        elif self.vocabularies and place.in_try and self.random.random() < 0.3:
            self.add(place, f"if {self.number(place)} % 4 == 2: raise ValueError('out')")
        elif place.in_loop:
            word = self.random.choice(("break", "continue"))
            self.add(place, f"if {self.number(place)} == 3: {word}")
        elif place.in_function:
            value = "" if place.in_generator else " 0"
            self.add(place, f"if {self.number(place)} == 8: return{value}")
        elif self.random.random() < 0.1 and place.depth:
            self.add(place, f"if {self.number(place)} == 12: sys.exit(3)")
        else:
            self.add(place, f"data[0] = {self.number(place)}")

    def _call(self, place: Place) -> None:
        chosen = self.random.choice(place.calls)
        if not self._may_repeat(place, self.costs[chosen]):
            return self.add(place, f"{'stack' if place.file == LIBRARY else 'data'}[0] = 3")
        call = chosen.format(n=self.number(place))
        if call.startswith("batches"):
            if self.random.random() < 0.4:
                self.add(place, f"held = {call}")
            else:
                name = self._name("b")
                source = self.random.choice((call, f"enumerate({call})", f"zip({call}, data)"))
                self.add(place, f"for {name} in {source}:")
                self.block(place.repeated(3, name), 3)
        elif self.random.random() < 0.3 and place.file == MAIN:
            self.add(place, f"alias.append(({call} or 0) % 10)")
        else:
            self.add(place, call)

    def _guarded(self, place: Place) -> None:
        """What is around a loop: `try` with all its parts, or `with`."""
        if self.random.random() < 0.35 and place.file == MAIN:
            manager = self.random.choice(("Scope", "guarded"))
            self.add(place, f"with {manager}({self.number(place)}) as scope:")
            inner = place.inside()
            if manager == "Scope" and self.random.random() < 0.4:
                self.add(inner, f"if {self.number(place)} % 4 == 1: raise KeyError(2)")
            self.block(inner, 2)
            return
        self.add(place, "try:")
        inner = place.inside(in_try=True)
        self.add(inner, f"if {self.number(place)} % 2: raise KeyError(1)")
        self.block(inner, 2)
        if self.random.random() < 0.3:
            self.add(inner, f"if {self.number(place)} % 3 == 1: raise ValueError('early')")
        self.add(place, "except (KeyError, ValueError) as error:")
        inner = place.inside()
        self.add(inner, f"{'stack' if place.file == LIBRARY else 'alias'}.append(len(error.args))")
        if self.random.random() < 0.4:
            self.add(place, "finally:")
            self.block(inner, 2)

    def _loop(self, place: Place) -> None:
        size = self.random.randint(2, 4)
        if self.random.random() < 0.05 and place.times == 1:
            size = self.random.choice((70, 140))  # enough for a short loop inside to be left alone
        if not self._may_repeat(place, size):
            return self.add(place, f"spin({size})")
        name = self._name("i")
        inner = place.repeated(size, name)
        if self.random.random() < 0.25:
            self.add(place, f"{name} = 0")
            condition = f"{name} < {size}"
            if self.random.random() < 0.3:
                condition += f" and {self.number(place)} != 7"
            self.add(place, f"while {condition}:")
            self.add(inner, f"{name} += 1")
        else:
            header = self._header(place, name, size)
            self.add(place, f"for {header}:")
            if name not in header:
                inner = place.repeated(size)
        self.block(inner, 4)
        if self.random.random() < 0.15:
            self.add(place, "else:")
            self.block(place.inside(), 2)

    def _header(self, place: Place, name: str, size: int) -> str:
        plain = (f"{name} in range({size})", f"{name} in range({size})", f"{name} in range(1, {size})")
        if place.file == LIBRARY:
            sources = (*plain, f"{name} in list(stack)[:{size}]", f"{name} in sorted(table)")
        else:
            sources = (
                *plain,
                f"{name} in list(data)[:{size}]",
                f"{name} in enumerate(data[:{size}])",
                f"index, {name} in enumerate(data[:{size}], 1)",
                f"{name} in numbers({size})",
                f"{name} in reversed(data[:{size}])",
                f"{name} in zip(range({size}), 'abcd')",
                f"{name} in itertools.product('xy', range(2))",
                f"{name} in itertools.islice(turns, {size})",
                f"{name} in itertools.chain(data[:2], (7,))",
                f"{name} in map(str, range({size}))",
                f"{name} in (x + 1 for x in range({size}))",
                f"{name} in list(ordered.items())",
                f"{name} in sorted(seen)[:{size}]",
                f"{name} in iter([3, 1, 2])",
                f"{name} in itertools.islice(held, {size})",
                f"{name} in drawn",
                f"point.x in range({size})",
                f"{name} in random.sample(range(9), {size})",
            )
        return self.random.choice(sources)
