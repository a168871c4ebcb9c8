import Foundation
import HindsightCore
import RunStore

/// Everything that `show` tells about a run. Values of environment variables are never among it.
struct RunReport: Encodable {
    var run: String
    var name: String?
    var program: String
    var module: String?
    var command: [String]
    var interpreter: String
    var python: String
    var workingDirectory: String
    var root: String
    var processID: Int
    var started: Date
    var duration: Double
    var overhead: Double
    var budget: Double
    var status: String
    var exitCode: Int?
    var reason: String?
    var logRecords: Int
    var heldBytes: Int
    var writtenBytes: Int
    var loops: [Loop]
    var sources: [Source]
    /// What the program read, and what it wrote.
    var inputs: [File]
    var outputs: [File]
    /// Versions, thread counts, flags.
    var fingerprint: Fingerprint
    /// Names of environment variables that look like secrets and were not stored.
    var withheldVariables: [String]
    var notes: [String]

    struct Loop: Encodable {
        var loop: String
        var target: String
        /// Iterations that began, as far as milestones and checkpoints show it.
        var iterations: Int
        var checkpoints: Int
        var damaged: Int
    }

    struct Source: Encodable {
        var path: String
        var module: String
        var lines: Int
    }

    struct File: Encodable {
        /// Relative to the root where it lies below.
        var path: String
        var bytes: Int
        /// Whether a replay has what was in it: of an input, or of an output at some time.
        var isKept: Bool
        /// Of an input: whether it is still what the run read.
        var isUnchanged: Bool?
    }

    init(_ run: Run, in store: Store) throws {
        let details = try store.details(of: run.id)
        let counts = try store.counts()[run.id]
        let recorded = try store.sources(of: run.id)
        self.run = run.id.description
        name = run.name
        program = run.program
        module = run.module
        command = run.command
        interpreter = run.interpreter
        python = details.python
        workingDirectory = run.workingDirectory
        root = run.root
        processID = details.processID
        started = run.started
        duration = run.duration
        overhead = run.overhead
        budget = details.budget
        status = run.status.word
        exitCode = details.exitCode ?? run.status.exitCode
        reason = run.status.reason
        logRecords = counts?.logRecords ?? 0
        heldBytes = counts?.heldBytes ?? 0
        writtenBytes = counts?.writtenBytes ?? 0
        loops = try Self.loops(of: run.id, recorded, in: store)
        sources = recorded.map {
            Source(
                path: $0.path, module: $0.module,
                lines: $0.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).count
                    - ($0.text.last?.isNewline == true ? 1 : 0))
        }
        (inputs, outputs) = try Self.files(of: run, in: store)
        fingerprint = run.fingerprint
        withheldVariables = details.withheld
        notes = try store.notes(of: run.id)
    }

    private static func files(of run: Run, in store: Store) throws -> (inputs: [File], outputs: [File]) {
        let records = try store.files(of: run.id)
        let kept = Set(records.filter { $0.content != nil }.map(\.path))
        func file(_ record: FileRecord) -> File {
            let prefix = run.root + "/"
            return File(
                path: record.path.hasPrefix(prefix)
                    ? String(record.path.dropFirst(prefix.count)) : record.path,
                bytes: record.state.size, isKept: kept.contains(record.path),
                isUnchanged: record.kind == .input ? record.state.isSame(as: FileState(of: record.path)) : nil
            )
        }
        // The last that is known of each file that the run changed.
        let last = Dictionary(
            records.filter { $0.kind == .state || $0.kind == .end }.map { ($0.path, $0) },
            uniquingKeysWith: { $1 })
        let outputs = records.filter { $0.kind == .before }.compactMap { last[$0.path] }
        return (
            records.filter { $0.kind == .input }.map(file),
            outputs.filter { $0.state.kind == .file }.map(file)
        )
    }

    /// Loops of the sources, outer ones first as they stand in the text.
    private static func loops(of run: RunID, _ sources: [RecordedSource], in store: Store) throws -> [Loop] {
        var iterations: [LoopID: Int] = [:]
        func note(_ coordinate: Coordinate, _ kind: CheckpointKind) {
            for (depth, position) in coordinate.enumerated() {
                // At an exit the index already is a count; inside an iteration it is one less.
                let isExit = kind == .exit && depth == coordinate.count - 1
                let begun = position.index + (isExit || depth == coordinate.count - 1 ? 0 : 1)
                iterations[position.loop] = max(iterations[position.loop] ?? 0, begun)
            }
        }
        for milestone in try store.milestones(of: run) { note(milestone.coordinate, milestone.kind) }
        let checkpoints = try store.checkpoints(of: run)
        for checkpoint in checkpoints { note(checkpoint.coordinate, checkpoint.kind) }
        let byLoop = Dictionary(grouping: checkpoints) { $0.coordinate.last?.loop }
        return sources.flatMap(\.loops).map { loop in
            let own = byLoop[loop.id] ?? []
            return Loop(
                loop: loop.id.description, target: loop.target, iterations: iterations[loop.id] ?? 0,
                checkpoints: own.count, damaged: own.filter(\.isDamaged).count)
        }
    }
}
