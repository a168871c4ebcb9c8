/// What a replay's worker reports, as far as verdicts depend on it.
public enum ReplayObservation: Hashable, Sendable {
    case hit(Hit)
    /// The recorded program's own log statement was executed.
    case log(site: String, text: String, name: String?, value: Scalar, order: OrderKey)
    case jump(JumpTaken)
    /// The live state was compared with a checkpoint; nil: bit for bit the same.
    case check(checkpoint: Int, order: OrderKey, difference: String?)
    /// Plain values of the program's data differed at the last check, and were made as recorded.
    case aligned(OrderKey)
    /// Statements of probes, named by the first one, left the program's data in another state.
    case disturbance(statement: String, order: OrderKey, difference: String)
    /// From here on, or up to the next `control`, probes were executed whose doings nothing shows.
    case unwatched(reason: String, order: OrderKey)
    /// At this place the program's data were compared with those of a replay without the probes; nil: bit for bit
    /// the same.
    case control(order: OrderKey, difference: String?)
    /// A boundary was passed.
    case passed(OrderKey)
    case end(ReplayEnd)
}

/// How a worker's program ended.
public enum ReplayEnd: Hashable, Sendable {
    case finished(exitCode: Int)
    case stopped
    case raised(exception: String)
}

/// What is known about one hit's truth from one pass.
public enum Standing: Hashable, Sendable {
    /// Executed, and checked by what came later in the same stretch of execution.
    case confirmed
    /// Nothing disagreed, but the value may rest on restored state, or no check followed.
    case unopposed
    /// Nothing disagreed, but a disturbance by probes would not have been seen; the text says why.
    case unwatched(String)
    /// Something disagreed; the text says where first.
    case contradicted(String)
}

/// Judges one pass: compares its records and checks with what the run recorded, in order.
///
/// A pass is a series of intervals of executed code, separated by jumps. Own records' keys are equal in
/// record and replay by construction, so a record that is missing, extra or different is a difference.
///
/// What was executed from the program's start is confirmed by the next comparison with a checkpoint, or by the
/// program's end: the same program in the same environment, fed the same entropy in the same order, does the same,
/// and all its records, its exit status, the random generators' states and the use of entropy up to its end agree.
/// That it is the same program with probes in it is what remains to be shown. A checkpoint shows it; behind
/// the last one the worker compares the program's data before and behind the probes, and where these are executed
/// too often for that, with the data of a replay without them.
public struct Evidence: Sendable {
    /// A hit's standing is settled.
    public struct Settled: Hashable, Sendable {
        /// Counts the hits of the pass from 0.
        public var hit: Int
        public var standing: Standing

        public init(hit: Int, standing: Standing) {
            self.hit = hit
            self.standing = standing
        }
    }

    /// The orders of the hits, by number.
    public private(set) var orders: [OrderKey] = []
    public private(set) var jumps: [JumpTaken] = []
    /// Pairs of checkpoints: restored from the first, the second was reached and found equal.
    public private(set) var verifiedSegments: [(from: Int, to: Int)] = []
    /// The last place at which the program's data were compared with the recorded ones and were equal.
    public private(set) var agreedThrough: OrderKey?
    /// The first contradiction of the pass that still holds at its end.
    public private(set) var contradiction: String?
    /// The first contradiction of the pass, whether or not the replay found back to the run's way later.
    public private(set) var firstContradiction: String?
    /// The replay came to where the run ended or is now; nothing after that is an answer.
    public private(set) var isPastHorizon = false

    private let records: [LogRecord]
    private let status: RunStatus
    private let horizon: OrderKey?
    private let exits: Set<Int>
    private let executedFrom: OrderKey?

    private var next = 0
    private var pending: [Int] = []
    private var interval = Interval()
    /// Where probes were executed that were not watched, and why.
    private var unwatched: [(reason: String, order: OrderKey)] = []
    /// What the hits behind such a place would be, had the probes been watched.
    private var withheld: [Int: Standing] = [:]

    private struct Interval {
        var openedBy: JumpTaken?
        /// Where the present stretch of execution is known to have begun; nil: behind a loop's exit.
        var executedFrom: OrderKey?
        var contradiction: String?
    }

