import Foundation
import Testing

extension WholeSystem {
    /// The tests that everything rests on: what Hindsight says about a past run equals, to the bit and in order,
    /// what the program would have written had the statement been there from the start (foresight).
    @Suite(.serialized) struct OracleTests {
        struct Case: Sendable, CustomStringConvertible {
            var program: TrainingProgram
            var probe: Probe

            var description: String { "\(program.name)/\(probe.name)" }

            static let all = TrainingProgram.all.flatMap { program in
                program.probes.map { Case(program: program, probe: $0) }
            }
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

        @Test("a probe on the command line equals foresight", arguments: Case.all)
        func commandLine(case one: Case) async throws {
            let recording = try await RecordedProgram.of(one.program)
            #expect(one.probe.ownLines(in: recording.plain).isEmpty, "the probe's prefix must be its own")
            // Not beside the query: two programs that spin for the same cores take ten times as long.
            let foresight = try await recording.foresight(one.probe)
            let (result, before, after, probeLines) = try await recording.withProbe(one.probe) { project in
                let probeLines = try one.probe.lineNumbers(in: project)
                let before = try project.contents()
                let result = try await project.hindsight(["query", "--format", "jsonl"] + one.probe.files)
                return (result, before, try project.contents(), probeLines)
            }
            #expect(result.status == 0, "\(result.errorText)")
            #expect(before == after, "the query changed the project")
            Self.check(try AnswerLine.parse(result), of: one, against: foresight, lines: probeLines)
        }

        @Test("a probe typed into an editor equals foresight", arguments: Case.all)
        func editor(case one: Case) async throws {
            let recording = try await RecordedProgram.of(one.program)
            // Not beside the query: two programs that spin for the same cores take ten times as long.
            let foresight = try await recording.foresight(one.probe)
            let (hits, before, after, probeLines) = try await recording.withProject { project in
                let before = try project.contents()
                let (hits, lines) = try await WholeSystem.onAThread {
                    try Self.typed(one.probe, into: project)
                }
                return (hits, before, try project.contents(), lines)
            }
            #expect(before == after, "the server changed the project")
            Self.check(hits, of: one, against: foresight, lines: probeLines)
        }

        /// Types a probe into open buffers and returns what was replayed for them.
        private static func typed(
            _ probe: Probe, into project: Project
        ) throws -> (hits: [AnswerLine], lines: [String: Set<Int>]) {
            let client = try EditorClient(directory: project.folder.path, environment: Command.environment)
            try client.initialize(root: project.folder.path)
            for file in probe.files { try client.open(project.path(file)) }
            var lines: [String: Set<Int>] = [:]
            for file in probe.files {
                let edited = try probe.edited(project.read(file), file: file)
                client.change(project.path(file), to: edited.text)
                lines[file] = edited.lines
            }
            var hits: [AnswerLine] = []
            for file in probe.files {
                let values = try client.completeValues(project.path(file), settled: true)
                hits += try JSONDecoder().decode(
                    [AnswerLine].self, from: JSONEncoder().encode(values["hits"] ?? []))
            }
            try client.shutDown()
            return (hits.filter { $0.source == "replayed" }, lines)
        }

        /// Compares an answer with the truth, line by line.
        static func check(
            _ hits: [AnswerLine], of one: Case, against foresight: [String],
            lines probeLines: [String: Set<Int>],
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let texts = hits.flatMap {
                $0.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            }
            #expect(
                !foresight.isEmpty, "the probe writes nothing even in foresight",
                sourceLocation: sourceLocation)
            #expect(texts.count == foresight.count, sourceLocation: sourceLocation)
            if let first = zip(texts, foresight).enumerated().first(where: { $0.element.0 != $0.element.1 }) {
                Issue.record(
                    """
                    value \(first.offset) differs
                    hindsight: \(first.element.0)
                    foresight: \(first.element.1)
                    """, sourceLocation: sourceLocation)
            }
            let verdicts = Dictionary(grouping: hits, by: \.verdict).mapValues(\.count)
            #expect(
                Set(verdicts.keys).isSubset(of: ["exact"]), "verdicts: \(verdicts)",
                sourceLocation: sourceLocation)
            #expect(hits.allSatisfy { $0.verified }, sourceLocation: sourceLocation)
            #expect(
                hits.allSatisfy { probeLines[$0.file]?.contains($0.line) ?? false },
                "a hit names a line that is not the probe's", sourceLocation: sourceLocation)
            checkCoordinates(hits, of: one.probe, sourceLocation)
        }

        private static func checkCoordinates(
            _ hits: [AnswerLine], of probe: Probe, _ sourceLocation: SourceLocation
        ) {
            guard let levels = probe.iterations else {
                #expect(hits.allSatisfy { !$0.iteration.isEmpty }, sourceLocation: sourceLocation)
                return
            }
            #expect(
                hits.allSatisfy { $0.iteration.map(\.loop) == levels.map(\.loop) },
                "loops: \(Set(hits.map { $0.iteration.map(\.loop) }))", sourceLocation: sourceLocation)
            let indexes = hits.map { $0.iteration.map(\.index) }
            #expect(
                zip(indexes, indexes.dropFirst()).allSatisfy { !$1.lexicographicallyPrecedes($0) },
                "the hits are not in the order of the iterations", sourceLocation: sourceLocation)
            for (depth, level) in levels.enumerated() {
                let seen = Set(indexes.compactMap { $0.indices.contains(depth) ? $0[depth] : nil })
                if probe.sparse == true {
                    #expect(
                        seen.isSubset(of: Set(0..<level.count)), "\(level.loop): \(seen)",
                        sourceLocation: sourceLocation)
                } else {
                    #expect(
                        seen == Set(0..<level.count), "\(level.loop): \(seen)", sourceLocation: sourceLocation
                    )
                }
            }
        }
    }
}

extension Probe {
    /// Which lines of the project's files, as they are now with this probe in them, are the probe's.
    func lineNumbers(in project: Project) throws -> [String: Set<Int>] {
        var numbers: [String: Set<Int>] = [:]
        for file in files {
            let lines = try project.read(file).split(separator: "\n", omittingEmptySubsequences: false)
            let own = Set(insertions.filter { $0.file == file }.flatMap(\.lines))
            numbers[file] = Set(lines.indices.filter { own.contains(String(lines[$0])) }.map { $0 + 1 })
        }
        return numbers
    }
}
