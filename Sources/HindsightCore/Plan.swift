/// What a replay executes: everything from the program's start, except what its jumps pass over.
public struct Plan: Hashable, Sendable {
    /// In program order.
    public var jumps: [Jump]
    /// Checkpoints at which execution (not a jump) arrives and which the worker compares with the live
    /// state, in program order.
    public var checks: [Int]
    /// Where the replay may end; nil: it runs on to where the run ended.
    public var stop: Stop?
    public var estimate: PlanEstimate

    public init(
        jumps: [Jump] = [], checks: [Int] = [], stop: Stop? = nil, estimate: PlanEstimate = PlanEstimate()
    ) {
        self.jumps = jumps
        self.checks = checks
        self.stop = stop
        self.estimate = estimate
    }

    /// Whether some value may rest on restored state, so that it takes another pass to believe it.
    public var restsOnRestoredState: Bool { !jumps.isEmpty }
}

/// A plan whose hits are compared with those that another pass read off restored state.
public struct ValidatingPlan: Hashable, Sendable {
    public var plan: Plan
    /// From here on the plan executes without a jump.
    public var executedFrom: OrderKey

    public init(plan: Plan, executedFrom: OrderKey) {
        self.plan = plan
        self.executedFrom = executedFrom
    }
}

/// At a loop's boundary: fill in a checkpoint and go on from there.
public struct Jump: Hashable, Sendable {
    /// The boundary at which it is taken.
    public var place: Coordinate
    /// The iteration of the same loop to go on with; nil: the loop's exit.
    public var target: Int?
    public var checkpoint: Int

    public init(place: Coordinate, target: Int?, checkpoint: Int) {
        self.place = place
        self.target = target
        self.checkpoint = checkpoint
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

/// A boundary or exit at which a replay ends.
public struct Stop: Hashable, Sendable {
    public var kind: CheckpointKind
    public var coordinate: Coordinate
    public var order: OrderKey
    /// Whether the replay goes on to where the run ended, should comparing the data there say nothing.
    public var needsEvidence: Bool

    public init(
        kind: CheckpointKind, coordinate: Coordinate, order: OrderKey, needsEvidence: Bool = false
    ) {
        self.kind = kind
        self.coordinate = coordinate
        self.order = order
        self.needsEvidence = needsEvidence
    }
}

/// What a plan costs, from the times of the recorded run.
public struct PlanEstimate: Hashable, Sendable {
    /// Seconds of the original run that are executed again, the start of the program included.
    public var executedSeconds: Double
    public var restores: Int
    public var restoreSeconds: Double

    public init(executedSeconds: Double = 0, restores: Int = 0, restoreSeconds: Double = 0) {
        self.executedSeconds = executedSeconds
        self.restores = restores
        self.restoreSeconds = restoreSeconds
    }

    public var seconds: Double { executedSeconds + restoreSeconds }
}