    /// - Parameters:
    ///   - records: the run's own log records, in order.
    ///   - horizon: for a run that was interrupted or is in progress, how far it came.
    ///   - plan: the plan that the worker follows.
    ///   - executedFrom: in a validating pass, where the stretch begins that the plan executes throughout.
    public init(
        records: [LogRecord], status: RunStatus, horizon: OrderKey?, plan: Plan, executedFrom: OrderKey? = nil
    ) {
        self.records = records
        self.status = status
        switch status {
        case .running, .interrupted:
            self.horizon = [horizon, records.last?.order].compactMap(\.self).max()
        case .finished, .raised: self.horizon = nil
        }
        exits = Set(plan.jumps.filter { $0.target == nil }.map(\.checkpoint))
        self.executedFrom = executedFrom
    }

    /// Takes the next report; gives the hits whose standing it settles.
    public mutating func observe(_ observation: ReplayObservation) -> [Settled] {
        guard !isPastHorizon else { return [] }
        switch observation {
        case .hit(let hit):
            guard isWithinHorizon(hit.order) else { return reachHorizon() }
            return observeHit(hit.order)
        case .log(let site, let text, let name, let value, let order):
            guard isWithinHorizon(order) else { return reachHorizon() }
            return observeLog(site: site, text: text, name: name, value: value, order: order)
        case .jump(let jump): return observeJump(jump)
        case .check(let checkpoint, let order, let difference):
            guard isWithinHorizon(order) else { return reachHorizon() }
            return observeCheck(checkpoint, order, difference)
        case .aligned(let order):
            realign(at: order)
            return []
        case .disturbance(let statement, let order, let difference):
            guard isWithinHorizon(order) else { return reachHorizon() }
            return observeDisturbance(statement, difference)
        case .unwatched(let reason, let order):
            unwatched.append((reason, order))
            return []
        case .control(let order, let difference): return observeControl(order, difference)
        case .passed(let order): return isWithinHorizon(order) ? [] : reachHorizon()
        case .end(let end): return observeEnd(end)
        }
    }

    private func isWithinHorizon(_ order: OrderKey) -> Bool { horizon.map { !($0 < order) } ?? true }

    private mutating func observeHit(_ order: OrderKey) -> [Settled] {
        let number = orders.count
        orders.append(order)
        if let contradiction = interval.contradiction {
            return [Settled(hit: number, standing: .contradicted(contradiction))]
        }
        pending.append(number)
        return []
    }

    private mutating func observeLog(
        site: String, text: String, name: String?, value: Scalar, order: OrderKey
    ) -> [Settled] {
        guard interval.contradiction == nil else { return [] }
        let settled = expectNothing(before: order)
        guard interval.contradiction == nil else { return settled }
        guard next < records.count, records[next].order == order else {
            return contradict("\(Self.place(site)): the replay wrote \(Self.quoted(text)), the run did not")
        }
        let record = records[next]
        next += 1
        let isSameText = record.text == text || record.text.withoutAddresses == text.withoutAddresses
        guard record.site == site, isSameText, record.name == name, record.value.isSame(as: value)
        else {
            let shown = !isSameText || record.site != site
            return contradict(
                "\(Self.place(record)): recorded \(Self.quoted(shown ? record.text : "\(record.value)")), "
                    + "replayed \(Self.quoted(shown ? text : "\(value)"))")
        }
        return []
    }

    private mutating func observeJump(_ jump: JumpTaken) -> [Settled] {
        var settled = expectNothing(before: jump.from)
        settled += settle { _ in .unopposed }
        jumps.append(jump)
        interval = Interval(openedBy: jump, executedFrom: exits.contains(jump.checkpoint) ? nil : jump.to)
        // Records are in order; the jump goes forward.
        next = records[next...].firstIndex { !($0.order < jump.to) } ?? records.count
        return settled
    }

