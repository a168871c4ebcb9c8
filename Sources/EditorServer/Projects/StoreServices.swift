import Foundation
import HindsightCore
import PythonSource
import RunStore

/// The real modules behind the server's seam.
public struct StoreServices: ProjectServices {
    public init() {}

    public func locate(from directory: String, store: String?) -> StoreLocation {
        Store.locate(from: directory, override: store)
    }

    public func archive(at location: StoreLocation) throws -> (any RunArchive)? {
        try Store.openExisting(location).map(StoreArchive.init)
    }
}

/// One store, with the analyzers of its runs' interpreters.
final class StoreArchive: RunArchive {
    let store: Store
    private let analyzers = AnalyzerPool()

    init(store: Store) { self.store = store }

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

    func newestRun(loading path: String) throws -> Run? { try store.newestRun(loading: path) }

    func run(_ id: RunID) throws -> Run { try store.run(matching: id.description) }

    func sources(of run: RunID) throws -> [RecordedSource] { try store.sources(of: run) }

    func logRecords(of run: RunID, from: Int) throws -> [LogRecord] {
        try store.logRecords(of: run, from: from, limit: nil)
    }

    func match(_ run: Run, recorded: [RecordedSource], edited: [SourceFile]) async throws -> SourceMatch {
        try await analyzers.analyzer(of: run.interpreter).match(run, recorded: recorded, edited: edited)
    }

    func estimate(_ question: ReplayQuestion) throws -> Double { 0 }

    func replay(_ question: ReplayQuestion) -> AsyncStream<ReplayUpdate> {
        AsyncStream { continuation in
            continuation.yield(.failed("Replay is not available."))
            continuation.finish()
        }
    }
}
