import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// Nothing of a store is run that did not come from the user's own recordings.
    @Suite(.serialized) struct StoreTrustTests {
        /// The environment of a user who has not recorded the project.
        private func stranger() -> (environment: [String: String], folder: URL) {
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("hindsight-stranger-\(UUID().uuidString.prefix(8))")
            var environment = Command.environment
            environment["XDG_STATE_HOME"] = folder.path
            return (environment, folder)
        }

        private func recordedWithProbe() async throws -> Project {
            let project = try await SmallProgram.makeRecordedProject()
            let edited = try SmallProgram.outerProbe.edited(SmallProgram.source, file: SmallProgram.file)
            try project.write(edited.text, to: SmallProgram.file)
            return project
        }

        @Test func aStoreFromElsewhereIsListedButNotReplayed() async throws {
            let project = try await recordedWithProbe()
            defer { project.remove() }
            let (environment, folder) = stranger()
            defer { try? FileManager.default.removeItem(at: folder) }

            let refused = try await project.hindsight(
                "query", "--format", "jsonl", SmallProgram.file, environment: environment)
            #expect(refused.status == 1)
            #expect(refused.lines.isEmpty)
            #expect(refused.errorText.contains("hindsight doctor --trust-store"), "\(refused.errorText)")
            let runs = try await project.hindsight("runs", environment: environment)
            #expect(runs.status == 0)
            #expect(runs.text.contains(SmallProgram.file))

            // Recording into it does not vouch for what was there before.
            let recorded = try await project.hindsight(
                "record", "--", SmallProgram.python, SmallProgram.file, environment: environment)
            #expect(recorded.status == 0)
            #expect(recorded.errorText.contains("--trust-store"))
            let again = try await project.hindsight("query", SmallProgram.file, environment: environment)
            #expect(again.status == 1)
        }

        @Test func theUserMayTrustIt() async throws {
            let project = try await recordedWithProbe()
            defer { project.remove() }
            let (environment, folder) = stranger()
            defer { try? FileManager.default.removeItem(at: folder) }
            let doctor = try await project.hindsight("doctor", "--trust-store", environment: environment)
            #expect(!doctor.text.contains("not made by your own recordings"), "\(doctor.text)")
            let answered = try await project.hindsight(
                "query", "--format", "jsonl", SmallProgram.file, environment: environment)
            #expect(answered.status == 0, "\(answered.errorText)")
            #expect(try AnswerLine.parse(answered).count == 6)
        }

        @Test func aProjectThatWasMovedIsStillOnesOwn() async throws {
            let project = try await recordedWithProbe()
            defer { project.remove() }
            let moved = project.folder.deletingLastPathComponent().appendingPathComponent("moved")
            try FileManager.default.moveItem(at: project.folder, to: moved)
            let runs = try await Command.run(
                Checkout.hindsight.path, ["doctor"], in: moved, environment: Command.environment)
            #expect(!runs.text.contains("not made by your own recordings"), "\(runs.text)")
        }

        @Test func anEditorShowsWhatWasRecordedAndReplaysNothing() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            let (environment, folder) = stranger()
            defer { try? FileManager.default.removeItem(at: folder) }
            try await WholeSystem.onAThread {
                let client = try EditorClient(directory: project.folder.path, environment: environment)
                try client.initialize(root: project.folder.path)
                let file = project.path(SmallProgram.file)
                try client.open(file)
                let recorded = try client.completeValues(file)
                #expect(recorded["hits"]?.arrayValue?.isEmpty == false)
                let edited = try SmallProgram.outerProbe.edited(
                    SmallProgram.source, file: SmallProgram.file)
                client.change(file, to: edited.text)
                try client.waitFor("window/showMessage") { parameters in
                    parameters["message"]?.stringValue?.contains("--trust-store") == true
                }
                let values = try client.values(file)
                let sources = values["hits"]?.arrayValue?.compactMap { $0["source"]?.stringValue } ?? []
                #expect(!sources.contains("replayed"))
                try client.shutDown()
            }
        }
    }
}
