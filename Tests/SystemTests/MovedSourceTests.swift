import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// Since the run its code has moved: probes are executed where the recorded program had it.
    @Suite(.serialized) struct MovedSourceTests {
        private static let source = """
            import random

            random.seed(5)
            history = []


            def step(weight, target):
                error = weight - target
                history.append(error * error)
                return weight - 0.1 * error


            class Learner:
                def __init__(self):
                    self.weight = 0.0

                def learn(self, epochs):
                    for epoch in range(epochs):
                        for index in range(5):
                            self.weight = step(self.weight, random.random())
                        print("epoch", epoch, self.weight.hex())


            Learner().learn(4)

            """

        private static let function = """
            def step(weight, target):
                error = weight - target
                history.append(error * error)
                return weight - 0.1 * error

            """

        /// What a probe in the function writes when it is there from the beginning.
        private func foresight(_ probe: String) async throws -> [String] {
            let project = try SmallProgram.makeProject(
                source: Self.source.replacingOccurrences(
                    of: "    history.append", with: "    \(probe)\n    history.append"))
            defer { project.remove() }
            let result = try await Command.run(
                Command.find(SmallProgram.python)!, [SmallProgram.file], in: project.folder)
            return result.lines.filter { $0.hasPrefix("probe ") }
        }

        /// The function in a file of its own, with a probe that uses what the variable is called now.
        private func moveFunction(in project: Project) throws {
            let rest = Self.source.replacingOccurrences(of: Self.function, with: "from steps import step\n")
            try project.write(rest, to: SmallProgram.file)
            let moved = Self.function.replacingOccurrences(of: "error", with: "difference")
                .replacingOccurrences(
                    of: "    history.append",
                    with: "    print(\"probe\", difference.hex(), len(history))\n    history.append")
            try project.write(
                "from train import history\n\n\n\(moved)\n\ndef unused():\n    print(1)\n", to: "steps.py")
        }

        @Test func functionInANewFile() async throws {
            let project = try await SmallProgram.makeRecordedProject(source: Self.source)
            defer { project.remove() }
            try moveFunction(in: project)
            let expected = try await foresight(#"print("probe", error.hex(), len(history))"#)
            #expect(expected.count == 20)
            let result = try await project.hindsight("query", "--format", "jsonl", "steps.py")
            #expect(result.status == 0, "\(result.errorText)")
            let hits = try AnswerLine.parse(result)
            #expect(hits.map(\.text) == expected)
            #expect(hits.allSatisfy { $0.verdict == "exact" && $0.file == "steps.py" && $0.line == 6 })
            // What has no place says so at its line.
            #expect(result.errorText.contains("steps.py:12: Not replayed"), "\(result.errorText)")
        }

        @Test func functionInANewFileInAnEditor() async throws {
            let project = try await SmallProgram.makeRecordedProject(source: Self.source)
            defer { project.remove() }
            try moveFunction(in: project)
            let expected = try await foresight(#"print("probe", error.hex(), len(history))"#)
            let editor = try EditorClient(directory: project.folder.path)
            try editor.initialize(root: project.folder.path)
            let path = project.path("steps.py")
            try editor.open(path)
            let values = try editor.completeValues(path, settled: true)["hits"]?.arrayValue ?? []
            #expect(values.compactMap { $0["text"]?.stringValue } == expected)
            #expect(values.allSatisfy { $0["verdict"] == "exact" })
            try editor.waitForDiagnostics(path) { diagnostics in
                diagnostics.contains {
                    $0["code"] == "unloaded" && $0["range"]?["start"]?["line"]?.integerValue == 11
                }
            }
            #expect(try editor.shutDown() == 0)
        }

        @Test func renamedProgramWhoseFileIsGone() async throws {
            let project = try await SmallProgram.makeRecordedProject(source: Self.source)
            defer { project.remove() }
            try FileManager.default.removeItem(atPath: project.path(SmallProgram.file))
            try project.write(
                Self.source.replacingOccurrences(
                    of: "    history.append",
                    with: "    print(\"probe\", error.hex(), len(history))\n    history.append"),
                to: "package/learning.py")
            let result = try await project.hindsight("query", "--format", "jsonl", "package/learning.py")
            #expect(result.status == 0, "\(result.errorText)")
            let hits = try AnswerLine.parse(result)
            let expected = try await foresight(#"print("probe", error.hex(), len(history))"#)
            #expect(hits.map(\.text) == expected)
            #expect(hits.allSatisfy { $0.verdict == "exact" && $0.file == "package/learning.py" })
        }

        @Test func functionWithoutACounterpart() async throws {
            let project = try await SmallProgram.makeRecordedProject(source: Self.source)
            defer { project.remove() }
            try project.write(
                Self.source.replacingOccurrences(of: "random.random())", with: "noisy(random.random()))")
                    .replacingOccurrences(
                        of: "class Learner",
                        with: "def noisy(x):\n    print(\"noise\", x)\n    return x\n\n\nclass Learner"),
                to: SmallProgram.file)
            let result = try await project.hindsight("query", "--format", "jsonl", SmallProgram.file)
            #expect(result.status == 0)
            #expect(result.output.isEmpty)
            #expect(
                result.errorText.contains("train.py:14: Not replayed: the recorded program has no `noisy`"),
                "\(result.errorText)")
        }
    }
}
