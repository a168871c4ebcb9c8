import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// Runs that crashed, were interrupted, were killed or are still going on are answered up to where they came.
    @Suite(.serialized) struct UnfinishedRunTests {
        private static let slow = SmallProgram.source.replacingOccurrences(of: "range(6)", with: "range(600)")

        private func answers(_ project: Project, source: String) async throws -> [AnswerLine] {
            try project.write(
                SmallProgram.outerProbe.edited(source, file: SmallProgram.file).text, to: SmallProgram.file)
            let result = try await project.hindsight("query", "--format", "jsonl", SmallProgram.file)
            #expect(result.status == 0, "\(result.errorText)")
            return try AnswerLine.parse(result)
        }

        /// Starts a recording and waits until the program is in its fourth epoch.
        private func recordingInProgress(_ project: Project) async throws -> Command {
            let command = try Command(
                Checkout.hindsight.path, ["record", "--", SmallProgram.python, SmallProgram.file],
                in: project.folder)
            try await waitForOutput(of: command) { $0.contains("epoch 3 ") }
            return command
        }

        private func waitForOutput(of command: Command, until fits: (String) -> Bool) async throws {
            let limit = Date() + Command.patience
            while !fits(command.outputSoFar) {
                try #require(Date() < limit, "the recorded program does not get on")
                try await Task.sleep(for: .milliseconds(20))
            }
        }

        private func expectPrefixOfForesight(
            _ hits: [AnswerLine], atLeast count: Int, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let foresight = try await SmallProgram.foresight(
                SmallProgram.outerProbe,
                source: SmallProgram.source.replacingOccurrences(of: "range(6)", with: "range(60)"))
            #expect(hits.count >= count, sourceLocation: sourceLocation)
            #expect(hits.map(\.text) == Array(foresight.prefix(hits.count)), sourceLocation: sourceLocation)
            #expect(
                hits.prefix(count - 1).allSatisfy { $0.verdict == "exact" },
                "\(hits.map(\.verdict))", sourceLocation: sourceLocation)
        }

        @Test func crashed() async throws {
            let source = SmallProgram.source.replacingOccurrences(
                of: "    history.append(total)",
                with:
                    "    history.append(total)\n    if epoch == 4:\n        raise ValueError(\"loss is not finite\")"
            )
            let project = try SmallProgram.makeProject(source: source)
            defer { project.remove() }
            let plain = try await Command.run(
                Command.find(SmallProgram.python)!, [SmallProgram.file], in: project.folder)
            let recorded = try await project.hindsight("record", "--", SmallProgram.python, SmallProgram.file)
            #expect(recorded.status == plain.status)
            #expect(recorded.lines == plain.lines)
            #expect(recorded.errorLines == plain.errorLines)
            let hits = try await answers(project, source: source)
            #expect(
                hits.map(\.text)
                    == (try await SmallProgram.foresight(SmallProgram.outerProbe, source: source)))
            #expect(hits.count == 5)
            #expect(hits.allSatisfy { $0.verdict == "exact" }, "\(hits.map(\.verdict))")
        }

        @Test func interrupted() async throws {
            let project = try SmallProgram.makeProject(source: Self.slow)
            defer { project.remove() }
            let command = try await recordingInProgress(project)
            // As a terminal does: to the whole group.
            kill(-command.identifier, SIGINT)
            let recorded = try await command.finish()
            #expect(recorded.signalled && recorded.status == SIGINT)
            #expect(recorded.errorText.contains("KeyboardInterrupt"))
            try await expectPrefixOfForesight(try await answers(project, source: Self.slow), atLeast: 3)
        }

        @Test func killed() async throws {
            let project = try SmallProgram.makeProject(source: Self.slow)
            defer { project.remove() }
            let command = try await recordingInProgress(project)
            kill(-command.identifier, SIGKILL)
            _ = try await command.finish()
            try await expectPrefixOfForesight(try await answers(project, source: Self.slow), atLeast: 2)
        }

        @Test func inProgress() async throws {
            let project = try SmallProgram.makeProject(source: Self.slow)
            defer { project.remove() }
            let command = try await recordingInProgress(project)
            try await expectPrefixOfForesight(try await answers(project, source: Self.slow), atLeast: 2)
            // The query left the program alone.
            let before = command.outputSoFar.count
            try await waitForOutput(of: command) { $0.count > before }
            kill(-command.identifier, SIGINT)
            _ = try await command.finish()
        }
    }
}
