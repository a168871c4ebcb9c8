import HindsightCore
import RunStore

/// Everything of a run that replaying it needs, read once.
struct RecordedMaterial: Sendable {
    var run: Run
    var details: RunDetails
    var sources: [RecordedSource]
    var records: [LogRecord]
    var entropy: [EntropyRecord]
    var initialStates: [String: String]
    var history: LoopHistory
    var files: [FileRecord]

    init(of run: Run, in store: Store) throws {
        self.run = run
        details = try store.details(of: run.id)
        sources = try store.sources(of: run.id)
        // For a run in progress: read before the records, so that the horizon is never ahead of them.
        history = LoopHistory(
            checkpoints: try store.checkpoints(of: run.id), milestones: try store.milestones(of: run.id))
        files = try store.files(of: run.id)
        records = try store.logRecords(of: run.id)
        entropy = try store.entropy(of: run.id)
        initialStates = try store.initialStates(of: run.id)
    }

    var loops: [RecordedLoop] { sources.flatMap(\.loops) }
}
