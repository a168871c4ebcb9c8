/// How one plan may be divided among workers: each executes a stretch of it, from one cut to another.
public struct Division: Sendable {
    /// What a single worker would follow.
    public let whole: Plan
    /// In program order.
    public let cuts: [Cut]
    /// What comes before the loops: every worker that does not stand there already executes it.
    public let startSeconds: Double
    /// The last place at which the program's data are compared with recorded ones; nil: nowhere.
    public let lastCheck: OrderKey?
    private let rest: @Sendable (Cut) -> Plan

    init(
        whole: Plan, cuts: [Cut], startSeconds: Double, lastCheck: OrderKey?,
        rest: @escaping @Sendable (Cut) -> Plan
    ) {
        self.whole = whole
        self.cuts = cuts
        self.startSeconds = startSeconds
        self.lastCheck = lastCheck
        self.rest = rest
    }

    /// The part of the plan from a cut on, to the end: the worker jumps to the cut's checkpoint. Before it comes
    /// there it may execute what leads to it; hits there are none of the part's.
    public func plan(from cut: Cut) -> Plan { rest(cut) }

    /// The cut nearest to the middle of a stretch for which it is worth starting another worker: what either side
    /// executes takes longer than `seconds`, starting and finding the way to the cut included; nil where there is
    /// none.
    ///
    /// - Parameters:
    ///   - lower: where the stretch begins, exclusive.
    ///   - upper: where it ends; nil: with the plan.
    ///   - position: how far its worker is, in the plan's seconds.
    public func cut(
        after lower: OrderKey, before upper: OrderKey?, position: Double, worth seconds: Double
    ) -> Cut? {
        let end =
            upper.flatMap { order in cuts.first { $0.order == order } }?.seconds ?? whole.estimate.seconds
        let inside = cuts.filter { cut in
            lower < cut.order && upper.map { cut.order < $0 } ?? true && cut.seconds - position > seconds
                && end - cut.seconds > seconds
        }
        let middle = (position + end) / 2
        let nearest = inside.sorted { abs($0.seconds - middle) < abs($1.seconds - middle) }
        return nearest.prefix(8).first { cut in
            // A boundary deep inside may take long to come to.
            let detour = plan(from: cut).estimate.seconds - (whole.estimate.seconds - cut.seconds)
            return detour - startSeconds < (end - cut.seconds) / 4
        }
    }

    /// The seconds of the plan that lie before a place.
    public func seconds(before order: OrderKey) -> Double {
        cuts.last { !(order < $0.order) }?.seconds ?? 0
    }
}

/// A boundary, with a checkpoint to go on from, that a plan comes by.
public struct Cut: Hashable, Sendable {
    public var order: OrderKey
    /// What the plan executes and restores before it, in recorded seconds.
    public var seconds: Double

    public init(order: OrderKey, seconds: Double) {
        self.order = order
        self.seconds = seconds
    }
}