    private mutating func observeCheck(
        _ checkpoint: Int, _ order: OrderKey, _ difference: String?
    ) -> [Settled] {
        guard interval.contradiction == nil else { return [] }
        let settled = expectNothing(before: order)
        guard interval.contradiction == nil else { return settled }
        if let difference {
            // A worker that came to the program's end compares what has no checkpoint.
            let place = checkpoint < 0 ? "" : "the state at checkpoint \(checkpoint) differs: "
            return settled + contradict(place + difference)
        }
        if let jump = interval.openedBy {
            // Something of the loop must have been executed: from an exit to the next check nothing was.
            if interval.executedFrom.map({ $0 < order }) ?? isTrusted(order) {
                verifiedSegments.append((jump.checkpoint, checkpoint))
            }
            interval.openedBy?.checkpoint = checkpoint
        }
        interval.executedFrom = order
        agreedThrough = order
        return confirm()
    }

    /// All that was executed before led here, and the data are the recorded ones: what differed on the way, names
    /// of temporary files, addresses and times as a rule, has no part in what follows. The values on the way stay
    /// contradicted.
    private mutating func realign(at order: OrderKey) {
        guard interval.contradiction != nil, interval.openedBy == nil else { return }
        interval = Interval()
        contradiction = nil
        next = records[next...].firstIndex { !($0.order < order) } ?? records.count
    }

    private mutating func observeDisturbance(_ statement: String, _ difference: String) -> [Settled] {
        guard interval.contradiction == nil else { return [] }
        return contradict("\(Self.place(statement)) changes the program's data: \(difference)")
    }

    /// Whether hits are left that a comparison with a replay without the probes would settle.
    public var awaitsControl: Bool { !withheld.isEmpty && firstContradiction == nil }

    /// The hits that wait for it.
    public var withheldHits: [Int] { withheld.keys.sorted() }

    /// Takes such a comparison that was made after the pass had come to its end.
    public mutating func observeControl(_ order: OrderKey, _ difference: String?) -> [Settled] {
        if let difference {
            guard interval.contradiction == nil else { return [] }
            let settled = contradict("the statements change the program's data: \(difference)")
            let reason = interval.contradiction ?? difference
            defer { withheld.removeAll() }
            return settled + withheld.keys.sorted().map { Settled(hit: $0, standing: .contradicted(reason)) }
        }
        unwatched.removeAll { $0.order < order }
        let free = withheld.keys.sorted().filter { hit in
            unwatched.first.map { orders[hit] < $0.order } ?? true
        }
        return free.compactMap { hit in
            withheld.removeValue(forKey: hit).map { Settled(hit: hit, standing: $0) }
        }
    }

    private mutating func observeEnd(_ end: ReplayEnd) -> [Settled] {
        if case .stopped = end { return settle { _ in .unopposed } }
        if horizon != nil { return reachHorizon() }
        guard interval.contradiction == nil else { return [] }
        let settled = expectNothing(before: nil)
        guard interval.contradiction == nil else { return settled }
        switch (status, end) {
        case (.finished(let recorded), .finished(let replayed)) where recorded == replayed:
            return confirmByEnd()
        case (.raised(let recorded), .raised(let replayed)) where recorded == replayed:
            return confirmByEnd()
        default:
            return contradict(
                "the run \(Self.sentence(status)), the replay \(Self.sentence(end))")
        }
    }

    /// The run is not known to have come further: what its records cover is as good as checked, the rest
    /// is not.
    private mutating func reachHorizon() -> [Settled] {
        isPastHorizon = true
        guard interval.contradiction == nil else { return [] }
        let settled = expectNothing(before: nil)
        guard interval.contradiction == nil else { return settled }
        let covered = next > 0 ? records[next - 1].order : nil
        let orders = orders
        let isTrusted = isTrusted
        return settleByEnd { hit in
            guard let covered, orders[hit] < covered, isTrusted(orders[hit]) else { return .unopposed }
            return .confirmed
        }
    }

    /// Finds records that should have been written by now.
    private mutating func expectNothing(before order: OrderKey?) -> [Settled] {
        guard interval.contradiction == nil, next < records.count else { return [] }
        let record = records[next]
        if let order, !(record.order < order) { return [] }
        return contradict(
            "\(Self.place(record)): the run wrote \(Self.quoted(record.text)), the replay did not")
    }

