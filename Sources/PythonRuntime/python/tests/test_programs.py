"""A recorded program behaves as an unrecorded one."""

from __future__ import annotations

import unittest
from unittest import mock

from hindsight_runtime.session import NOTHING, Session

from .recorded_program import Project

MODULE = """
    def count(limit):
        for i in range(limit):
            if i == 2:
                raise ValueError("two")
            yield i


    def show(*values):
        print("show", *values)
    """


LEFT = """
    def forever():
        n = 0
        while n < 10:
            n += 1
            try:
                yield n
            finally:
                print("left", n)
    held = forever()
    next(held)
    """


class Programs(unittest.TestCase):
    def assert_same(self, files: dict, *arguments: str) -> None:
        project = Project(files)
        self.addCleanup(project.remove)
        plain = project.plain(*arguments)
        recording = project.record(*arguments)
        self.assertEqual(recording.result.stdout, plain.stdout)
        self.assertEqual(recording.result.stderr, plain.stderr)
        self.assertEqual(recording.result.returncode, plain.returncode)
        return recording

    def test_script_sees_itself_as_without_recording(self) -> None:
        recording = self.assert_same(
            {"train.py": """
                import os, sys
                print(__name__, __file__, __spec__, __package__, sys.argv, sys.path)
                print(sorted(globals()), "sitecustomize" in sys.modules)
                print(sorted(k for k in os.environ if "HINDSIGHT" in k or k == "PYTHONPATH"))
                print(type(sys.stdout), sys.excepthook is sys.__excepthook__)
                """},
            "train.py",
            "--flag",
        )
        self.assertEqual(recording.hello["program"], "train.py")
        self.assertEqual(recording.of("end")[0]["status"], "finished")

    def test_module_of_a_package(self) -> None:
        files = {
            "pkg/__init__.py": "",
            "pkg/helper.py": MODULE,
            "pkg/train.py": """
                import sys
                from . import helper
                print(__name__, __spec__.name, __package__, sys.argv[1:], sys.path[0])
                for i in range(3):
                    helper.show(i)
                sys.exit(4)
                """,
        }
        recording = self.assert_same(files, "-m", "pkg.train", "x")
        self.assertEqual(recording.hello["module"], "pkg.train")
        self.assertEqual(recording.of("end")[0]["exitCode"], 4)
        self.assertEqual(
            {s["path"]: s["module"] for s in recording.of("source")},
            {"pkg/__init__.py": "pkg", "pkg/helper.py": "pkg.helper", "pkg/train.py": "__main__"},
        )

    def test_tracebacks_show_the_program_alone(self) -> None:
        files = {
            "helper.py": MODULE,
            "train.py": """
                import helper
                def work():
                    try:
                        for value in helper.count(5):
                            helper.show(value)
                    except ValueError as error:
                        raise RuntimeError("again") from error
                while True:
                    work()
                """,
        }
        recording = self.assert_same(files, "train.py")
        end = recording.of("end")[0]
        self.assertEqual((end["status"], end["exception"]), ("raised", "RuntimeError: again"))

    def test_syntax_error_is_reported_by_python(self) -> None:
        self.assert_same({"train.py": "def f(:\n"}, "train.py")

    def test_logging_names_the_calling_line(self) -> None:
        self.assert_same(
            {"train.py": """
                import logging, warnings, sys
                logging.basicConfig(format="%(levelname)s %(funcName)s %(lineno)d %(message)s")
                log = logging.getLogger("t")
                def work():
                    log.warning("a %s", 1)
                    logging.error("b %(x)d", {"x": 3})
                    warnings.warn("c")
                    sys.stderr.write("d\\n")
                    log.info("silent")
                    log.exception("e", exc_info=False)
                    log.log(40, "f")
                    logging.exception("g", exc_info=False)
                    logging.error("h", stacklevel=2)
                    log.error("i", stacklevel=2)
                    adapter = logging.LoggerAdapter(log, {})
                    adapter.error("j")
                    adapter.log(40, "k")
                    adapter.exception("l", exc_info=False)
                    warnings.simplefilter("ignore")
                    log.critical("m")
                    if hasattr(log, "warn"):
                        log.warn("n")
                        adapter.warn("o")
                        logging.warn("p")
                work()
                """},
            "train.py",
        )

    def test_interrupted(self) -> None:
        recording = self.assert_same({"train.py": "print(1)\nraise KeyboardInterrupt\n"}, "train.py")
        self.assertEqual(recording.of("end")[0]["status"], "interrupted")

    def test_generators_left_when_the_interpreter_ends(self) -> None:
        self.assert_same({"helper.py": LEFT, "train.py": "import helper\nprint(1)\n"}, "train.py")

    def test_whatever_rewritten_code_calls_is_there_until_the_end(self) -> None:
        names = Session.functions(mock.MagicMock()).keys()
        self.assertEqual(names, NOTHING.keys())

    def test_objects_left_when_the_interpreter_ends(self) -> None:
        self.assert_same(
            {
                "train.py": """
                def draw():
                    while True:
                        for i in range(3):
                            yield i
                class Last:
                    def __del__(self):
                        k = 0
                        while k < 2:
                            k += 1
                        for i in range(2):
                            print("deleted", i, k)
                numbers, last = draw(), Last()
                print(next(numbers))
                """,
            },
            "train.py",
        )

    def test_control_flow_is_untouched(self) -> None:
        self.assert_same(
            {"train.py": """
                def find(limit):
                    for i in range(limit):
                        for j in range(limit):
                            if i * j == 6:
                                return i, j
                    else:
                        return None
                def walk():
                    k = 0
                    while k < 5:
                        k += 1
                        if k == 2:
                            continue
                        if k == 4:
                            break
                        yield k
                    else:
                        print("never")
                print(find(4), find(2), list(walk()))
                class Table:
                    rows = []
                    for row in range(3):
                        rows.append(row)
                print(Table.rows, Table.row)
                i = 0
                while i < 2:
                    i += 1
                else:
                    print("done", i)
                for a, (b, *c) in [(1, (2, 3, 4))]:
                    print(a, b, c)
                print(locals().keys() == globals().keys())
                """},
            "train.py",
        )


