/// Finds the cheapest way through the loops for what is wanted, from the outermost to the innermost.
extension Planner {
    /// A part of a plan, and the seconds that it takes.
    struct Piece {
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

    func build(_ demand: Demand, stop: Stop? = nil) -> (plan: Plan, jumps: [JumpTaken]) {
        let (plan, piece) = pieced(demand, stop: stop)
        return (plan, piece.taken)
    }

    func pieced(_ demand: Demand, stop: Stop? = nil) -> (plan: Plan, piece: Piece) {
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
            jumps: piece.jumps, checks: needed(piece.checks, jumps: piece.taken), stop: stop,
            estimate: PlanEstimate(
                executedSeconds: piece.executed, restores: piece.jumps.count,
                restoreSeconds: piece.restored))
        return (plan, piece)
    }

    /// Checks without those at a loop's exit right behind which the boundary of the loop around it is compared:
    /// nothing would be known sooner, and each costs time.
    private func needed(_ checks: [Int], jumps: [JumpTaken]) -> [Int] {
        let checkpoints = checks.map { history.checkpoint($0) }
        return zip(checks, zip(checkpoints, checkpoints.dropFirst() + [nil])).compactMap { number, pair in
            guard let exit = pair.0, exit.kind == .exit, let next = pair.1, isUsable(next),
                next.elapsed - exit.elapsed < Self.rightBehind,
                !jumps.contains(where: { exit.order <= $0.from && $0.from < next.order })
            else { return number }
            return nil
        }
    }

    /// In seconds of the run.
    private static let rightBehind = 0.1

    /// Execution has arrived at the loop's first boundary.
    func visit(
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
    func passOver(
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
    func executeUnwanted(
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

    func arrivalChecks(_ activation: LoopActivation, _ index: Int) -> [Int] {
        activation.iterations.first { $0.index == index }?.checkpoint
            .flatMap { isCheckable($0) ? [$0.number] : nil } ?? []
    }

    func execute(
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
    static func restoreSeconds(_ checkpoint: Checkpoint) -> Double {
        0.002 + Double(checkpoint.size) / 1_000_000_000
    }
}

extension OrderKey {
    fileprivate static func <= (left: OrderKey, right: OrderKey) -> Bool { !(right < left) }
    fileprivate static func >= (left: OrderKey, right: OrderKey) -> Bool { !(left < right) }
}
