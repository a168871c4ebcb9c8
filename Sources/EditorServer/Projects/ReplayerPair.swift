import HindsightCore
import Replaying
import RunStore

/// The replayers of a store: one that insists on a sandbox, one for users who agreed to less.
struct ReplayerPair: Sendable {
    private let strict: Replayer
    private let weak: Replayer

    init(store: Store) {
        strict = Replayer(
            store: store, settings: ReplaySettings(sandbox: .required, keepsStandingWorker: true))
        weak = Replayer(store: store, settings: ReplaySettings(sandbox: .allowWeak))
    }

    func replayer(isWeak: Bool) -> Replayer { isWeak ? weak : strict }
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
