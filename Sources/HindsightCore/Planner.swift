/// Finds the cheapest replay that is exact.
///
/// Execution always starts at the program's beginning. At a loop's boundary a jump may pass over iterations,
/// or over the rest of the loop, where a checkpoint holds the state to go on with. Walking down from the
/// outermost loops keeps every jump reachable: a checkpoint inside an iteration is only considered when
/// execution really arrives in that iteration.
public struct Planner: Sendable {
    public let history: LoopHistory
    /// Target texts by loop, for selections.
    private let targets: [LoopID: String]
    /// Loops whose body may reach a probe.
    private let execute: Set<LoopID>
    /// Loops that lexically surround a probe, outermost first.
    private let probeLoops: [[LoopID]]
    /// Loops over whose iterations probes carry values of their own, which no checkpoint holds.
    private let continuous: Set<LoopID>
    private let unusable: Set<Int>

    /// - Parameters:
    ///   - execute: loops whose body may reach a probe.
    ///   - probeLoops: for each probe, the loops written around it, outermost first.
    ///   - continuous: loops that have to be executed from their first iteration, without a jump, because
    ///     probes carry values of their own over their iterations.
    ///   - unusable: checkpoints that a worker could not use, besides those marked as damaged.
    public init(
        history: LoopHistory, loops: [RecordedLoop], execute: Set<LoopID>, probeLoops: [[LoopID]],
        continuous: Set<LoopID> = [], unusable: Set<Int> = []
    ) {
        self.history = history
        targets = Dictionary(loops.map { ($0.id, $0.target) }, uniquingKeysWith: { first, _ in first })
        // Whatever surrounds a probe is executed even if the analysis does not say so.
        self.execute = execute.union(probeLoops.joined())
        self.probeLoops = probeLoops
        self.continuous = continuous
        self.unusable = unusable
    }

    /// The plan that gives every hit of the probes, or every hit that the selection names.
    public func plan(selection: IterationSelection? = nil) -> Plan {
        guard let selection else { return cheapest(Demand(execute: execute)) }
        var demand = Demand(execute: execute)
        demand.selected = parts(of: selection)
        demand.aroundSelected = loopsAround(demand.selected)
        guard let end = lastWanted(in: history.activations, demand: demand, isInside: false) else {
            return cheapest(demand)
        }
        guard let evidence = history.checkpoints.first(where: { $0.order >= end && isCheckable($0) }) else {
            demand.range = (end, OrderKey([Int.max]))
            return cheapest(demand)
        }
        demand.range = (end, evidence.order)
        return cheapest(demand, stop: Stop(evidence))
    }

    /// Values that come after a jump take another pass to be believed, which must be worth it.
    private func cheapest(_ demand: Demand, stop: Stop? = nil) -> Plan {
        var withoutExits = demand
        withoutExits.skipsToExits = false
        var best: (plan: Plan, cost: Double)?
        for candidate in [demand, withoutExits] {
            let (plan, jumps) = build(candidate, stop: stop)
            var cost = plan.estimate.seconds
            // Values come with the first pass; the other one only raises their verdicts, and counts half.
            if !jumps.isEmpty { cost += (Self.startSeconds + validationSeconds(after: jumps)) / 2 }
            if best.map({ cost < $0.cost }) ?? true { best = (plan, cost) }
        }
        let full = fullPlan(stop: stop)
        guard let best, best.cost < full.estimate.seconds else { return full }
        return best.plan
    }

    /// Starting an interpreter in a sandbox.
    private static let startSeconds = 0.2

    /// What the cheapest validating pass will cost, before it is known where hits are.
    private func validationSeconds(after jumps: [JumpTaken]) -> Double {
        let step = max(1, jumps.count / 8)
        return stride(from: jumps.count - 1, through: 0, by: -step).map { index in
            plan(executing: executionStart(before: jumps[index]), through: jumps[index].to).estimate.seconds
        }.min() ?? 0
    }

