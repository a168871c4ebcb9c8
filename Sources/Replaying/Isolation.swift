import HindsightCore
import PythonSource

/// A hit with its final verdict, and the statement that gave it.
struct Judged {
    var hit: Hit
    var statement: String
}

/// An answer that was put together from several passes.
struct Isolated {
    var hits: [Judged]
    /// How many hits each probe had; not all need be among them.
    var counts: [String: Int]
}

/// Finds the probes that disturb the training: the values of the others are to be as if those were absent.
extension QueryReplay {
    /// Seconds of recorded time that the search may execute.
    private static let longestSearch = 600.0

    /// The answer put together from passes without the probes that disturb, and those probes' own; nil where
    /// the whole answer stands as it is: nothing contradicts it, or no probe is to blame.
    func isolated(_ whole: Answer) throws -> Isolated? {
        let groups = asked.match.groups
        let isContradicted = whole.main.findings.contains { finding in
            if case .contradicted = finding.standing { true } else { false }
        }
        guard isContradicted || whole.main.contradiction != nil, !groups.isEmpty else { return nil }
        defer { restrict(to: groups) }
        let plan = whole.main.plan
        let passes = Double(2 + 2 * (groups.count - 1).bitWidthOfValue)
        guard plan.estimate.seconds * passes < Self.longestSearch else {
            note(
                "which of the statements disturbs the training is not looked for, since it would take long; "
                    + "ask about fewer of them at once")
            return nil
        }
        // Where the program alone goes another way than it did, it is not the statements' doing.
        guard let control = try trial(of: [], following: plan), control.firstContradiction == nil,
            let guilty = try disturbing(among: groups, in: whole.main, following: plan)
        else { return nil }
        let innocent = groups.filter { group in !guilty.contains { $0.group.key == group.key } }
        var judged: [Judged] = []
        var counts: [String: Int] = [:]
        if !innocent.isEmpty {
            guard let rest = try answer(for: innocent), rest.main.firstContradiction == nil else {
                return nil
            }
            counts = rest.main.counts
            for (finding, verdict) in zip(rest.main.findings, rest.verdicts) {
                var hit = finding.hit
                hit.verdict = verdict
                judged.append(Judged(hit: hit, statement: finding.statement))
            }
        }
        for (group, pass) in guilty {
            let probes = Set(group.probes)
            let contradiction = pass.firstContradiction ?? ""
            counts.merge(pass.counts.filter { probes.contains($0.key) }) { first, _ in first }
            for finding in pass.findings where probes.contains(finding.statement) {
                var hit = finding.hit
                // What is in doubt without the statement, too, may have made the difference.
                let doubts = control.doubts.about(hit) + control.differences
                hit.verdict =
                    doubts.isEmpty
                    ? .diverged(Self.reason(contradiction, isShared: probes.count > 1))
                    : .unverifiable((doubts + [contradiction]).joined(separator: "; "))
                judged.append(Judged(hit: hit, statement: finding.statement))
            }
        }
        return Isolated(hits: Self.inOrder(judged, of: whole.main), counts: counts)
    }

    private static func reason(_ contradiction: String, isShared: Bool) -> String {
        let who = isShared ? "these statements disturb" : "this statement disturbs"
        let them = isShared ? "them" : "it"
        return
            "\(who) the training: a replay without \(them) agrees with the run, one with \(them) does not; "
            + contradiction
    }

    private func trial(of groups: [SourceMatch.Group], following plan: Plan) throws -> PassResult? {
        restrict(to: groups)
        return try pass(plan, isTold: false) { try self.planner.fullPlan(stop: plan.stop) }
            .flatMap(controlled)
    }

    private func answer(for groups: [SourceMatch.Group]) throws -> Answer? {
        restrict(to: groups)
        let plan = try planner.plan(selection: asked.iterations)
        guard let answer = try answer(following: plan, isTold: false) else { return nil }
        guard answer.isDoubtful, !answer.main.jumps.isEmpty else { return answer }
        return try self.answer(following: planner.fullPlan(stop: plan.stop), isTold: false)
    }

    private typealias Guilty = (group: SourceMatch.Group, pass: PassResult)

    /// By halves. `pass` had all of the groups in it, and was contradicted.
    private func disturbing(
        among groups: [SourceMatch.Group], in pass: PassResult, following plan: Plan
    ) throws -> [Guilty]? {
        guard groups.count > 1 else { return groups.map { ($0, pass) } }
        var found: [Guilty] = []
        let middle = groups.count / 2
        for half in [Array(groups[..<middle]), Array(groups[middle...])] {
            guard let trial = try trial(of: half, following: plan) else { return nil }
            guard trial.firstContradiction != nil else { continue }
            guard let guilty = try disturbing(among: half, in: trial, following: plan) else { return nil }
            found += guilty
        }
        // They disturb together only.
        return found.isEmpty ? groups.map { ($0, pass) } : found
    }

    /// In the order in which one pass over all of them gave the same hits: between the same two events of the
    /// run, passes number their hits on their own.
    private static func inOrder(_ judged: [Judged], of whole: PassResult) -> [Judged] {
        struct Slot: Hashable { var statement: String, name: String?, place: ArraySlice<Int> }
        func slot(_ hit: Hit, _ statement: String) -> Slot {
            Slot(statement: statement, name: hit.name, place: hit.order.components.dropLast())
        }
        var orders: [Slot: [OrderKey]] = [:]
        for finding in whole.findings {
            orders[slot(finding.hit, finding.statement), default: []].append(finding.hit.order)
        }
        var taken: [Slot: Int] = [:]
        let placed = judged.map { judged in
            let slot = slot(judged.hit, judged.statement)
            let number = taken[slot, default: 0]
            taken[slot] = number + 1
            var judged = judged
            if let known = orders[slot], number < known.count { judged.hit.order = known[number] }
            return judged
        }
        return placed.enumerated().sorted { left, right in
            if left.element.hit.order < right.element.hit.order { return true }
            return !(right.element.hit.order < left.element.hit.order) && left.offset < right.offset
        }.map(\.element)
    }
}

extension Int {
    /// How often it can be halved.
    fileprivate var bitWidthOfValue: Int { Int.bitWidth - leadingZeroBitCount }
}
