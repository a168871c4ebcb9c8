import HindsightCore
import Replaying
import RunStore
import Synchronization

/// The replayers of a store: one that insists on a sandbox, one for users who agreed to less. Other limits are
/// others' business: what is replayed then goes on under those it began with.
final class ReplayerPair: Sendable {
    private let store: Store
    private let present: Mutex<Pair>

    private struct Pair {
        let limits: WorkerLimits
        let strict: Replayer
        let weak: Replayer

        init(store: Store, limits: WorkerLimits) {
            self.limits = limits
            strict = Replayer(
                store: store,
                settings: ReplaySettings(sandbox: .required, keepsStandingWorker: true, limits: limits))
            weak = Replayer(store: store, settings: ReplaySettings(sandbox: .allowWeak, limits: limits))
        }
    }

    init(store: Store) {
        self.store = store
        present = Mutex(Pair(store: store, limits: WorkerLimits()))
    }

    func replayer(isWeak: Bool, limits: WorkerLimits) -> Replayer {
        present.withLock { present in
            if present.limits != limits { present = Pair(store: store, limits: limits) }
            return isWeak ? present.weak : present.strict
        }
    }

    func replayer(for question: ReplayQuestion) -> Replayer {
        replayer(isWeak: question.allowsWeakSandbox, limits: question.limits)
    }
}

extension ReplayQuestion {
    var query: HindsightQuery {
        HindsightQuery(
            run: run, match: match, edited: edited, iterations: iterations,
            limit: limit ?? HindsightQuery.usualLimit,
            mayUseStandingWorker: mayUseStandingWorker)
    }
}

extension ReplayUpdate {
    /// What an event means to the server.
    static func updates(_ event: ReplayEvent) -> [ReplayUpdate] {
        switch event {
        case .planned(let plan): [.began(seconds: plan.estimate.seconds)]
        case .hits(let hits): [.hits(hits)]
        case .verdicts(let updates): [.verdicts(updates)]
        case .progress(let progress): [.progress(fraction: progress.fraction, message: message(progress))]
        case .note(let sentence): [.note(sentence)]
        case .probeFailed(let file, let line, let message):
            [.probeFailed(file: file, line: line, message: message)]
        case .limited(let file, let line, let count): [.limited(file: file, line: line, count: count)]
        case .restarted: [.restarted]
        case .complete: [.complete]
        case .replaced(let hits): [.replaced(hits)]
        case .finished: [.finished]
        case .failed(let failure):
            // What the program wrote helps whoever looks for the reason, but not in a message box.
            (failure.output.isEmpty ? [] : [.note(failure.output.joined(separator: "\n"))])
                + [.failed(failure.description)]
        }
    }

    private static func message(_ progress: ReplayProgress) -> String {
        let left = "about \(NumberText.duration(progress.secondsLeft)) left"
        let place =
            progress.coordinate.first.map { outermost in
                "iteration \(outermost.index + 1)" + (progress.iterations.map { " of \($0)" } ?? "") + ", "
            } ?? ""
        return switch progress.phase {
        case .starting: "starting the program"
        case .replaying: place + left
        case .checking: "checking, " + left
        }
    }
}