    /// A re-execution from the start up to `stop`, or to the end: needs no checkpoint to start from.
    public func fullPlan(stop: Stop? = nil) -> Plan {
        var demand = Demand(execute: [])
        demand.range = (OrderKey([]), stop?.order ?? OrderKey([Int.max]))
        return build(demand, stop: stop).plan
    }

    /// A plan that executes the stretch from `lower` on without a jump, up to evidence at or after `upper`.
    public func plan(executing lower: OrderKey, through upper: OrderKey) -> Plan {
        let evidence = history.checkpoints.first { $0.order > upper && isCheckable($0) }
        var demand = Demand(execute: continuous)
        demand.range = (lower, evidence?.order ?? OrderKey([Int.max]))
        return build(demand, stop: evidence.map(Stop.init)).plan
    }

    /// The cheapest plan that gives at least one of the hits at `orders` again, this time by executing what
    /// the first pass jumped over before it; nil where there is no hit.
    ///
    /// - Parameter jumps: where the pass jumped: the position it came from and the one it went on at.
    public func validation(of orders: [OrderKey], after jumps: [JumpTaken]) -> ValidatingPlan? {
        var best: ValidatingPlan?
        // Later hits first: on equal cost they say more, since more of the run lies before them. A bounded
        // number is looked at, spread over the run.
        let step = max(1, orders.count / 32)
        for index in stride(from: orders.count - 1, through: 0, by: -step) {
            let order = orders[index]
            let start = jumps.last { $0.to <= order }.map(executionStart) ?? OrderKey([])
            let plan = plan(executing: start, through: order)
            // One that starts from a checkpoint shows besides that checkpoints hold what is needed to go
            // on; one that ends at a checkpoint, that the probe disturbed nothing.
            let isBetter = best.map { Self.rank(plan) < Self.rank($0.plan) }
            if isBetter ?? true { best = ValidatingPlan(plan: plan, executedFrom: start) }
        }
        return best
    }

    private static func rank(_ plan: Plan) -> (Int, Int, Double) {
        (plan.jumps.isEmpty ? 1 : 0, plan.stop == nil ? 1 : 0, plan.estimate.seconds)
    }

    /// A boundary within what the jump passed over, as late as a usable checkpoint allows; else where the
    /// jump was taken.
    private func executionStart(before jump: JumpTaken) -> OrderKey {
        let inside = history.checkpoints.last {
            jump.from < $0.order && $0.order < jump.to && $0.number != jump.checkpoint && isUsable($0)
                && $0.kind == .boundary && $0.order.components.count == jump.to.components.count
                && $0.order.components.dropLast() == jump.to.components.dropLast()
        }
        return inside?.order ?? jump.from
    }

    /// The places at which the plan for every hit may be divided among workers; nil where it may not.
    public func division() -> Division? {
        // What probes carry over iterations comes from one worker only.
        guard continuous.isEmpty else { return nil }
        var demand = Demand(execute: execute)
        let whole = cheapest(demand)
        if whole.jumps.isEmpty {
            demand.range = (OrderKey([]), OrderKey([Int.max]))
        } else if build(demand).plan != whole {
            demand.skipsToExits = false
        }
        let chosen = demand
        let (plan, piece) = pieced(chosen)
        let start = history.mainActivation.map { history.elapsed(at: $0.order(at: 0)) } ?? 0
        let checks = Set(plan.checks)
        let lastCheck = history.checkpoints.last { checks.contains($0.number) }?.order
        return Division(whole: plan, cuts: piece.cuts, startSeconds: start, lastCheck: lastCheck) { cut in
            var rest = chosen
            rest.from = cut.order
            if rest.range != nil { rest.range = (cut.order, OrderKey([Int.max])) }
            return build(rest).plan
        }
    }

    // MARK: - Which checkpoints may be used

    private func isUsable(_ checkpoint: Checkpoint) -> Bool {
        isCheckable(checkpoint) && checkpoint.lost.isEmpty
    }

