import Foundation
import HindsightCore

/// Follows one plan with several workers at a time, each on a stretch of it.
///
/// The first begins where the program does, the second with the last stretch, so that the first and the last
/// values come first. Then whoever is free takes over the second half of what has most left: values come from
/// coarse to fine, and no worker is idle before all are. Each goes on a little behind its stretch, which shows
/// whether values read off the checkpoint there are those that execution leads to.
final class DividedPass {
    enum Outcome {
        /// `again`: findings of the result that another worker has executed as well.
        case completed(PassResult, again: [Finding])
        case cancelled
        /// One worker must do it, or none can: how a stretch ended.
        case abandoned(ReplayPass.Outcome, isForked: Bool)
    }

    private enum Message: Sendable {
        case hits([Hit])
        case settled([(number: Int, verdict: Verdict)])
        case progress(ReplayProgress)
        case note(String)
        case probeFailed(file: String, line: Int, message: String)
        case completed(PassResult, behind: [Finding])
        case ended(ReplayPass.Outcome, isForked: Bool)
        case failed(ReplayFailure)
    }

    private struct Running {
        var stretch: Stretch
        /// How often its worker was replaced.
        var deaths = 0
    }

    private let division: Division
    private let query: HindsightQuery
    private let isPreview: Bool
    private let material: RecordedMaterial
    private let runner: PassRunner
    /// Whether a worker stands ready, so that one more costs next to nothing.
    private let isWarm: Bool
    private let slots: WorkerSlots
    /// How many may be busy at a time.
    private let workers: Int
    /// Of the whole query.
    private let cancellation: Cancellation
    /// Of this pass alone.
    private let abandoning = Cancellation()
    private let mailbox = Mailbox<(OrderKey, Message)>()
    private var running: [OrderKey: Running] = [:]
    private var completed: [(stretch: Stretch, result: PassResult, behind: [Finding])] = []
    private var abandonment: (outcome: ReplayPass.Outcome, isForked: Bool)?
    private var hitCount = 0
    private var nextLook = Date.distantPast
    private var hasLast = false

    init(
        _ division: Division, of query: HindsightQuery, isPreview: Bool, material: RecordedMaterial,
        runner: PassRunner, slots: WorkerSlots, workers: Int, cancellation: Cancellation
    ) {
        self.division = division
        self.query = query
        self.isPreview = isPreview
        self.material = material
        self.runner = runner
        isWarm = runner.hasStandingWorker(for: division.whole)
        self.slots = slots
        self.workers = workers
        self.cancellation = cancellation
    }

    /// Seconds of the run for which another worker is worth its start.
    private var worthwhile: Double {
        isWarm ? Self.forkSeconds : division.startSeconds + Self.processSeconds
    }

    /// A fork, its probes, and a checkpoint.
    private static let forkSeconds = 0.12
    /// What is shorter holds no iteration.
    private static let leastSeconds = 0.02
    /// So long the first worker has the machine for itself: somebody waits for the first value.
    private static let headStart = 0.02
    /// What is done within this time needs nobody for its last value alone.
    private static let soon = 2.0
    /// What starting a process costs besides what the program does at its start.
    private static let processSeconds = 1.0

    /// Whether there is enough to do for two workers, and room for them.
    ///
    /// - Parameter isCaptureVerified: whether it is known of the run that checkpoints hold what is needed to go
    ///   on; else that must come out on the way, or the values could not be believed.
    func isWorthwhile(isCaptureVerified: Bool) -> Bool {
        guard workers > 1,
            let cut = division.cut(
                after: OrderKey([]), before: nil, position: division.startSeconds, worth: worthwhile)
        else { return false }
        return isCaptureVerified || division.lastCheck.map { cut.order < $0 } ?? false
    }

