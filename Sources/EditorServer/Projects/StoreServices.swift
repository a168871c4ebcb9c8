import Foundation
import HindsightCore
import PythonSource
import RunStore

/// The real modules behind the server's seam.
public struct StoreServices: ProjectServices {
    private let store: String?

    /// - Parameter store: The store to use instead of each project's own.
    public init(store: String? = nil) { self.store = store }

    public func locate(from directory: String, store: String?) -> StoreLocation {
        Store.locate(from: directory, override: store ?? self.store)
    }

    public func archive(at location: StoreLocation) throws -> (any RunArchive)? {
        try Store.openExisting(location).map(StoreArchive.init)
    }
}

/// One store, with the analyzers of its runs' interpreters.
final class StoreArchive: RunArchive {
    let store: Store
    private let analyzers = AnalyzerPool()
    private let replayers: ReplayerPair
    private let registry = StoreRegistry.ofUser()

    init(store: Store) {
        self.store = store
        replayers = ReplayerPair(store: store)
    }

    /// Asked each time: the user may come to trust it while the server runs.
    private var isTrusted: Bool { registry.trusts(store) }

    /// The first Python on `PATH`: it only parses.
    private static var ownInterpreter: String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.flatMap { ["\($0)/python3", "\($0)/python"] }
            .first { $0.hasPrefix("/") && FileManager.default.isExecutableFile(atPath: $0) }
    }

    var exportDirectory: String { store.location.directory + "/exports" }

    /// The index and its log: whoever records writes to one of them.
    func stamp() -> String {
        let directory = store.location.directory
        return ["index.sqlite", "index.sqlite-wal"].map { file in
            let attributes = try? FileManager.default.attributesOfItem(atPath: directory + "/" + file)
            let modified = attributes?[.modificationDate] as? Date
            return "\(modified?.timeIntervalSince1970 ?? 0) \(attributes?[.size] as? Int ?? 0)"
        }.joined(separator: ", ")
    }

    func newestRun(loading path: String?) throws -> Run? { try store.newestRun(loading: path) }

    func run(_ id: RunID) throws -> Run { try store.run(matching: id.description) }

    func sources(of run: RunID) throws -> [RecordedSource] { try store.sources(of: run) }

    func logRecords(of run: RunID, from: Int) throws -> [LogRecord] {
        try store.logRecords(of: run, from: from, limit: nil)
    }

    func match(_ run: Run, recorded: [RecordedSource], edited: [SourceFile]) async throws -> SourceMatch {
        try await analyzers.analyzer(of: interpreter(of: run))
            .match(run, recorded: recorded, edited: edited)
    }

    /// The interpreter is named by the store; in a downloaded one it is whatever its maker liked.
    private func interpreter(of run: Run) throws -> String {
        guard let interpreter = isTrusted ? run.interpreter : Self.ownInterpreter else {
            throw StoreError.untrusted(directory: store.location.directory)
        }
        return interpreter
    }

    func expression(
        _ run: Run, in text: String, line: Int, column: Int
    ) async throws -> SourceExpression? {
        try await analyzers.analyzer(of: interpreter(of: run))
            .expression(in: text, line: line, column: column)
    }

    func estimate(_ question: ReplayQuestion) throws -> Double {
        try replayers.replayer(for: question).estimate(question.query).seconds
    }

    func prepare(for run: Run, limits: WorkerLimits) {
        replayers.replayer(isWeak: false, limits: limits).prepare(for: run)
    }

    func replay(_ question: ReplayQuestion) -> AsyncStream<ReplayUpdate> {
        guard isTrusted else {
            let refusal = "\(StoreError.untrusted(directory: store.location.directory))."
            return AsyncStream { continuation in
                continuation.yield(.failed(refusal.prefix(1).uppercased() + refusal.dropFirst()))
                continuation.finish()
            }
        }
        let events = replayers.replayer(for: question).replay(question.query)
        let (stream, continuation) = AsyncStream.makeStream(of: ReplayUpdate.self)
        let task = Task {
            for await event in events {
                for update in ReplayUpdate.updates(event) { continuation.yield(update) }
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }
}