    private func isCheckable(_ checkpoint: Checkpoint) -> Bool {
        !checkpoint.isDamaged && !unusable.contains(checkpoint.number)
    }

    // MARK: - What is wanted

    /// What must be executed; everything else may be passed over.
    private struct Demand {
        var execute: Set<LoopID>
        /// By loop, the iterations wanted; nil: no selection.
        var selected: [LoopID: [IterationSelection.Part]]?
        var aroundSelected: Set<LoopID> = []
        /// Everything between these is executed.
        var range: (lower: OrderKey, upper: OrderKey)?
        /// Nothing before this boundary is wanted, and the plan comes by it; nil: from the start.
        var from: OrderKey?
        /// Whether loops may be left by restoring the state at their exit.
        var skipsToExits = true
    }

    private enum Wanted {
        case none
        case all
        /// Ascending and disjoint.
        case some([ClosedRange<Int>])
    }

    private func parts(of selection: IterationSelection) -> [LoopID: [IterationSelection.Part]] {
        targets.compactMapValues { selection.entry(for: $0)?.parts }
    }

    /// Loops that were seen, or are written, around a selected loop.
    private func loopsAround(_ selected: [LoopID: [IterationSelection.Part]]?) -> Set<LoopID> {
        guard let selected else { return [] }
        var around: Set<LoopID> = []
        for loops in probeLoops {
            guard let last = loops.lastIndex(where: { selected[$0] != nil }) else { continue }
            around.formUnion(loops[..<last])
        }
        func visit(_ activation: LoopActivation) {
            if activation.contains(where: { selected[$0] != nil }) { around.insert(activation.loop) }
            for iteration in activation.iterations { iteration.activations.forEach(visit) }
        }
        history.activations.forEach(visit)
        return around
    }

    private func wanted(_ activation: LoopActivation, _ demand: Demand, isInside: Bool) -> Wanted {
        let wanted = wantedAnywhere(activation, demand, isInside: isInside)
        if let from = demand.from { return clipped(wanted, of: activation, from: from) }
        guard case .some(let ranges) = wanted, let last = ranges.last,
            continuous.contains(activation.loop)
        else { return wanted }
        return .some([0...last.upperBound])
    }

    /// What is wanted from a boundary on; the iteration that begins or lies around there is among it.
    private func clipped(_ wanted: Wanted, of activation: LoopActivation, from: OrderKey) -> Wanted {
        if from < activation.order(at: 0) { return wanted }
        guard from.components.starts(with: activation.prefix), from < activation.end else { return .none }
        let index = from.components[activation.prefix.count]
        let ranges: [ClosedRange<Int>]
        switch wanted {
        case .none: ranges = []
        case .all: ranges = [0...(Int.max - 1)]
        case .some(let some): ranges = some
        }
        let later = ranges.compactMap { range in
            range.upperBound < index ? nil : max(range.lowerBound, index)...range.upperBound
        }
        return .some(Self.merged([index...index] + later))
    }

    private func wantedAnywhere(
        _ activation: LoopActivation, _ demand: Demand, isInside: Bool
    ) -> Wanted {
        let base = wantedByProbes(activation, demand, isInside: isInside)
        guard let range = demand.range, let required = iterations(of: activation, within: range) else {
            return base
        }
        switch base {
        case .all: return .all
        case .none: return .some([required])
        case .some(let ranges): return .some(Self.merged(ranges + [required]))
        }
    }

