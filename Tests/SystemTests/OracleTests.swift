import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// The tests that everything rests on: what Hindsight says about a past run equals, to the bit and in order,
    /// what the program would have written had the statement been there from the start (foresight). The programs
    /// are those of the gallery, `Tests/Programs`.
    @Suite(.serialized) struct OracleTests {
        struct Case: Sendable, CustomStringConvertible {
            var program: TrainingProgram
            var probe: Probe

            var description: String { "\(program.name)/\(probe.name)" }

            static let all = TrainingProgram.all.flatMap { program in
                program.probes.map { Case(program: program, probe: $0) }
            }

            static let alone = all.filter { $0.probe.alone == true || $0.probe.verdict != nil }

            static let digits = all.filter { $0.program.name.hasPrefix("digits_") }
        }

        @Test("recording changes nothing that the program does", arguments: TrainingProgram.all)
        func recordingIsUnseen(program: TrainingProgram) async throws {
            let recording = try await RecordedProgram.of(program)
            #expect(recording.plain.status == 0, "\(recording.plain.errorText)")
            #expect(recording.recorded.status == recording.plain.status, "\(recording.recorded.errorText)")
            #expect(recording.recorded.lines == recording.plain.lines)
            #expect(recording.recorded.errorLines == recording.plain.errorLines)
            for (path, content) in recording.recordedContents {
                #expect(recording.plainContents.keys.contains(path), "recording left \(path) behind")
                // A compiled module holds its source's time.
                guard !path.hasSuffix(".pyc"), let before = recording.plainContents[path] else { continue }
                #expect(content == before, "recording changed \(path)")
            }
        }

        @Test("all of a program's probes at once equal foresight", arguments: TrainingProgram.all)
        func together(program: TrainingProgram) async throws {
            let recording = try await RecordedProgram.of(program)
            #expect(
                program.probes.ownLines(in: recording.plain).isEmpty, "the probes' prefixes must be their own"
            )
            try await Self.check(program.peaceful, of: recording)
        }

        @Test("a probe by itself equals foresight", arguments: Case.alone)
        func alone(case one: Case) async throws {
            try await Self.check([one.probe], of: RecordedProgram.of(one.program))
        }

        private static func check(_ probes: [Probe], of recording: RecordedProgram) async throws {
            // Not beside the query: two programs that spin for the same cores take ten times as long.
            let foresight = try await recording.foresight(probes)
            for fault in try await recording.ask(probes).faults(against: foresight) {
                Issue.record("\(fault)")
            }
        }

        @Test("a probe typed into an editor equals foresight", arguments: Case.digits)
        func editor(case one: Case) async throws {
            let recording = try await RecordedProgram.of(one.program)
            let foresight = try await recording.foresight([one.probe])
            let answer = try await recording.withProject { project in
                let before = try project.contents()
                var answer = try await WholeSystem.onAThread { try Self.typed(one, into: project) }
                answer.changedProject = try project.contents() != before
                return answer
            }
            for fault in answer.faults(against: foresight) { Issue.record("\(fault)") }
        }

        /// Types a probe into open buffers and returns what was replayed for them.
        private static func typed(_ one: Case, into project: Project) throws -> Answer {
            let probe = one.probe
            let client = try EditorClient(
                directory: project.folder.path, environment: one.program.environment)
            try client.initialize(root: project.folder.path)
            for file in probe.files { try client.open(project.path(file)) }
            var owners: [String: [Int: String]] = [:]
            for file in probe.files {
                let edited = try [probe].edited(project.read(file), file: file)
                client.change(project.path(file), to: edited.text)
                owners[file] = edited.lines
            }
            var hits: [AnswerLine] = []
            for file in probe.files {
                let values = try client.completeValues(project.path(file), settled: true)
                hits += try JSONDecoder().decode(
                    [AnswerLine].self, from: JSONEncoder().encode(values["hits"] ?? []))
            }
            try client.shutDown()
            return Answer(
                probes: [probe], owners: owners, hits: hits.filter { $0.source == "replayed" },
                changedProject: false)
        }
    }
}