class Records(unittest.TestCase):
    def record(self, text: str) -> list:
        project = Project({"train.py": text})
        self.addCleanup(project.remove)
        recording = project.record("train.py")
        self.assertEqual(recording.result.returncode, 0, recording.result.stderr)
        return recording.of("log")

    def test_coordinates(self) -> None:
        logs = self.record("""
            print("before")
            for epoch in range(2):
                for step, x in enumerate("ab"):
                    print("inner", x)
                print("outer")
            while epoch < 3:
                epoch += 1
                print("again")
            """)
        self.assertEqual(
            [(log["text"], log["it"]) for log in logs],
            [
                ("before", []),
                ("inner a", [["epoch", 0, 0], ["step, x", 0, None]]),
                ("inner b", [["epoch", 0, 0], ["step, x", 1, None]]),
                ("outer", [["epoch", 0, 0]]),
                ("inner a", [["epoch", 1, 1], ["step, x", 0, None]]),
                ("inner b", [["epoch", 1, 1], ["step, x", 1, None]]),
                ("outer", [["epoch", 1, 1]]),
                ("again", [["epoch < 3", 0, None]]),
                ("again", [["epoch < 3", 1, None]]),
            ],
        )
        keys = [log["key"] for log in logs]
        self.assertEqual(keys, sorted(keys))

    def test_a_suspended_generators_loop_surrounds_nothing(self) -> None:
        logs = self.record("""
            def batches():
                for index in range(2):
                    print("making", index)
                    yield index
            for epoch in range(1):
                for batch in batches():
                    print("using", batch)
            """)
        using = [log["it"] for log in logs if log["text"].startswith("using")]
        self.assertEqual(using, [[["epoch", 0, 0], ["batch", 0, 0]], [["epoch", 0, 0], ["batch", 1, 1]]])
        making = [log["it"][-1] for log in logs if log["text"].startswith("making")]
        self.assertEqual(making, [["index", 0, 0], ["index", 1, 1]])

    def test_what_log_statements_write(self) -> None:
        logs = self.record("""
            import io, logging, sys
            print("a", 1, sep="-")
            print("two", "lines", sep="\\n")
            print("no newline", end="")
            print()
            sys.stdout.write("written\\n")
            logging.getLogger("x").warning("%d items", 3)
            logging.getLogger("x").debug("not logged")
            print("elsewhere", file=io.StringIO())
            [print(x) for x in "xy"]
            """)
        expected = ["a-1", "two\nlines", "no newline", "", "written", "3 items", "elsewhere", "x", "y"]
        self.assertEqual([log["text"] for log in logs], expected)


if __name__ == "__main__":
    unittest.main()
