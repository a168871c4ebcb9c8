import HindsightCore

/// What came out of following one plan.
struct PassResult: Sendable {
    var plan: Plan
    /// In the run's order.
    var findings: [Finding]
    var jumps: [JumpTaken]
    /// Whether a stretch that began at a restored checkpoint ended in the recorded state.
    var verifiedSegments: [(from: Int, to: Int)]
    /// The first contradiction that still holds at the end.
    var contradiction: String?
    /// The first one, whether or not the replay found back to the run's way later.
    var firstContradiction: String?
    var isPastHorizon: Bool
    /// Files that were found to be others than they were.
    var doubts: [FileDoubt]
    /// What may still be settled by replays without the probes.
    var openEnds: [OpenEnd]
    /// What comparing with the data of another replay has shown.
    var control: (order: OrderKey, difference: String?)?
    /// Facts of the interpreter and machine that differ from the recorded ones.
    var differences: [String]
    /// The wanted hits of each probe; not all need be among the findings.
    var counts: [String: Int]
    /// Ids of probes that others called: alone they would have fewer hits.
    var nested: Set<String>
    /// Whether values rest on files that the run did not use, as they are now.
    var hasBorrowed: Bool
    /// The last lines that the program wrote, where it did not end as the run did.
    var output: [String]

    /// Joins what several workers found, each on its own stretch of one plan.
    ///
    /// - Parameter parts: in the run's order.
    init(joining parts: [PassResult], of plan: Plan) {
        self.plan = plan
        findings = parts.flatMap(\.findings)
        jumps = parts.flatMap(\.jumps)
        verifiedSegments = parts.flatMap(\.verifiedSegments)
        contradiction = parts.lazy.compactMap(\.contradiction).first
        firstContradiction = parts.lazy.compactMap(\.firstContradiction).first
        isPastHorizon = parts.contains(where: \.isPastHorizon)
        doubts = []
        for doubt in parts.flatMap(\.doubts) where !doubts.contains(doubt) { doubts.append(doubt) }
        openEnds = []
        var first = 0
        for part in parts {
            openEnds += part.openEnds.map { $0.moved(by: first) }
            first += part.findings.count
        }
        differences = []
        for text in parts.flatMap(\.differences) where !differences.contains(text) {
            differences.append(text)
        }
        counts = parts.reduce(into: [:]) { $0.merge($1.counts, uniquingKeysWith: +) }
        nested = parts.reduce(into: []) { $0.formUnion($1.nested) }
        hasBorrowed = parts.contains(where: \.hasBorrowed)
        output = parts.last?.output ?? []
    }

    init(of pass: ReplayPass) {
        plan = pass.plan
        findings = pass.findings
        jumps = pass.jumps
        verifiedSegments = pass.evidence.verifiedSegments
        contradiction = pass.evidence.contradiction
        firstContradiction = pass.evidence.firstContradiction
        isPastHorizon = pass.evidence.isPastHorizon
        doubts = pass.doubtsInside
        openEnds = OpenEnd(of: pass).map { [$0] } ?? []
        control = pass.shownByControl
        differences = pass.differences
        counts = pass.counts
        nested = pass.nested
        hasBorrowed = pass.hasBorrowed
        output = pass.output
    }
}