    private func wantedByProbes(
        _ activation: LoopActivation, _ demand: Demand, isInside: Bool
    ) -> Wanted {
        guard activation.contains(where: { demand.execute.contains($0) }) else { return .none }
        guard let selected = demand.selected else { return .all }
        guard let parts = selected[activation.loop] else {
            return isInside || demand.aroundSelected.contains(activation.loop) ? .all : .none
        }
        let last = activation.count.map { $0 - 1 }
        var ranges: [ClosedRange<Int>] = []
        for part in parts {
            switch part {
            case .range(let range): ranges.append(range)
            case .from(let lower): ranges.append(lower...max(lower, last ?? Int.max - 1))
            case .last:
                // How far an unfinished loop came is not known; any of its later iterations may be it.
                if let last {
                    if last >= 0 { ranges.append(last...last) }
                } else {
                    ranges.append((activation.iterations.last?.index ?? 0)...(Int.max - 1))
                }
            }
        }
        if let last { ranges = ranges.compactMap { $0.lowerBound <= last ? $0 : nil } }
        return .some(Self.merged(ranges))
    }

    private func iterations(
        of activation: LoopActivation, within range: (lower: OrderKey, upper: OrderKey)
    ) -> ClosedRange<Int>? {
        let prefix = activation.prefix
        // Components of the bounds that stand for this activation's iterations, if they lie inside it.
        func index(_ order: OrderKey) -> Int? {
            order.components.count > prefix.count && order.components.starts(with: prefix)
                ? order.components[prefix.count] : nil
        }
        let start = activation.order(at: 0)
        guard start < range.upper, range.lower < activation.end else { return nil }
        let lower = index(range.lower) ?? 0
        var upper = Int.max - 1
        if let bound = index(range.upper) {
            // A bound that is this iteration's own boundary leaves the iteration out.
            upper = range.upper.components.count == prefix.count + 1 ? bound - 1 : bound
        }
        return lower <= upper ? lower...upper : nil
    }

