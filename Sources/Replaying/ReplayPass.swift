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
        /// Hits come out of order, from processes that the program has started: which stretch they belong to
        /// cannot be told.
        case indivisible
    }

    enum Event {
        case hits(Range<Int>)
        case settled([Int])
        /// No hit comes any more; some may not be settled yet.
        case whole
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
    private(set) var shownByControl: (order: OrderKey, difference: String?)?
    /// Whether its worker compares nothing with checkpoints, so that values come sooner, and evidence later.
    let isPreview: Bool
    /// What to do with data that another worker may compare.
    let control: ControlFile.Task?
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
    /// Whether it has come to where it is to stop.
    private var isWhole = false
    private var isWholeTold = false
    /// How many wanted hits of one probe are kept, and how many others; all wanted ones are counted.
    private let limit: Int
    /// Hits before that are of no use.
    private let executedFrom: OrderKey?
    private var unwantedCounts: [String: Int] = [:]
    private let selection: HitSelection
    /// The wanted hits of each probe.
    private(set) var counts: [String: Int] = [:]
    /// What of the plan is this pass'; nil: all of it.
    private let stretch: Stretch?
    /// When it came to the end of its stretch.
    private var leftStretch: Date?
    /// How many of the hits are inside the stretch: those behind it come last.
    private var insideCount: Int?
    private var probesInside: Set<String> = []
    private let began = Date()

    init(
        plan: Plan, material: RecordedMaterial, executedFrom: OrderKey? = nil, limit: Int = .max,
        selection: IterationSelection? = nil, stretch: Stretch? = nil, control: ControlFile.Task? = nil,
        isPreview: Bool = false
    ) {
        self.isPreview = isPreview
        self.control = control
        self.limit = limit
        self.executedFrom = executedFrom
        self.selection = HitSelection(iterations: selection, history: material.history)
        self.stretch = stretch
        self.plan = plan
        history = material.history
        recorded = material.run.fingerprint
        evidence = Evidence(
            records: material.records, status: material.run.status, horizon: material.history.horizon,
            plan: plan, executedFrom: executedFrom)
    }

    /// The jumps that its findings rest on: what led to the stretch was jumped to on the way.
    var jumps: [JumpTaken] {
        guard let stretch else { return evidence.jumps }
        let end = stretch.upper?.order
        return evidence.jumps.filter { jump in
            !(jump.to < stretch.begin) && end.map { jump.to < $0 } ?? true
        }
    }

    /// The doubts about its stretch. Behind it another worker began with what the run had.
    var doubtsInside: [FileDoubt] {
        guard let end = stretch?.upper?.order else { return doubts }
        return doubts.compactMap { doubt in
            guard doubt.passes else { return doubt }
            guard doubt.order < end else { return nil }
            var doubt = doubt
            doubt.end = doubt.end.map { min($0, end) } ?? end
            return doubt
        }
    }

    /// What it found in its stretch.
    var findings: [Finding] { findings(hits.indices.prefix(insideCountOrAll)) }

    /// How many of its hits lie in its stretch.
    var insideCountOrAll: Int { insideCount ?? hits.count }

    /// What it executed of the stretch behind its own, which began at a checkpoint that this pass came to and
    /// found equal: what another worker reads off that checkpoint must be the same.
    var findingsBehind: [Finding] {
        guard let insideCount, let stretch, let end = stretch.upper, evidence.contradiction == nil,
            let agreed = evidence.agreedThrough, !(agreed < end.order),
            !hasJumped
        else { return [] }
        return findings(hits.indices.dropFirst(insideCount))
    }

    /// Whether it has jumped itself, and not only to where its stretch begins: what it jumped over, it cannot
    /// vouch for.
    private var hasJumped: Bool {
        stretch.map { stretch in evidence.jumps.contains { stretch.begin < $0.to } } ?? false
    }

    private func findings(_ numbers: Range<Int>) -> [Finding] {
        numbers.map { Finding(hits[$0], of: probes[$0], standings[$0]) }
    }

    /// The verdicts that these hits' standings already allow, whatever other passes will show.
    func verdicts(settled numbers: [Int]) -> [(number: Int, verdict: Verdict)] {
        // Without a word about what it runs on, a pass confirms nothing yet; without comparisons it never does.
        guard !isPreview, differences.isEmpty else { return [] }
        return numbers.compactMap { number in
            guard number < insideCountOrAll, doubts.about(hits[number]).isEmpty else { return nil }
            switch standings[number] {
            case .confirmed: return (number, .exact)
            case .contradicted(let reason): return (number, .diverged(reason))
            case .unopposed, .unwatched: return nil
            }
        }
    }

    /// For the log.
    var stretchText: String {
        guard let stretch else { return "all" }
        return "\(stretch.begin.components)..<\(stretch.upper.map { "\($0.order.components)" } ?? "end")"
    }

    /// Facts of the interpreter and machine that differ from the recorded ones.
    var differences: [String] { fingerprint.differences(from: recorded) }

    /// Follows the worker to its end. Hits are told within a few hundredths of a second, together with those
    /// that came at the same time.
    ///
    /// - Parameter longestSilence: seconds after which a worker that says nothing counts as hung, besides five
    ///   times what the whole plan should take.
    mutating func follow(
        _ worker: any ReplayWorker, cancellation: Cancellation, longestSilence: Double,
        tell: (Event, borrowing ReplayPass) -> Void
    ) -> Outcome {
        let queue = MessageQueue(reading: worker.connection, after: worker.prefix)
        defer { queue.discard() }
        var told = 0
        var settled: [Int] = []
        var lastTold = Date.distantPast
        var outcome: Outcome?
        var lastHeard = Date()
        while outcome == nil {
            let isLate = told < insideCountOrAll || !settled.isEmpty
            let item = queue.next(timeout: isLate ? 0.02 : 0.5)
            if cancellation.isCancelled { return .cancelled }
            switch item {
            case .message(let message):
                outcome = take(message, settled: &settled, tell: tell)
                if outcome == nil, evidence.isPastHorizon || isDone { outcome = .completed }
            case .closed: outcome = Outcome(ofDead: worker)
            case .malformed(let reason):
                outcome = .died(status: 0, output: worker.output.lastLines(5) + [reason])
            case nil:
                if lastHeard.timeIntervalSinceNow < -(longestSilence + 5 * plan.estimate.seconds) {
                    // It waits for what never comes: a lock that another thread held at the fork, say.
                    worker.kill()
                    outcome = .died(status: 128 + SIGKILL, output: ["it said nothing for too long"])
                }
            }
            if item != nil { lastHeard = Date() }
            let isDue = isWhole && !isWholeTold || Date().timeIntervalSince(lastTold) > 0.02
            guard outcome != nil || item == nil || isDue else { continue }
            // What comes after a silence is told at once.
            if isLate { lastTold = Date() }
            let count = insideCountOrAll
            if told < count { tell(.hits(told..<count), self) }
            told = max(told, count)
            if !settled.isEmpty { tell(.settled(settled), self) }
            settled.removeAll()
            if isWhole, !isWholeTold {
                isWholeTold = true
                tell(.whole, self)
            }
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
            if stretch != nil, hit.order < position { return .indivisible }
            move(to: hit.order)
            let place = stretch?.come(to: hit.order) ?? .inside
            if place == .before { return nil }
            if place == .behind, insideCount == nil { insideCount = hits.count }
            let past = evidence.isPastHorizon
            if !past, place == .inside, !isKept(hit, of: probe) { return nil }
            observe(.hit(hit), &settled)
            guard !past, !evidence.isPastHorizon else { return nil }
            hits.append(hit)
            probes.append(probe)
            if stretch != nil, place == .inside { probesInside.insert(probe) }
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
            shownByControl = (order, difference)
            // What differs there is another replay's doing.
            guard !isAlone else { return nil }
            observe(.control(order: order, difference: difference), &settled)
        case .progress(let coordinate, let order):
            move(to: order)
            self.coordinate = coordinate
            observe(.passed(order), &settled)
            if let stop = plan.stop, stop.kind == .boundary, stretch == nil, !(order < stop.order) {
                isWhole = true
            }
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

    /// Counts a hit; says whether it is kept.
    private mutating func isKept(_ hit: Hit, of probe: String) -> Bool {
        if let executedFrom, hit.order < executedFrom { return false }
        guard selection.contains(hit) else {
            // It may show something about those that are wanted.
            unwantedCounts[probe, default: 0] += 1
            return unwantedCounts[probe, default: 0] <= limit
        }
        counts[probe, default: 0] += 1
        return counts[probe, default: 0] <= limit
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
        if let stretch, leftStretch == nil, stretch.come(to: order) == .behind { leftStretch = Date() }
    }

    /// Whether it has come to the end of its stretch, and a little further: where every statement that had a hit
    /// has one more, it is known whether the next worker's values are those that execution leads to.
    private var isDone: Bool {
        guard let leftStretch, let end = stretch?.upper else { return false }
        if evidence.contradiction != nil || isPreview { return true }
        // The checkpoint there is compared after its place was told.
        guard end.order < position || evidence.agreedThrough.map({ !($0 < end.order) }) ?? false
        else {
            return false
        }
        // It could vouch for nothing that comes now.
        if hasJumped { return true }
        let inside = insideCountOrAll
        if probesInside.isSubset(of: probes[inside...]) { return true }
        if let agreed = evidence.agreedThrough, end.order < agreed { return true }
        let allowance = max(0.2, leftStretch.timeIntervalSince(began) * Self.shareBehind)
        return Date().timeIntervalSince(leftStretch) > allowance
    }

    /// What part of its own time a pass may spend behind its stretch.
    private static let shareBehind = 0.04

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
