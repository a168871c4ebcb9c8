"""What programs read and write, noted while recording and laid out in replays."""

from __future__ import annotations

import os
import tempfile
import unittest
from typing import Any, Optional

from hindsight_runtime import folders

from .recorded_program import Project, Recording, texts

RESUMED = """
    import csv, json, os, time
    os.makedirs("out", exist_ok=True)
    settings = json.load(open("settings.json"))
    print("resumed" if os.path.exists("out/resume.json") else "fresh", settings["rate"])
    log = open("out/log.txt", "w")
    for epoch in range(5):
        time.sleep(0.12)
        with open("out/resume.json", "w") as file:
            json.dump(epoch, file)
        with open("metrics.csv", "a", newline="") as file:
            csv.writer(file).writerow([epoch, epoch * settings["rate"]])
        with open("out/state.tmp", "wb") as file:
            file.write(bytes([epoch]) * LENGTH)
        os.replace("out/state.tmp", "out/state.bin")
        open(f"out/epoch{epoch}", "w").close()
        for old in sorted(name for name in os.listdir("out") if name.startswith("epoch"))[:-2]:
            os.remove(f"out/{old}")
        print(epoch, file=log)
        print("epoch", epoch)
    at = log.tell()
    log.close()
    state = open("out/state.bin", "rb").read()
    print("end", at, open("out/log.txt").read().split(), state[:1], len(state), sorted(os.listdir("out")))
    print("rows", open("metrics.csv").read().split())
"""


