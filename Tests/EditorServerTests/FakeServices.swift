import Foundation
import HindsightCore
import PythonSource
import RunStore

@testable import EditorServer

/// One project with one run of `train.py`, whose statements are compared line by line and whose replays the
/// test itself plays.
final class FakeServices: ProjectServices, @unchecked Sendable {
    static let source = """
        import math

        for epoch in range(3):
            loss = 1 / (epoch + 1)
            print("loss", loss)
        print("done")

        """

    let root: String
    let archive: FakeArchive?

    init(archive: FakeArchive? = FakeArchive()) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("editor-\(UUID())")
        try! FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        root = folder.resolvingSymlinksInPath().path
        self.archive = archive
        archive?.root = root
    }

    func locate(from directory: String, store: String?) -> StoreLocation {
        StoreLocation(root: root, directory: root + "/.hindsight")
    }

    func archive(at location: StoreLocation) throws -> (any RunArchive)? { archive }
}

final class FakeArchive: RunArchive, @unchecked Sendable {
    private let lock = NSLock()
    var root = ""
    private var replays: [AsyncStream<ReplayUpdate>.Continuation] = []
    private(set) var questions: [ReplayQuestion] = []
    private(set) var cancelledCount = 0
    private var matchCount = 0
    private var isHoldingMatches = false
    private var records: [LogRecord] = []
    private var version = 0
    private var newest = "7f3a"
    private var status = RunStatus.finished(exitCode: 0)
    var matchError: String?

    init() {
        records =
            (0..<3).map { index in
                LogRecord(
                    site: "train.py:5:4", text: "loss \(1 / Double(index + 1))", name: nil, value: .null,
                    iterations: [Iteration(loop: "epoch", index: index, value: .integer(index))],
                    order: OrderKey([1, index, 1]))
            } + [
                LogRecord(
                    site: "train.py:6:0", text: "done", name: nil, value: .null, iterations: [],
                    order: OrderKey([3]))
            ]
    }

    // MARK: - The test's side

    func setRecords(_ records: [LogRecord]) { lock.withLock { self.records = records } }

    /// A newer run appears.
    func recordAnother(_ id: String, status: RunStatus = .finished(exitCode: 0)) {
        lock.withLock {
            newest = id
            version += 1
            self.status = status
        }
    }

    /// The run goes on.
    func append(_ record: LogRecord) {
        lock.withLock {
            records.append(record)
            version += 1
        }
    }

    var replayCount: Int { lock.withLock { questions.count } }

    /// How many analyses were begun.
    var analysisCount: Int { lock.withLock { matchCount } }

    /// While set, analyses are begun and do not end.
    var holdsAnalyses: Bool {
        get { lock.withLock { isHoldingMatches } }
        set { lock.withLock { isHoldingMatches = newValue } }
    }

    /// Plays on in the newest replay, or in an earlier one.
    func yield(_ update: ReplayUpdate, in number: Int? = nil) {
        _ = lock.withLock { number.map { replays[$0] } ?? replays.last }?.yield(update)
    }

    /// A hit of the first probe of the newest replay, or of an earlier one.
    func hit(_ index: Int, _ text: String, _ verdict: Verdict = .exact, in number: Int? = nil) -> Hit {
        let question = lock.withLock { number.map { questions[$0] } ?? questions.last }!
        let probe = question.match.files.first { !$0.probes.isEmpty }!
        return Hit(
            file: probe.path, line: probe.probes[0].line, text: text,
            iterations: [Iteration(loop: "epoch", index: index, value: .integer(index))],
            order: OrderKey([1, index, 0, 0]), verdict: verdict)
    }

    // MARK: - The server's side

    func stamp() -> String { lock.withLock { "\(version)" } }

    func newestRun(loading path: String?) throws -> Run? {
        path == "train.py" ? try run(RunID(lock.withLock { newest })) : nil
    }

    func run(_ id: RunID) throws -> Run {
        Run(
            id: id, name: nil, program: "train.py", module: nil, command: ["python", "train.py"],
            interpreter: "/usr/bin/python3", workingDirectory: root, root: root, environment: [:],
            fingerprint: Fingerprint([:]), started: Date(timeIntervalSinceNow: -100), duration: 10,
            overhead: 0,
            status: lock.withLock { status })
    }

