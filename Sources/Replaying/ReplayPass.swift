import CHindsightSystem
import Foundation
import HindsightCore
import RunStore

/// One worker's way through one plan.
struct ReplayPass {
    enum Outcome: Sendable {
        case completed
        case cancelled
        case unusable(UnusableCheckpoint)
        /// The worker ended without saying so.
        case died(status: Int32, output: [String])
        /// The sandbox could not be made.
        case refused(output: [String])
        case noProgram(output: [String])
        /// A child of a standing worker cannot answer this query.
        case cold(reason: String)
    }

    enum Event {
        case hits(Range<Int>)
        case settled([Int])
        case progress(ReplayProgress)
        case note(String)
        case probeFailed(file: String, line: Int, message: String)
    }

    let plan: Plan
    let history: LoopHistory
    let recorded: Fingerprint
    private(set) var evidence: Evidence
    private(set) var hits: [Hit] = []
    /// The probes' ids, for each hit.
    private(set) var probes: [String] = []
    /// Whether values rest on files that the run did not use, as they are now.
    private(set) var hasBorrowed = false
    /// Ids of probes that others called: alone they would have fewer hits.
    private(set) var nested: Set<String> = []
    private(set) var standings: [Standing] = []
    /// Whether the worker has kept the program's data, for another one to compare its own with them.
    private(set) var hasKeptData = false
    /// What comparing with such data has shown.
    private(set) var control: (order: OrderKey, difference: String?)?
    /// Files that were found to be others than they were.
    private(set) var doubts: [FileDoubt] = []
    private(set) var fingerprint = Fingerprint([:])
    /// The last lines that the program wrote, where it did not end as the run did.
    private(set) var output: [String] = []
    private var probeErrors: [String: Int] = [:]

    private var position = OrderKey([])
    private var coordinate: Coordinate = []
    private var executed = 0.0
    private var restored = 0
    private var hasStarted = false
    /// How many wanted hits of one probe are kept; all are counted.
    private let limit: Int
    private let isWanted: (Hit) -> Bool
    /// The wanted hits of each probe.
    private(set) var counts: [String: Int] = [:]

    init(
        plan: Plan, material: RecordedMaterial, executedFrom: OrderKey? = nil, limit: Int = .max,
        isWanted: @escaping (Hit) -> Bool = { _ in true }
    ) {
        self.limit = limit
        self.isWanted = isWanted
        self.plan = plan
        history = material.history
        recorded = material.run.fingerprint
        evidence = Evidence(
            records: material.records, status: material.run.status, horizon: material.history.horizon,
            plan: plan, executedFrom: executedFrom)
    }

    var findings: [Finding] {
        hits.indices.map { Finding(hits[$0], of: probes[$0], standings[$0]) }
    }

    /// Facts of the interpreter and machine that differ from the recorded ones.
    var differences: [String] { fingerprint.differences(from: recorded) }

    /// Follows the worker to its end. Hits are told within a few hundredths of a second, together with those
    /// that came at the same time.
    mutating func follow(
        _ worker: any ReplayWorker, cancellation: Cancellation, tell: (Event, borrowing ReplayPass) -> Void
    ) -> Outcome {
        let queue = MessageQueue(reading: worker.connection, after: worker.prefix)
        defer { queue.discard() }
        var told = 0
        var settled: [Int] = []
        var lastTold = Date.distantPast
        var outcome: Outcome?
        var lastHeard = Date()
        while outcome == nil {
            let item = queue.next(timeout: told < hits.count || !settled.isEmpty ? 0.02 : 0.5)
            if cancellation.isCancelled { return .cancelled }
            switch item {
            case .message(let message):
                outcome = take(message, settled: &settled, tell: tell)
                if evidence.isPastHorizon, outcome == nil { outcome = .completed }
            case .closed: outcome = Outcome(ofDead: worker)
            case .malformed(let reason):
                outcome = .died(status: 0, output: worker.output.lastLines(5) + [reason])
            case nil:
                if worker.isForked, lastHeard.timeIntervalSinceNow < -(60 + 5 * plan.estimate.seconds) {
                    // A lock that another thread held at the fork is never released in the child.
                    worker.kill()
                    outcome = .died(status: 128 + SIGKILL, output: ["it said nothing for too long"])
                }
            }
            if item != nil { lastHeard = Date() }
            guard outcome != nil || item == nil || Date().timeIntervalSince(lastTold) > 0.02 else { continue }
            // What comes after a silence is told at once.
            if told < hits.count || !settled.isEmpty { lastTold = Date() }
            if told < hits.count { tell(.hits(told..<hits.count), self) }
            told = hits.count
            if !settled.isEmpty { tell(.settled(settled), self) }
            settled.removeAll()
        }
        if evidence.contradiction != nil, case .completed? = outcome { output = worker.output.lastLines(6) }
        for (probe, count) in probeErrors.sorted(by: { $0.key < $1.key }) where count > 1 {
            tell(.note("\(probe) raised \(count) times in all"), self)
        }
        return outcome ?? .cancelled
    }

