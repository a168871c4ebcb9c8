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
        // Reading a store starts the interpreter that it names, and replaying runs what it holds.
        if let owner = Self.owner(of: location.directory), owner != geteuid() {
            throw ForeignStore(directory: location.directory)
        }
        return try Store.openExisting(location).map(StoreArchive.init)
    }

    private static func owner(of path: String) -> uid_t? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.ownerAccountID] as? NSNumber)?.uint32Value
    }
}

/// Somebody else's store: nothing of it is run.
struct ForeignStore: Error, CustomStringConvertible {
    var directory: String

    var description: String {
        "the store \(directory) belongs to another user, so nothing in it is run; record the program yourself, "
            + "or name a store of your own in the setting hindsight.store"
    }
}

/// One store, with the analyzers of its runs' interpreters.
final class StoreArchive: RunArchive {
    let store: Store
    private let analyzers = AnalyzerPool()
    private let replayers: ReplayerPair

    init(store: Store) {
        self.store = store
        replayers = ReplayerPair(store: store)
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

    func newestRun(loading path: String) throws -> Run? { try store.newestRun(loading: path) }

    func run(_ id: RunID) throws -> Run { try store.run(matching: id.description) }

    func sources(of run: RunID) throws -> [RecordedSource] { try store.sources(of: run) }

    func logRecords(of run: RunID, from: Int) throws -> [LogRecord] {
        try store.logRecords(of: run, from: from, limit: nil)
    }

    func match(_ run: Run, recorded: [RecordedSource], edited: [SourceFile]) async throws -> SourceMatch {
        try await analyzers.analyzer(of: run.interpreter).match(run, recorded: recorded, edited: edited)
    }

    func estimate(_ question: ReplayQuestion) throws -> Double {
        try replayers.replayer(isWeak: question.allowsWeakSandbox).estimate(question.query).seconds
    }

    func replay(_ question: ReplayQuestion) -> AsyncStream<ReplayUpdate> {
        let events = replayers.replayer(isWeak: question.allowsWeakSandbox).replay(question.query)
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
