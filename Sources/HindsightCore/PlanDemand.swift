/// What of the run a plan has to execute.
extension Planner {
    /// What must be executed; everything else may be passed over.
    struct Demand {
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

    enum Wanted {
        case none
        case all
        /// Ascending and disjoint.
        case some([ClosedRange<Int>])
    }

    func parts(of selection: IterationSelection) -> [LoopID: [IterationSelection.Part]] {
        targets.compactMapValues { selection.entry(for: $0)?.parts }
    }

    /// Loops that were seen, or are written, around a selected loop.
    func loopsAround(_ selected: [LoopID: [IterationSelection.Part]]?) -> Set<LoopID> {
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

    func wanted(_ activation: LoopActivation, _ demand: Demand, isInside: Bool) -> Wanted {
        let wanted = wantedAnywhere(activation, demand, isInside: isInside)
        if let from = demand.from { return clipped(wanted, of: activation, from: from) }
        guard case .some(let ranges) = wanted, let last = ranges.last,
            continuous.contains(activation.loop)
        else { return wanted }
        return .some([0...last.upperBound])
    }

    /// What is wanted from a boundary on; the iteration that begins or lies around there is among it.
    func clipped(_ wanted: Wanted, of activation: LoopActivation, from: OrderKey) -> Wanted {
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

    func wantedAnywhere(
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

    func wantedByProbes(
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

    func iterations(
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

    static func merged(_ ranges: [ClosedRange<Int>]) -> [ClosedRange<Int>] {
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
    func lastWanted(
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
}
