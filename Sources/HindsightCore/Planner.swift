/// Finds the cheapest replay that is exact.
///
/// Execution always starts at the program's beginning. At a loop's boundary a jump may pass over iterations,
/// or over the rest of the loop, where a checkpoint holds the state to go on with. Walking down from the
/// outermost loops keeps every jump reachable: a checkpoint inside an iteration is only considered when
/// execution really arrives in that iteration.
public struct Planner: Sendable {
    public let history: LoopHistory
    /// Target texts by loop, for selections.
    let targets: [LoopID: String]
    /// Loops whose body may reach a probe.
    let execute: Set<LoopID>
    /// Loops that lexically surround a probe, outermost first.
    let probeLoops: [[LoopID]]
    /// Loops that the program enters once each, and outside of which it comes to no probe; nil: not known.
    let confinedTo: Set<LoopID>?
    /// Loops over whose iterations probes carry values of their own, which no checkpoint holds.
    let continuous: Set<LoopID>
    private let unusable: Set<Int>

    /// - Parameters:
    ///   - execute: loops whose body may reach a probe.
    ///   - probeLoops: for each probe, the loops written around it, outermost first.
    ///   - confinedTo: loops that the program enters once each, and outside of which it comes to no probe; nil where
    ///     that is not known.
    ///   - continuous: loops that have to be executed from their first iteration, without a jump, because
    ///     probes carry values of their own over their iterations.
    ///   - unusable: checkpoints that a worker could not use, besides those marked as damaged.
    public init(
        history: LoopHistory, loops: [RecordedLoop], execute: Set<LoopID>, probeLoops: [[LoopID]],
        confinedTo: Set<LoopID>? = nil, continuous: Set<LoopID> = [], unusable: Set<Int> = []
    ) {
        self.history = history
        targets = Dictionary(loops.map { ($0.id, $0.target) }, uniquingKeysWith: { first, _ in first })
        // Whatever surrounds a probe is executed even if the analysis does not say so.
        self.execute = execute.union(probeLoops.joined())
        self.probeLoops = probeLoops
        self.confinedTo = confinedTo
        self.continuous = continuous
        self.unusable = unusable
    }

    /// The plan that gives every hit of the probes, or every hit that the selection names.
    public func plan(selection: IterationSelection? = nil) -> Plan {
        guard let selection else { return cheapest(Demand(execute: execute), stop: lastStop) }
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

    /// Where a plan for every hit may end; nil: with the program.
    private var lastStop: Stop? {
        guard let confinedTo, !confinedTo.isEmpty else { return nil }
        let activations = history.activations.filter { confinedTo.contains($0.loop) }
        guard activations.count == confinedTo.count, activations.allSatisfy({ $0.count != nil }),
            let last = activations.last
        else { return nil }
        // The body is not executed any more from the boundary on at which there is no further item.
        let ends = [last.iterations.last { $0.index == last.count }?.checkpoint, last.exitCheckpoint]
        // What a checkpoint does not hold shows at the program's end, if anywhere.
        return ends.compactMap(\.self).first(where: isUsable).map { Stop($0, needsEvidence: true) }
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
        let stop = stop.flatMap { $0.needsEvidence ? lastStop : $0 }
        var demand = Demand(execute: [])
        demand.range = (OrderKey([]), stop?.order ?? OrderKey([Int.max]))
        return build(demand, stop: stop).plan
    }

    /// A plan that executes the stretch from `lower` on without a jump, up to evidence at or after `upper`.
    public func plan(executing lower: OrderKey, through upper: OrderKey) -> Plan {
        let evidence = history.checkpoints.first { $0.order > upper && isCheckable($0) }
        var demand = Demand(execute: continuous)
        demand.range = (lower, evidence?.order ?? OrderKey([Int.max]))
        return build(demand, stop: evidence.map { Stop($0) }).plan
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
        let stop = lastStop
        let end = stop?.order ?? OrderKey([Int.max])
        let whole = cheapest(demand, stop: stop)
        if whole.jumps.isEmpty {
            demand.range = (OrderKey([]), end)
        } else if build(demand, stop: stop).plan != whole {
            demand.skipsToExits = false
        }
        let chosen = demand
        let (plan, piece) = pieced(chosen, stop: stop)
        let checks = Set(plan.checks)
        let lastCheck = history.checkpoints.last { checks.contains($0.number) }?.order
        return Division(
            whole: plan, cuts: piece.cuts, startSeconds: history.secondsToMainActivation, lastCheck: lastCheck
        ) {
            cut in
            var rest = chosen
            rest.from = cut.order
            if rest.range != nil { rest.range = (cut.order, end) }
            return build(rest, stop: stop).plan
        }
    }

    // MARK: - Which checkpoints may be used

    func isUsable(_ checkpoint: Checkpoint) -> Bool {
        isCheckable(checkpoint) && checkpoint.lost.isEmpty
    }

    func isCheckable(_ checkpoint: Checkpoint) -> Bool {
        !checkpoint.isDamaged && !unusable.contains(checkpoint.number)
    }
}

extension Stop {
    init(_ checkpoint: Checkpoint, needsEvidence: Bool = false) {
        self.init(
            kind: checkpoint.kind, coordinate: checkpoint.coordinate, order: checkpoint.order,
            needsEvidence: needsEvidence)
    }
}