    private static func merged(_ ranges: [ClosedRange<Int>]) -> [ClosedRange<Int>] {
        var result: [ClosedRange<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, range.lowerBound <= last.upperBound + 1 {
                result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }

    /// The boundary after the last selected iteration; nil where that is not known.
    private func lastWanted(
        in activations: [LoopActivation], demand: Demand, isInside: Bool
    ) -> OrderKey? {
        var result: OrderKey?
        for activation in activations {
            let isNamed = demand.selected?[activation.loop] != nil
            let ranges: [ClosedRange<Int>]
            switch wantedByProbes(activation, demand, isInside: isInside) {
            case .none: continue
            case .all: ranges = [0...(Int.max - 1)]
            case .some(let some): ranges = some
            }
            guard let last = ranges.last else { continue }
            if isInside || isNamed {
                guard last.upperBound < Int.max - 1 || activation.count != nil else { return nil }
                let after = last.upperBound >= Int.max - 1 ? Int.max : last.upperBound + 1
                let end = activation.order(at: min(after, activation.count ?? Int.max))
                result = max(result ?? end, end)
            } else {
                for iteration in activation.iterations {
                    let inner = lastWanted(in: iteration.activations, demand: demand, isInside: false)
                    if let inner { result = max(result ?? inner, inner) }
                }
            }
        }
        return result
    }

    // MARK: - Building

    /// A part of a plan, and the seconds that it takes.
    private struct Piece {
        var jumps: [Jump] = []
        /// The same jumps, as the worker will report them.
        var taken: [JumpTaken] = []
        var checks: [Int] = []
        var cuts: [Cut] = []
        var executed: Double = 0
        var restored: Double = 0
        var cost: Double { executed + restored }

        static func += (left: inout Piece, right: Piece) {
            left.cuts += right.cuts.map { Cut(order: $0.order, seconds: left.cost + $0.seconds) }
            left.jumps += right.jumps
            left.taken += right.taken
            left.checks += right.checks
            left.executed += right.executed
            left.restored += right.restored
        }
    }

    private func build(_ demand: Demand, stop: Stop? = nil) -> (plan: Plan, jumps: [JumpTaken]) {
        let (plan, piece) = pieced(demand, stop: stop)
        return (plan, piece.taken)
    }

    private func pieced(_ demand: Demand, stop: Stop? = nil) -> (plan: Plan, piece: Piece) {
        var piece = Piece()
        var executedTo = 0.0
        for activation in history.activations {
            let start = history.elapsed(at: activation.order(at: 0))
            if let stop, stop.order < activation.order(at: 0) { break }
            piece.executed += max(0, start - executedTo)
            piece += visit(activation, demand, stop: stop, isInside: false)
            executedTo = history.elapsed(at: activation.end)
        }
        if stop == nil { piece.executed += max(0, history.lastElapsed - executedTo) }
        let plan = Plan(
            jumps: piece.jumps, checks: piece.checks, stop: stop,
            estimate: PlanEstimate(
                executedSeconds: piece.executed, restores: piece.jumps.count,
                restoreSeconds: piece.restored))
        return (plan, piece)
    }

    /// Execution has arrived at the loop's first boundary.
    private func visit(
        _ activation: LoopActivation, _ demand: Demand, stop: Stop?, isInside: Bool
    ) -> Piece {
        let ranges: [ClosedRange<Int>]
        switch wanted(activation, demand, isInside: isInside) {
        case .none: ranges = []
        case .all: ranges = [0...(Int.max - 1)]
        case .some(let some): ranges = some
        }
        let inside = isInside || demand.selected?[activation.loop] != nil
        var piece = Piece()
        var position = 0
        var isArrivedByJump = false
        for range in ranges {
            if position < range.lowerBound {
                let over = passOver(
                    activation, from: position, to: range.lowerBound, demand, isArrivedByJump: isArrivedByJump
                )
                piece += over.piece
                isArrivedByJump = over.endsWithJump
            }
            piece += execute(
                activation, range.lowerBound, through: range.upperBound, demand, stop: stop, isInside: inside,
                isArrivedByJump: isArrivedByJump)
            isArrivedByJump = false
            position = range.upperBound == Int.max ? Int.max : range.upperBound + 1
        }
        if let count = activation.count, position >= count {
            if let exit = activation.exitCheckpoint, isCheckable(exit),
                stop.map({ $0.order >= exit.order }) ?? true
            {
                piece.checks.append(exit.number)
            }
        } else if position < Int.max - 1, stop.map({ activation.order(at: position) < $0.order }) ?? true {
            let over = passOver(
                activation, from: position, to: nil, demand, isArrivedByJump: isArrivedByJump)
            piece += over.piece
        }
        return piece
    }

    /// Goes from one boundary of a loop to a later one, or past the loop's exit, at the lowest cost.
    private func passOver(
        _ activation: LoopActivation, from position: Int, to target: Int?, _ demand: Demand,
        isArrivedByJump: Bool
    ) -> (piece: Piece, endsWithJump: Bool) {
        var base = Piece()
        if !isArrivedByJump { base.checks += arrivalChecks(activation, position) }
        var bestPiece = executeUnwanted(activation, position, to: target, demand)
        var endsWithJump = false
        let landing = activation.iterations.last { iteration in
            guard let checkpoint = iteration.checkpoint, isUsable(checkpoint) else { return false }
            return iteration.index > max(position, checkpoint.reachableFrom)
                && iteration.index <= target ?? Int.max
        }
        func jumped(to target: Int?, _ checkpoint: Checkpoint) -> Piece {
            var piece = Piece()
            let start = max(position, checkpoint.reachableFrom)
            if start > position {
                piece += executeUnwanted(activation, position, to: start, demand)
                piece.checks += arrivalChecks(activation, start)
            }
            piece.jumps.append(
                Jump(place: activation.coordinate(at: start), target: target, checkpoint: checkpoint.number))
            piece.taken.append(
                JumpTaken(
                    checkpoint: checkpoint.number, from: activation.order(at: start), to: checkpoint.order))
            piece.restored += Self.restoreSeconds(checkpoint)
            return piece
        }
        if let landing, let checkpoint = landing.checkpoint {
            var piece = jumped(to: landing.index, checkpoint)
            piece += executeUnwanted(activation, landing.index, to: target, demand)
            if piece.cost < bestPiece.cost {
                bestPiece = piece
                endsWithJump = landing.index == target
            }
        }
        if target == nil, demand.skipsToExits, let exit = activation.exitCheckpoint, isUsable(exit) {
            let piece = jumped(to: nil, exit)
            if piece.cost < bestPiece.cost {
                bestPiece = piece
                endsWithJump = true
            }
        }
        base += bestPiece
        return (base, endsWithJump)
    }

    /// Runs iterations in which nothing is wanted: loops inside them may be passed over.
    private func executeUnwanted(
        _ activation: LoopActivation, _ position: Int, to target: Int?, _ demand: Demand
    ) -> Piece {
        guard target.map({ position < $0 }) ?? true else { return Piece() }
        var nothing = demand
        nothing.execute = []
        nothing.range = nil
        var piece = execute(
            activation, position, through: (target ?? Int.max) - 1, nothing, stop: nil, isInside: false,
            isArrivedByJump: true)
        if target == nil, let exit = activation.exitCheckpoint, isCheckable(exit) {
            piece.checks.append(exit.number)
        }
        return piece
    }

    private func arrivalChecks(_ activation: LoopActivation, _ index: Int) -> [Int] {
        activation.iterations.first { $0.index == index }?.checkpoint
            .flatMap { isCheckable($0) ? [$0.number] : nil } ?? []
    }

    private func execute(
        _ activation: LoopActivation, _ first: Int, through last: Int, _ demand: Demand, stop: Stop?,
        isInside: Bool, isArrivedByJump: Bool
    ) -> Piece {
        var piece = Piece()
        var now = history.elapsed(at: activation.order(at: first))
        let bound = last >= Int.max - 1 ? activation.end : min(activation.order(at: last + 1), activation.end)
        let end = min(bound, stop?.order ?? bound)
        func advance(to order: OrderKey) {
            let then = history.elapsed(at: order)
            piece.executed += max(0, then - now)
            now = max(now, then)
        }
        for iteration in activation.iterations where iteration.index >= first && iteration.index <= last {
            let boundary = activation.order(at: iteration.index)
            if let stop, stop.order < boundary { break }
            advance(to: boundary)
            if let checkpoint = iteration.checkpoint, isCheckable(checkpoint),
                iteration.index > first || !isArrivedByJump
            {
                piece.checks.append(checkpoint.number)
                if isUsable(checkpoint) { piece.cuts.append(Cut(order: boundary, seconds: piece.cost)) }
            }
            for inner in iteration.activations {
                let start = inner.order(at: 0)
                if let stop, stop.order < start { break }
                advance(to: start)
                piece += visit(inner, demand, stop: stop, isInside: isInside)
                now = max(now, history.elapsed(at: min(inner.end, end)))
            }
        }
        advance(to: end)
        // The boundary at which a replay ends is evidence too.
        if let stop, stop.kind == .boundary, stop.coordinate.count == activation.outer.count + 1,
            last < Int.max - 1, stop.order == activation.order(at: last + 1)
        {
            piece.checks += arrivalChecks(activation, last + 1)
        }
        return piece
    }

    /// Reading, verifying and copying a checkpoint back.
    private static func restoreSeconds(_ checkpoint: Checkpoint) -> Double {
        0.002 + Double(checkpoint.size) / 1_000_000_000
    }
}

/// A jump that a worker took.
public struct JumpTaken: Hashable, Sendable {
    public var checkpoint: Int
    public var from: OrderKey
    public var to: OrderKey

    public init(checkpoint: Int, from: OrderKey, to: OrderKey) {
        self.checkpoint = checkpoint
        self.from = from
        self.to = to
    }
}

extension Stop {
    init(_ checkpoint: Checkpoint) {
        self.init(kind: checkpoint.kind, coordinate: checkpoint.coordinate, order: checkpoint.order)
    }
}

extension OrderKey {
    fileprivate static func >= (left: OrderKey, right: OrderKey) -> Bool { !(left < right) }
}