class FileTests(unittest.TestCase):
    def recording(self, source: str, files: Optional[dict[str, str]] = None) -> Recording:
        project = Project({"train.py": source, **(files or {})})
        self.addCleanup(project.remove)
        recording = project.record("train.py")
        self.assertEqual(recording.result.stderr, "")
        self.assertEqual(recording.result.returncode, 0)
        return recording

    def resumed(self, length: int = 10) -> Recording:
        files = {"settings.json": '{"rate": 2}', "metrics.csv": "epoch,value\n"}
        return self.recording(RESUMED.replace("LENGTH", str(length)), files)

    def logged(self, recording: Recording) -> list[str]:
        return [message["text"] for message in recording.of("log")]

    def last_boundary(self, recording: Recording) -> dict[str, Any]:
        found = [
            c for c in recording.of("checkpoint") if c["kind"] == "boundary" and c["at"][-1][2] == 5
        ]
        self.assertTrue(found, "no checkpoint at the loop's end")
        return found[-1]

    def jumped(self, recording: Recording) -> list[dict[str, Any]]:
        """What a replay says that jumps over the whole loop."""
        last = self.last_boundary(recording)
        start = [*last["at"][:-1], [*last["at"][-1][:2], 0]]
        return recording.replay(jumps=[{"at": start, "to": 5, "checkpoint": last["n"]}])

    def test_a_replay_finds_files_as_they_were_at_the_start(self) -> None:
        recording = self.resumed()
        messages = recording.replay(checks="all")
        self.assertEqual(texts(messages, "log"), self.logged(recording))
        self.assertEqual([m for m in messages if m["t"] == "file"], [])
        self.assertEqual(
            [m["difference"] for m in messages if m["t"] == "check" and m["difference"]], []
        )

    def test_behind_a_jump_files_are_what_the_run_had_written(self) -> None:
        for length in (10, 3_000_000):
            with self.subTest(length=length):
                recording = self.resumed(length)
                messages = self.jumped(recording)
                self.assertEqual(
                    texts(messages, "log"), [self.logged(recording)[0], *self.logged(recording)[-2:]]
                )
                self.assertEqual([m for m in messages if m["t"] == "file"], [])

    def test_other_readers_find_what_the_run_had_written(self) -> None:
        """Libraries in C and other processes open files where nobody is told before."""
        recording = self.recording("""
            import os, time
            for epoch in range(5):
                time.sleep(0.12)
                open("state.bin", "wb").write(bytes([65 + epoch]) * 3_000_000)
            open("state.bin", "rb").read(1)
            os.system("head -c 3 state.bin > head.txt")
            print(open("head.txt").read())
            """)
        messages = self.jumped(recording)
        self.assertEqual(texts(messages, "log"), ["EEE"])
        self.assertEqual([m for m in messages if m["t"] == "file"], [])

    def test_what_links_lead_to_is_compared(self) -> None:
        source = """
            import os
            print(len(open("latest.csv").read()), os.read(os.open("plain.csv", os.O_RDONLY), 3))
        """
        project = Project({"train.py": source, "data-1.csv": "1,2\n", "plain.csv": "abc"})
        self.addCleanup(project.remove)
        os.symlink("data-1.csv", os.path.join(project.root, "latest.csv"))
        recording = project.record("train.py")
        self.assertEqual([m for m in recording.replay() if m["t"] == "file"], [])
        project.write("data-1.csv", "1,2,3\n")
        told = [m["reason"] for m in recording.replay() if m["t"] == "file"]
        self.assertEqual(told, ["data-1.csv has changed since the run"])

    def test_the_descriptor_of_a_daemon_is_not_read(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            watch = folders.FolderWatch(lambda path: False)
            watch.add(folder)
            reader, writer = os.pipe()
            os.write(writer, b"the program's own")
            os.dup2(reader, watch._descriptor)
            self.assertEqual(list(watch.changes()), [])
            self.assertFalse(watch.is_complete)
            watch.close()
            self.assertEqual(os.read(watch._descriptor, 17), b"the program's own")
            for descriptor in (reader, writer, watch._descriptor):
                os.close(descriptor)

    def test_another_run_since_then_changes_nothing(self) -> None:
        recording = self.resumed()
        recording.project.plain("train.py")
        self.assertEqual(texts(recording.replay(), "log"), self.logged(recording))
        recording = self.resumed()
        recording.project.plain("train.py")
        self.assertEqual(texts(self.jumped(recording), "log")[-2:], self.logged(recording)[-2:])

    def test_contents_that_nobody_kept_are_told_when_they_are_read(self) -> None:
        recording = self.resumed(3_000_000)
        os.remove(os.path.join(recording.project.root, "out/state.bin"))
        told = [m for m in self.jumped(recording) if m["t"] == "file"]
        self.assertEqual([m["jumped"] for m in told], [True])
        self.assertIn("out/state.bin", told[0]["reason"])
        # Executing everything does without it.
        self.assertEqual([m for m in recording.replay() if m["t"] == "file"], [])

    def test_changed_and_missing_inputs_are_told_where_they_are_read(self) -> None:
        source = """
            print("before")
            for i in range(2):
                print(len(open("data.csv").read()))
        """
        for word in ("changed", "no longer"):
            recording = self.recording(source, {"data.csv": "1,2\n"})
            if word == "changed":
                recording.project.write("data.csv", "1,2,3\n")
            else:
                os.remove(os.path.join(recording.project.root, "data.csv"))
            told = [m for m in recording.replay() if m["t"] == "file"]
            self.assertEqual([m["jumped"] for m in told], [False])
            self.assertIn("data.csv", told[0]["reason"])
            self.assertIn(word, told[0]["reason"])
            self.assertEqual(told[0]["key"], [3, 0, 0])

    def test_forked_children_tell_what_they_read_and_write(self) -> None:
        recording = self.recording(
            """
            import os
            for i in range(2):
                child = os.fork()
                if not child:
                    open("data.csv").read()
                    open(os.getcwd() + "-child", "w").close()
                    os._exit(0)
                os.waitpid(child, 0)
            os.remove(os.getcwd() + "-child")
            """,
            {"data.csv": "1,2\n"},
        )
        records = [
            (r["kind"], os.path.basename(r["path"])) for m in recording.of("files") for r in m["records"]
        ]
        name = os.path.basename(recording.project.root)
        self.assertEqual(records.count(("input", "data.csv")), 1)
        self.assertEqual(records.count(("before", f"{name}-child")), 1)

    def test_libraries_and_other_processes_are_seen_in_the_project(self) -> None:
        recording = self.recording(
            """
            import os
            os.system("mkdir made; echo 1 > made/a; echo 2 >> old; mv old new; rm gone")
            print(sorted(os.listdir(".")))
            """,
            {"old": "0", "gone": ""},
        )
        before = {
            os.path.basename(r["path"]): r["state"]
            for m in recording.of("files")
            for r in m["records"]
            if r["kind"] == "before"
        }
        expected = {
            "made": "absent",
            "a": "absent",
            "old": "unknown",
            "new": "absent",
            "gone": "unknown",
        }
        self.assertEqual(before, expected)

    def test_what_was_made_a_moment_ago_is_no_input(self) -> None:
        recording = self.recording(
            """
            import os
            open("settings").read()
            for n in range(50):
                open("settings").read()
                os.close(os.open(f"made{n}", os.O_CREAT | os.O_WRONLY))  # unseen by `open`
                open(f"made{n}").read()
            """,
            {"settings": ""},
        )
        records = [r for m in recording.of("files") for r in m["records"]]
        self.assertEqual(
            [os.path.basename(r["path"]) for r in records if r["kind"] == "input"], ["settings"]
        )
        self.assertEqual({r["state"] for r in records if r["kind"] == "before"}, {"absent"})

    def test_the_function_open_is_what_it_was(self) -> None:
        project = Project({"train.py": """
                    import builtins, inspect, io, pickle
                    class Reader:
                        function = open
                    print(open is io.open is builtins.open, open, open.__name__)
                    print(pickle.loads(pickle.dumps(open)) is open, callable(open), inspect.signature(open))
                    with Reader().function("train.py") as file: print(file.name, file.mode)
                    with Reader().function(file="train.py", mode="rb") as file: print(file.name, file.mode)
                    for wrong in (lambda: open(), lambda: open("no/where"), lambda: open(None)):
                        try: wrong()
                        except Exception as error: print(type(error), error)
                    open("no/where/at/all")
                """})
        self.addCleanup(project.remove)
        plain, recorded = project.plain("train.py"), project.record("train.py").result
        self.assertEqual(recorded.stdout, plain.stdout)
        self.assertEqual(recorded.stderr, plain.stderr)
        self.assertEqual(recorded.returncode, plain.returncode)


if __name__ == "__main__":
    unittest.main()