    /// Blocks until every stretch is done.
    ///
    /// - Parameters:
    ///   - feed: hears hits and verdicts as they come.
    ///   - emit: hears everything else.
    func run(_ feed: inout AnswerFeed, emit: (ReplayEvent) -> Void) throws -> Outcome {
        cancellation.add(abandoning)
        defer { cancellation.remove(abandoning) }
        slots.take()
        start(Stretch(from: nil, to: nil))
        // Of what is there at once, nobody looks at the first value alone.
        if isWarm, !isPreview { nextLook = Date(timeIntervalSinceNow: Self.headStart) }
        var failure: ReplayFailure?
        while !running.isEmpty {
            if abandonment == nil, failure == nil { startMore() }
            for (begin, message) in mailbox.take(timeout: 0.02) {
                // What comes of those that were given up is of no interest, but for their end.
                let isAbandoned = abandonment != nil || failure != nil
                switch message {
                case .hits(let hits) where !isAbandoned:
                    hitCount += hits.count
                    feed.add(hits, of: begin)
                case .settled(let verdicts) where !isAbandoned:
                    feed.settle(verdicts.lazy.map { ($0.number, $0.verdict) }, of: begin)
                case .progress(let progress) where !isAbandoned:
                    emit(.progress(overall(progress)))
                case .note(let text) where !isAbandoned: emit(.note(text))
                case .probeFailed(let file, let line, let message) where !isAbandoned:
                    emit(.probeFailed(file: file, line: line, message: message))
                case .hits, .settled, .progress, .note, .probeFailed: break
                case .completed(let result, let behind):
                    finish(begin).map { completed.append(($0.stretch, result, behind)) }
                case .ended(let outcome, let isForked):
                    end(begin, outcome, isForked: isForked, isAbandoned: isAbandoned, &feed)
                case .failed(let error):
                    finish(begin)
                    failure = failure ?? error
                    abandonRest()
                }
            }
        }
        if let failure { throw failure }
        if cancellation.isCancelled { return .cancelled }
        if let abandonment {
            return .abandoned(abandonment.outcome, isForked: abandonment.isForked)
        }
        return joined
    }

    private var joined: Outcome {
        let ordered = completed.sorted { $0.stretch.begin < $1.stretch.begin }
        let result = PassResult(joining: ordered.map(\.result), of: division.whole)
        return .completed(result, again: ordered.flatMap(\.behind))
    }

    // MARK: - Starting

    /// Gives free processors something to do.
    private func startMore() {
        let now = Date()
        guard now >= nextLook else { return }
        nextLook = now.addingTimeInterval(Self.lookInterval)
        // More hits than are kept need no haste, and each stretch keeps as many.
        while hitCount <= query.limit, SystemMemory.hasRoom(for: material.workerBytes),
            slots.takeFree(of: workers)
        {
            guard let stretch = takenOver else {
                slots.giveBack()
                return
            }
            start(stretch)
        }
    }

    private static let lookInterval = 0.02

    /// A stretch that another worker leaves to a new one.
    private var takenOver: Stretch? {
        let worth = worthwhile
        if !hasLast, isWarm {
            // What the user looks for at the end of a run is its last value.
            hasLast = true
            let end = division.whole.estimate.seconds
            if end - division.startSeconds > Self.soon,
                let last = division.cuts.last(where: { end - $0.seconds > Self.leastSeconds }),
                last.seconds > division.startSeconds + 2 * worth, let stretch = leave(from: last)
            {
                return stretch
            }
        }
        let candidates = running.values.map { running in
            (
                running.stretch,
                left: seconds(of: running.stretch.upper)
                    - division.seconds(before: running.stretch.position)
            )
        }
        for (stretch, _) in candidates.sorted(by: { $0.left > $1.left }) {
            let position = stretch.position
            let cut = division.cut(
                after: position, before: stretch.upper?.order,
                position: max(division.seconds(before: position), division.startSeconds), worth: worth)
            if let cut, let rest = leave(from: cut) { return rest }
        }
        return nil
    }

    private func seconds(of cut: Cut?) -> Double { cut?.seconds ?? division.whole.estimate.seconds }