    private mutating func contradict(_ difference: String) -> [Settled] {
        let reason = "first difference: \(difference)"
        interval.contradiction = reason
        contradiction = contradiction ?? reason
        firstContradiction = firstContradiction ?? reason
        return settle { _ in .contradicted(reason) }
    }

    /// What comes after a jump rests on the checkpoint holding everything, which the comparison with another
    /// checkpoint cannot show: it is blind to what neither holds.
    private var isTrusted: (OrderKey) -> Bool {
        let isExecuted = interval.openedBy == nil
        let from = executedFrom
        return { order in isExecuted || from.map { !(order < $0) } ?? false }
    }

    private mutating func confirm() -> [Settled] {
        let orders = orders
        let isTrusted = isTrusted
        return settle { isTrusted(orders[$0]) ? .confirmed : .unopposed }
    }

    /// What no checkpoint has confirmed until the end.
    private mutating func confirmByEnd() -> [Settled] {
        let orders = orders
        let isTrusted = isTrusted
        return settleByEnd { isTrusted(orders[$0]) ? .confirmed : .unopposed }
    }

    /// Withholds what comes after probes that were not watched.
    private mutating func settleByEnd(_ standing: (Int) -> Standing) -> [Settled] {
        guard let first = unwatched.first else { return settle(standing) }
        for hit in pending where !(orders[hit] < first.order) { withheld[hit] = standing(hit) }
        let withheld = withheld
        return settle { withheld[$0] == nil ? standing($0) : .unwatched(first.reason) }
    }

    private mutating func settle(_ standing: (Int) -> Standing) -> [Settled] {
        defer { pending.removeAll(keepingCapacity: true) }
        return pending.map { Settled(hit: $0, standing: standing($0)) }
    }

    // MARK: - Words

    private static func place(_ site: String) -> String {
        // A site is path:line:column; people are told the line.
        let parts = site.split(separator: ":")
        return parts.count > 2 ? parts.dropLast().joined(separator: ":") : site
    }

    private static func place(_ record: LogRecord) -> String {
        let levels = record.iterations.map { "\($0.loop) \($0.index)" }.joined(separator: ", ")
        return levels.isEmpty ? place(record.site) : "\(place(record.site)) at \(levels)"
    }

    private static func quoted(_ text: String) -> String {
        let line = text.replacing("\n", with: "⏎")
        return line.count > 120 ? "\"\(line.prefix(120))…\"" : "\"\(line)\""
    }

    private static func sentence(_ status: RunStatus) -> String {
        switch status {
        case .running: "is still running"
        case .finished(let code): "ended with exit code \(code)"
        case .raised(let exception): "ended with \(exception)"
        case .interrupted(let how): "was interrupted (\(how))"
        }
    }

    private static func sentence(_ end: ReplayEnd) -> String {
        switch end {
        case .finished(let code): "ended with exit code \(code)"
        case .stopped: "was stopped"
        case .raised(let exception): "ended with \(exception)"
        }
    }
}

extension Scalar {
    /// Equality of what was logged, whatever the number's spelling on the way.
    func isSame(as other: Scalar) -> Bool {
        switch (self, other) {
        case (.integer(let left), .number(let right)): Double(left) == right
        case (.number(let left), .integer(let right)): left == Double(right)
        case (.number(let left), .number(let right)): left == right || (left.isNaN && right.isNaN)
        case (.number(let left), .string(let right)): Self.name(left) == right
        case (.string(let left), .number(let right)): left == Self.name(right)
        default: self == other
        }
    }

    private static func name(_ number: Double) -> String? {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        return nil
    }
}

extension String {
    /// The text as it would be wherever objects lay in memory: Python shows those without a text of their own as
    /// `<Thing object at 0x7f…>`.
    var withoutAddresses: String {
        var result = ""
        var rest = self[...]
        while let mark = rest.firstRange(of: " at 0x") {
            result += rest[..<mark.upperBound]
            rest = rest[mark.upperBound...].drop(while: \.isHexDigit)
        }
        return result + rest
    }

    fileprivate func replacing(_ character: Character, with other: Character) -> String {
        String(map { $0 == character ? other : $0 })
    }
}
