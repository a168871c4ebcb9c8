import Foundation
import HindsightCore
import PythonSource
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

    /// The outermost loops around these probes, where the program comes to them once and to none of the probes
    /// anywhere else; nil where that is not certain.
    func loopsEnteredOnce(around match: SourceMatch) -> Set<LoopID>? {
        let probes = match.files.flatMap(\.probes)
        // What may come to a probe from elsewhere, the analysis of the source tells.
        guard Set(match.execute).isSubset(of: Set(probes.flatMap(\.loops))),
            let main = sources.first(where: { $0.module == "__main__" })?.path
        else { return nil }
        var loops: Set<LoopID> = []
        for probe in probes {
            // Other modules may be loaded again, and functions called from anywhere.
            guard probe.atModuleLevel, let loop = probe.loops.first, loop.path == main else { return nil }
            loops.insert(loop)
        }
        return loops
    }

    /// How many processors the program keeps busy: what PyTorch was set to, at most.
    private var threads: Int {
        switch run.fingerprint.facts["torch.threads"] {
        case .integer(let count): max(1, Int(count))
        // The values that it had one after the other.
        case .string(let text): text.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }.max() ?? 1
        default: 1
        }
    }

    /// How many workers may run it at a time: of a larger machine, one processor stays free.
    func workers(within limits: WorkerLimits) -> Int {
        if let workers = limits.workers { return max(1, workers) }
        let processors = ProcessInfo.processInfo.activeProcessorCount
        return max(1, (processors < 4 ? processors : processors - 1) / threads)
    }

    /// About as much memory as one more worker needs: a checkpoint, what it is filled into, and libraries.
    var workerBytes: Int { 2 * (history.checkpoints.map(\.size).max() ?? 0) + 512 << 20 }
}