    /// The part behind a cut of the stretch in which that lies.
    private func leave(from cut: Cut) -> Stretch? {
        for running in running.values {
            let end = running.stretch.upper
            guard running.stretch.begin < cut.order, end.map({ cut.order < $0.order }) ?? true else {
                continue
            }
            return running.stretch.leave(from: cut) ? Stretch(from: cut, to: end) : nil
        }
        return nil
    }

    private func start(_ stretch: Stretch) {
        running[stretch.begin] = Running(stretch: stretch)
        follow(stretch)
    }

    /// Follows a stretch on a thread of its own.
    private func follow(_ stretch: Stretch) {
        let (division, query, isPreview, material) = (division, query, isPreview, material)
        let (runner, abandoning, mailbox) = (runner, abandoning, mailbox)
        let thread = Thread {
            let plan = stretch.lower.map { division.plan(from: $0) } ?? division.whole
            var pass = ReplayPass(
                plan: plan, material: material, limit: query.limit, stretch: stretch,
                control: isPreview ? nil : ControlFile.Task(saving: query), isPreview: isPreview)
            do {
                let (outcome, isForked) = try runner.follow(&pass, for: query, cancellation: abandoning) {
                    event, pass in
                    if let message = Self.message(event, pass) { mailbox.put((stretch.begin, message)) }
                }
                if case .completed = outcome {
                    mailbox.put(
                        (stretch.begin, .completed(PassResult(of: pass), behind: pass.findingsBehind)))
                } else {
                    mailbox.put((stretch.begin, .ended(outcome, isForked: isForked)))
                }
            } catch let failure as ReplayFailure {
                mailbox.put((stretch.begin, .failed(failure)))
            } catch {
                mailbox.put((stretch.begin, .failed(ReplayFailure("\(error)"))))
            }
        }
        thread.name = "hindsight stretch"
        thread.stackSize = 4 << 20
        thread.start()
    }

    private static func message(_ event: ReplayPass.Event, _ pass: borrowing ReplayPass) -> Message? {
        switch event {
        case .whole: nil
        case .hits(let numbers): .hits(Array(pass.hits[numbers]))
        case .settled(let numbers): .settled(pass.verdicts(settled: numbers))
        case .progress(let progress): .progress(progress)
        case .note(let text): .note(text)
        case .probeFailed(let file, let line, let message):
            .probeFailed(file: file, line: line, message: message)
        }
    }

    // MARK: - Ending

    @discardableResult
    private func finish(_ begin: OrderKey) -> Running? {
        guard let ended = running.removeValue(forKey: begin) else { return nil }
        slots.giveBack()
        nextLook = .distantPast
        return ended
    }

    private func end(
        _ begin: OrderKey, _ outcome: ReplayPass.Outcome, isForked: Bool, isAbandoned: Bool,
        _ feed: inout AnswerFeed
    ) {
        if case .died = outcome, !isAbandoned, let ended = running[begin], ended.deaths == 0,
            !cancellation.isCancelled
        {
            // Another one does the same again; what the dead one told may have been wrong.
            runner.noteDeath(isForked: isForked)
            feed.withdraw(begin)
            let renewed = ended.stretch.renewed
            running[begin] = Running(stretch: renewed, deaths: 1)
            return follow(renewed)
        }
        finish(begin)
        guard !isAbandoned else { return }
        abandonment = (outcome, isForked)
        abandonRest()
    }

    /// Ends all that still run: their threads tell when they have.
    private func abandonRest() { abandoning.kill() }

    private func overall(_ latest: ReplayProgress) -> ReplayProgress {
        let whole = max(division.whole.estimate.seconds, 0.001)
        let left = running.values.reduce(0) { left, running in
            left
                + max(
                    0,
                    seconds(of: running.stretch.upper) - division.seconds(before: running.stretch.position))
        }
        var progress = latest
        progress.fraction = max(0, min(1, 1 - left / whole))
        progress.secondsLeft = left / Double(max(1, running.count))
        return progress
    }
}
