import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// A probe outside the inner loop must not pay for it.
    @Suite(.serialized) struct OuterLevelTests {
        @Test("time of an outer-level query over all epochs against the training's")
        func ratio() async throws {
            let python = try await PythonEnvironment.ready().python
            let program = TrainingProgram.named("digits_cnn")!
            let project = try program.makeProject()
            defer { project.remove() }
            let epochs = 30
            let command = [python, "train.py", "--epochs", "\(epochs)"]
            let plain = try await Command.run(python, Array(command.dropFirst()), in: project.folder)
            let recorded = try await project.hindsight(["record", "--"] + command)
            #expect(recorded.lines == plain.lines)
            let start = try await Command.run(
                python, ["-c", "import torch, sklearn.datasets, sklearn.model_selection"])

            let probe = program.probe("outer_level")
            try project.write(
                probe.edited(project.read("train.py"), file: "train.py").text, to: "train.py")
            let query = try await project.hindsight("query", "--format", "jsonl", "train.py")
            #expect(query.status == 0, "\(query.errorText)")
            let hits = try AnswerLine.parse(query)
            #expect(hits.count == epochs)
            #expect(hits.allSatisfy { $0.verdict == "exact" })
            // A machine's speed is not asserted, only said.
            print(
                String(
                    format: """
                        outer level, %d epochs: plain %.2f s, recorded %.2f s, query %.2f s (imports alone %.2f s): \
                        %.0f %% of the training's time, %.0f %% without the imports
                        """, epochs, plain.seconds, recorded.seconds, query.seconds, start.seconds,
                    100 * query.seconds / plain.seconds,
                    100 * max(0, query.seconds - start.seconds) / (plain.seconds - start.seconds)))
        }
    }
}
