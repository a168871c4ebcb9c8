import Foundation
import HindsightCore
import PythonSource
import RunStore
import Synchronization

/// Answers queries by replaying runs in sandboxed workers.
///
/// Everything blocks on threads of its own; the streams may be consumed from anywhere.
public final class Replayer: Sendable {
    let store: Store
    let settings: ReplaySettings
    private let materials = Mutex<[RunID: RecordedMaterial]>([:])
    /// Whether this system refused the sandbox before.
    let sandboxRefused = Mutex(false)
    let workers: WorkerStart
    let standing: StandingWorkers
    let slots: WorkerSlots

    public init(store: Store, settings: ReplaySettings = ReplaySettings()) {
        self.store = store
        self.settings = settings
        let workers = WorkerStart(store: store, settings: settings)
        self.workers = workers
        slots = WorkerSlots()
        standing = StandingWorkers(settings: settings) { try workers.standing(for: $0, refused: $1) }
    }

    /// Starts a worker that will stand at the run's main loop when the first query comes, where the settings
    /// allow one. Returns at once.
    public func prepare(for run: Run) {
        guard settings.keepsStandingWorker else { return }
        Thread.detachNewThread { [weak self] in
            guard let self, let material = try? material(of: run) else { return }
            standing.worker(for: material)
        }
    }

    /// Replays what the query needs. To cancel, stop iterating or cancel the iterating task: the workers'
    /// whole process trees are killed at once.
    public func replay(_ query: HindsightQuery) -> AsyncStream<ReplayEvent> {
        let cancellation = Cancellation()
        let (stream, continuation) = AsyncStream.makeStream(of: ReplayEvent.self)
        continuation.onTermination = { _ in cancellation.kill() }
        let thread = Thread { [self] in
            do {
                if query.iterations != nil { try query.checkLoops(of: material(of: query.run)) }
                if let kept = try keptAnswer(query) {
                    continuation.yield(.hits(kept))
                    continuation.yield(.finished)
                    return continuation.finish()
                }
                let task = QueryReplay(
                    replayer: self, query: query, material: try material(of: query.run),
                    cancellation: cancellation, emit: { continuation.yield($0) })
                try task.run()
            } catch let failure as ReplayFailure {
                if !cancellation.isCancelled { continuation.yield(.failed(failure)) }
            } catch {
                if !cancellation.isCancelled { continuation.yield(.failed(ReplayFailure("\(error)"))) }
            }
            continuation.finish()
        }
        thread.name = "hindsight replay"
        // A plan's recursion is as deep as the loops; decoding JSON wants more than the default.
        thread.stackSize = 4 << 20
        thread.start()
        return stream
    }

    /// What a replay of this query would cost, from the recorded times. Blocks on the store.
    public func estimate(_ query: HindsightQuery) throws -> PlanEstimate {
        try query.planner(for: material(of: query.run), unusable: []).plan(selection: query.iterations)
            .estimate
    }

    func material(of run: Run) throws -> RecordedMaterial {
        if let known = materials.withLock({ $0[run.id] }) { return known }
        let material = try RecordedMaterial(of: run, in: store)
        // A run in progress grows; and two runs are as many as anybody looks at.
        if run.status != .running {
            materials.withLock { known in
                if known.count >= 2 { known.removeAll() }
                known[run.id] = material
            }
        }
        return material
    }

    func forget(_ run: RunID) { materials.withLock { _ = $0.removeValue(forKey: run) } }
}

extension HindsightQuery {
    /// Throws where iterations are asked for of a loop that the run does not have.
    func checkLoops(of material: RecordedMaterial) throws {
        let unknown = iterations?.names(unknownAmong: material.loops.map(\.target)) ?? []
        guard let name = unknown.first else { return }
        let known = material.loops.map(\.target).reduce(into: [String]()) { known, target in
            if !known.contains(target) { known.append(target) }
        }
        throw ReplayFailure(
            "Run \(run.id) has no loop over '\(name)'. Its loops: \(known.joined(separator: "; ")).")
    }

    func planner(for material: RecordedMaterial, unusable: Set<Int>) -> Planner {
        Planner(
            history: material.history, loops: material.loops, execute: Set(match.execute),
            probeLoops: match.files.flatMap { $0.probes.map(\.loops) },
            confinedTo: material.loopsEnteredOnce(around: match),
            continuous: Set(match.continuous), unusable: unusable)
    }
}