    private mutating func take(
        _ message: WorkerMessage, settled: inout [Int], tell: (Event, borrowing ReplayPass) -> Void
    ) -> Outcome? {
        switch message {
        case .started:
            hasStarted = true
            tell(.progress(progress), self)
        case .hit(let hit, let probe, let isNested):
            if isNested { nested.insert(probe) }
            move(to: hit.order)
            let past = evidence.isPastHorizon
            if !past, isWanted(hit) {
                counts[probe, default: 0] += 1
                guard counts[probe, default: 0] <= limit else { return nil }
            }
            observe(.hit(hit), &settled)
            guard !past, !evidence.isPastHorizon else { return nil }
            hits.append(hit)
            probes.append(probe)
            standings.append(.unopposed)
            // A hit after a difference is settled as soon as it comes.
            apply(&settled)
        case .log(let site, let text, let name, let value, let order):
            move(to: order)
            observe(.log(site: site, text: text, name: name, value: value, order: order), &settled)
        case .jump(let jump):
            move(to: jump.from)
            position = jump.to
            restored += 1
            doubts.pass(jump.from)
            observe(.jump(jump), &settled)
            tell(.progress(progress), self)
        case .check(let checkpoint, let order, let difference, let isAligned):
            move(to: order)
            if difference == nil { doubts.pass(order) }
            observe(.check(checkpoint: checkpoint, order: order, difference: difference), &settled)
            if isAligned { observe(.aligned(order), &settled) }
        case .disturbed(let probe, let order, let difference):
            observe(.disturbance(statement: probe, order: order, difference: difference), &settled)
        case .unwatched(let reason, let order):
            observe(.unwatched(reason: reason, order: order), &settled)
        case .kept: hasKeptData = true
        case .control(let order, let difference, let isAlone):
            control = (order, difference)
            // What differs there is another replay's doing.
            guard !isAlone else { return nil }
            observe(.control(order: order, difference: difference), &settled)
        case .progress(let coordinate, let order):
            move(to: order)
            self.coordinate = coordinate
            observe(.passed(order), &settled)
            tell(.progress(progress), self)
        case .unusable(let checkpoint): return .unusable(checkpoint)
        case .probeError(_, let file, let line, let text, let iterations):
            let place = "\(file):\(line)"
            probeErrors[place, default: 0] += 1
            if probeErrors[place] == 1 {
                let levels = iterations.map { "\($0.loop) \($0.index)" }.joined(separator: ", ")
                let message = "raised \(text)" + (levels.isEmpty ? "" : " at \(levels)")
                tell(.probeFailed(file: file, line: line, message: message), self)
            }
        case .fingerprint(let fingerprint):
            self.fingerprint.facts.merge(fingerprint.facts) { _, new in new }
        case .file(let doubt): doubts.append(doubt)
        case .borrowed: hasBorrowed = true
        case .note(let text): tell(.note(text), self)
        case .cold(let reason): return .cold(reason: reason)
        case .standing, .exited: break
        case .end(let end):
            switch end.status {
            case "unusable": return nil
            case "stopped": observe(.end(.stopped), &settled)
            case "raised": observe(.end(.raised(exception: end.exception ?? "an exception")), &settled)
            default: observe(.end(.finished(exitCode: end.exitCode ?? 0)), &settled)
            }
            return .completed
        }
        return nil
    }

    /// Takes what a replay without the probes has shown by comparing.
    mutating func observeControl(_ order: OrderKey, difference: String?) {
        waiting += evidence.observeControl(order, difference)
        var settled: [Int] = []
        apply(&settled)
    }

    private var waiting: [Evidence.Settled] = []

    private mutating func observe(_ observation: ReplayObservation, _ settled: inout [Int]) {
        waiting += evidence.observe(observation)
        apply(&settled)
    }

    private mutating func apply(_ settled: inout [Int]) {
        guard !waiting.isEmpty else { return }
        let ready = waiting.filter { $0.hit < standings.count }
        waiting.removeAll { $0.hit < standings.count }
        for one in ready {
            standings[one.hit] = one.standing
            settled.append(one.hit)
        }
    }

    private mutating func move(to order: OrderKey) {
        guard position < order else { return }
        executed += max(0, history.elapsed(at: order) - history.elapsed(at: position))
        position = order
    }

    private var progress: ReplayProgress {
        let estimate = plan.estimate
        let restoring = estimate.restores == 0 ? 0 : estimate.restoreSeconds / Double(estimate.restores)
        let done = executed + restoring * Double(restored)
        let whole = max(estimate.seconds, 0.001)
        return ReplayProgress(
            phase: hasStarted ? .replaying : .starting, fraction: min(1, done / whole),
            secondsLeft: max(0, whole - done), coordinate: coordinate,
            iterations: position.components.count > 1
                ? history.lastIndex(ofActivation: [position.components[0]]).map { $0 + 1 } : nil)
    }

}

extension ReplayPass.Outcome {
    /// What the end of a worker means that did not say so itself; waits for it.
    init(ofDead worker: any ReplayWorker) {
        let status = worker.wait()
        let output = worker.output.lastLines(12)
        switch status {
        case HINDSIGHT_SANDBOX_FAILED: self = .refused(output: output)
        case HINDSIGHT_SANDBOX_NO_PROGRAM: self = .noProgram(output: output)
        default: self = .died(status: status, output: output)
        }
    }
}