    func sources(of run: RunID) throws -> [RecordedSource] {
        let loop = RecordedLoop(id: LoopID("train.py:3:0"), line: 3, endLine: 5, target: "epoch")
        return [
            RecordedSource(path: "train.py", module: "__main__", text: FakeServices.source, loops: [loop])
        ]
    }

    func logRecords(of run: RunID, from: Int) throws -> [LogRecord] {
        Array(lock.withLock { records }.dropFirst(from))
    }

    func match(_ run: Run, recorded: [RecordedSource], edited: [SourceFile]) async throws -> SourceMatch {
        lock.withLock { matchCount += 1 }
        while lock.withLock({ isHoldingMatches }) { try await Task.sleep(for: .milliseconds(2)) }
        if let matchError { throw SourceAnalysisError(matchError) }
        let files = edited.map { file -> SourceMatch.File in
            var result = SourceMatch.File(path: file.path)
            guard !file.text.contains("(((") else {
                result.parsed = false
                return result
            }
            let known = ["    print(\"loss\", loss)": "train.py:5:4", "print(\"done\")": "train.py:6:0"]
            for (index, line) in file.text.components(separatedBy: "\n").enumerated() {
                let indent = line.prefix { $0 == " " }.utf8.count
                if let site = known[line] {
                    result.logs.append(
                        .init(
                            site: site, line: index + 1, endLine: index + 1, column: indent,
                            endColumn: line.utf8.count))
                } else if line.hasPrefix("for epoch in ") {
                    result.loops.append(
                        .init(
                            loop: LoopID("train.py:3:0"), line: index + 1, endLine: index + 1, target: "epoch"
                        ))
                } else if line.contains("print(") || line.contains("#?") {
                    let column = line.range(of: "#?").map {
                        line.utf8.distance(from: line.startIndex, to: $0.lowerBound)
                    }
                    result.probes.append(
                        .init(
                            id: "\(file.path):\(index + 1):\(indent)", line: index + 1, endLine: index + 1,
                            column: column ?? indent, endColumn: line.utf8.count, kind: .new, call: "print",
                            function: nil,
                            loops: [LoopID("train.py:3:0")], atModuleLevel: false, site: nil))
                } else if line.contains("learning_rate") {
                    result.changes.append(
                        .init(
                            line: index + 1, endLine: index + 1, kind: .training,
                            message: "The training differs."))
                }
            }
            return result
        }
        let groups = files.flatMap { file -> [SourceMatch.Group] in
            let lines = edited.first { $0.path == file.path }!.text.components(separatedBy: "\n")
            return file.probes.map { probe in
                let text = lines[probe.line - 1]
                // One that is not a statement of its own.
                let block = text.contains("if ") ? nil : "train.py 2"
                return SourceMatch.Group(key: text, probes: [probe.id], block: block, execute: [])
            }
        }
        return SourceMatch(
            files: files, fingerprint: groups.map(\.key).joined(separator: "\n"), execute: [], groups: groups)
    }

    /// Every `loss` is one, whatever it stands in.
    func expression(
        _ run: Run, in text: String, line: Int, column: Int
    ) async throws -> SourceExpression? {
        let lines = text.components(separatedBy: "\n")
        guard lines.indices.contains(line - 1), let range = lines[line - 1].range(of: "loss") else {
            return nil
        }
        let start = lines[line - 1].utf8.distance(from: lines[line - 1].startIndex, to: range.lowerBound)
        guard (start...start + 4).contains(column) else { return nil }
        return SourceExpression(
            expression: "loss", line: line, column: start, endLine: line, endColumn: start + 4,
            commentLine: line, commentColumn: lines[line - 1].utf8.count)
    }

    func estimate(_ question: ReplayQuestion) throws -> Double { 2 }

    func prepare(for run: Run, limits: WorkerLimits) {}

    func replay(_ question: ReplayQuestion) -> AsyncStream<ReplayUpdate> {
        let (stream, continuation) = AsyncStream.makeStream(of: ReplayUpdate.self)
        continuation.onTermination = { [self] reason in
            if case .cancelled = reason { lock.withLock { cancelledCount += 1 } }
        }
        lock.withLock {
            questions.append(question)
            replays.append(continuation)
        }
        return stream
    }

    var exportDirectory: String { root + "/.hindsight/exports" }
}
