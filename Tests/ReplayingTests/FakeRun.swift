import Foundation
import HindsightCore
import PythonSource
import RunStore

@testable import Replaying

/// A project with a recorded run of what the fake worker pretends to run, in a folder of its own.
final class FakeRun {
    static let epoch = LoopID("train.py:5:0")
    static let step = LoopID("train.py:7:4")

    enum Place: Hashable {
        case epoch(Int)
        case step(Int, Int)
        case stepExit(Int)
        case epochExit
    }

    let root: String
    let store: Store
    let run: Run

    /// - Parameters:
    ///   - stepSeconds: what the run noted that a step had taken.
    ///   - tailSeconds: and what followed upon the steps of an epoch.
    init(
        checkpointsAt places: [Place], fake: String = "", status: RunStatus = .finished(exitCode: 0),
        stepSeconds: Double = 1, tailSeconds: Double = 0
    ) throws {
        root = NSTemporaryDirectory() + "hindsight-replay-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        try "recorded".write(toFile: root + "/train.py", atomically: true, encoding: .utf8)
        let interpreter = root + "/python"
        try fakeWorker.write(toFile: interpreter, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: interpreter)
        store = try Store.open(StoreLocation(root: root, directory: root + "/.hindsight"))
        let writer = try store.writer(
            for: NewRun(
                program: "train.py", command: ["python", "train.py"], interpreter: interpreter,
                workingDirectory: root, root: root,
                environment: ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "", "FAKE": fake],
                python: "3.11", processID: 1))
        writer.set(Fingerprint(["python": .string("3.11")]))
        writer.add(
            RecordedSource(
                path: "train.py", module: "__main__", text: "recorded",
                loops: [
                    RecordedLoop(id: Self.epoch, line: 5, endLine: 12, target: "epoch"),
                    RecordedLoop(id: Self.step, line: 7, endLine: 10, target: "step"),
                ]))
        try Self.record(places, writer, stepSeconds: stepSeconds, tailSeconds: tailSeconds)
        try writer.finish(status)
        run = try store.run(matching: writer.run.description)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    private static func record(
        _ places: [Place], _ writer: RunWriter, stepSeconds: Double, tailSeconds: Double
    ) throws {
        var number = 0
        var elapsed = stepSeconds
        func pass(_ place: Place, _ kind: CheckpointKind, _ at: Coordinate, _ key: [Int], _ x: Int) throws {
            writer.add(Milestone(kind: kind, coordinate: at, order: OrderKey(key), elapsed: elapsed))
            guard places.contains(place) else { return }
            let state = Array(String(x).utf8)
            _ = try state.withUnsafeBytes { bytes in
                try writer.save(
                    NewCheckpoint(
                        number: number, kind: kind, coordinate: at, order: OrderKey(key), elapsed: elapsed,
                        layout: "l", logs: 0, entropy: 0), state: [bytes], released: {})
            }
            number += 1
        }
        for e in 0..<4 {
            let outer = LoopPosition(loop: epoch, occurrence: 0, index: e)
            try pass(.epoch(e), .boundary, [outer], [1, e], e * 3)
            for s in 0..<3 {
                let inner = LoopPosition(loop: step, occurrence: 0, index: s)
                try pass(.step(e, s), .boundary, [outer, inner], [1, e, 1, s], e * 3 + s)
                elapsed += stepSeconds
            }
            let inner = LoopPosition(loop: step, occurrence: 0, index: 3)
            try pass(.stepExit(e), .exit, [outer, inner], [1, e, 1, 3], e * 3 + 3)
            elapsed += tailSeconds
            writer.add(
                LogRecord(
                    site: "train.py:11:4", text: "loss \(e)", name: nil, value: .null,
                    iterations: [Iteration(loop: "epoch", index: e, value: .integer(e))],
                    order: OrderKey([1, e, 3])))
        }
        let end = LoopPosition(loop: epoch, occurrence: 0, index: 4)
        try pass(.epochExit, .exit, [end], [1, 4], 12)
        writer.add(
            LogRecord(
                site: "train.py:13:0", text: "done", name: nil, value: .null, iterations: [],
                order: OrderKey([3])))
    }

    /// Probes at these lines of the fake program: 3 before the loops, 8 in the inner one, 11 in the outer
    /// one, 14 after both.
    func query(_ lines: [Int], iterations: String? = nil) throws -> HindsightQuery {
        var execute: Set<LoopID> = []
        var probes: [SourceMatch.Probe] = []
        for line in lines {
            let loops = line == 8 ? [Self.epoch, Self.step] : line == 11 ? [Self.epoch] : []
            execute.formUnion(loops)
            probes.append(
                .init(
                    id: "train.py:\(line):8", line: line, endLine: line, column: 8, endColumn: 20, kind: .new,
                    call: "print", function: nil, loops: loops, atModuleLevel: false, site: nil))
        }
        return HindsightQuery(
            run: run,
            match: SourceMatch(
                files: [.init(path: "train.py", probes: probes)], fingerprint: "\(lines)",
                execute: Array(execute),
                groups: probes.map {
                    SourceMatch.Group(key: "group \($0.line)", probes: [$0.id], execute: $0.loops)
                }),
            edited: [
                SourceFile(path: "train.py", text: lines.map { "probe\($0)" }.joined(separator: " "))
            ],
            iterations: try iterations.map { try IterationSelection(parsing: $0) })
    }
}

/// What came out of a replay.
struct Answer {
    var hits: [Hit] = []
    var notes: [String] = []
    /// Where workers said that they begin.
    var beginnings: [String] = []
    var plans: [Plan] = []
    var restarts = 0
    var replacements = 0
    var failure: ReplayFailure?
    var isComplete = false
    var isFinished = false

    init(_ stream: AsyncStream<ReplayEvent>) async {
        for await event in stream {
            switch event {
            case .planned(let plan): plans.append(plan)
            case .hits(let new): hits += new
            case .verdicts(let updates):
                for update in updates {
                    for index in hits.indices
                    where hits[index].order == update.order && hits[index].line == update.line {
                        hits[index].verdict = update.verdict
                    }
                }
            case .progress: break
            case .note(let text):
                if text.hasPrefix("begins at ") {
                    beginnings.append(String(text.dropFirst("begins at ".count)))
                } else {
                    notes.append(text)
                }
            case .probeFailed(let file, let line, let message): notes.append("\(file):\(line) \(message)")
            case .limited(let file, let line, let count): notes.append("\(file):\(line) gave \(count)")
            case .restarted:
                restarts += 1
                hits.removeAll()
            case .complete: isComplete = true
            case .replaced(let new):
                replacements += 1
                hits = new
            case .finished: isFinished = true
            case .failed(let failure): self.failure = failure
            }
        }
        // Several workers tell in any order.
        hits.sort { $0.order < $1.order }
    }

    var texts: [String] { hits.map(\.text) }
    var verdicts: Set<String> { Set(hits.map(\.verdict.name)) }
}
