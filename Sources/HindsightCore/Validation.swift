/// Joins the passes over one query into final verdicts.
///
/// A value that comes after a jump rests on the capture being complete, which the state's own comparison
/// cannot show. It is believed where some hit of the same probe was produced again by executing what the
/// first pass jumped over, and came out the same.
public struct Validation: Sendable {
    private struct Key: Hashable { var statement: String, name: String?, order: OrderKey }

    private var executed: [Key: Hit] = [:]
    private var contradictions: [String]
    /// Why nothing that is computed here can be compared with the run's values: facts of the interpreter
    /// and the machine.
    private let obstacles: [String]
    /// Files that were found to be others than they were.
    public private(set) var doubts: [FileDoubt] = []
    /// Whether a stretch that began at a restored checkpoint has been seen to end in the recorded state.
    public private(set) var isCaptureVerified: Bool

    /// - Parameter contradiction: the first pass' own. What was read off restored state in a pass that went
    ///   wrong anywhere is believed only where it was executed again, hit by hit.
    public init(isCaptureVerified: Bool, obstacles: [String], contradiction: String?) {
        self.isCaptureVerified = isCaptureVerified
        self.obstacles = obstacles
        contradictions = contradiction.map { [$0] } ?? []
    }

    /// Takes what a validating pass gave, from where on it only executed.
    ///
    /// - Parameter contradiction: the pass' first that held at its end.
    public mutating func add(_ findings: [Finding], contradiction: String?, executedFrom: OrderKey) {
        for finding in findings where !(finding.hit.order < executedFrom) {
            if case .confirmed = finding.standing { executed[Self.key(finding)] = finding.hit }
        }
        if let contradiction { contradictions.append(contradiction) }
    }

    /// Takes what one worker executed of the stretch of another, having come to the checkpoint from which that
    /// one started, and found it equal.
    public mutating func add(again findings: [Finding]) {
        for finding in findings {
            if case .contradicted = finding.standing { continue }
            executed[Self.key(finding)] = finding.hit
        }
    }

    /// Takes the files that a pass, the first or a validating one, found to be others than they were.
    public mutating func add(_ doubts: [FileDoubt]) {
        for doubt in doubts where !self.doubts.contains(doubt) { self.doubts.append(doubt) }
    }

    public mutating func captureVerified() { isCaptureVerified = true }

    /// Numbers of the hits that no pass has settled, apart by statement: each list needs a validating pass
    /// that covers one of it.
    public func unsettled(_ findings: [Finding]) -> [[Int]] {
        guard contradictions.isEmpty else { return [] }
        let proven = provenStatements(findings)
        var lists: [String: [Int]] = [:]
        for (number, finding) in findings.enumerated() where finding.standing == .unopposed {
            guard doubts.about(finding.hit).isEmpty else { continue }
            if proven[finding.statement] == nil, executed[Self.key(finding)] == nil {
                lists[finding.statement, default: []].append(number)
            }
        }
        return lists.values.sorted { $0[0] < $1[0] }
    }

    /// One verdict for every hit.
    public func verdicts(_ findings: [Finding]) -> [Verdict] {
        let proven = provenStatements(findings)
        return findings.map { finding in
            let verdict = verdict(finding, proven[finding.statement])
            // On other ground a failed check says no more about the replay than a good one.
            let reasons = doubts.about(finding.hit) + obstacles
            guard !reasons.isEmpty else { return verdict }
            return .unverifiable((reasons + [verdict.difference].compactMap(\.self)).joined(separator: "; "))
        }
    }

    private func verdict(_ finding: Finding, _ proof: Proof?) -> Verdict {
        switch finding.standing {
        case .confirmed: return .exact
        case .contradicted(let reason): return .diverged(reason)
        case .unwatched(let reason):
            return .provisional(
                "nothing that the run recorded shows whether this statement disturbs it: \(reason)")
        case .unopposed: break
        }
        let hit = finding.hit
        if let again = executed[Self.key(finding)] {
            return hit.isSame(as: again) ? .exact : .diverged(Self.mismatch(hit, again))
        }
        switch proof {
        case .differs(let reason): return .diverged(reason)
        case .agrees where isCaptureVerified && contradictions.isEmpty: return .exact
        case .agrees, nil: break
        }
        if let contradiction = contradictions.first { return .diverged(contradiction) }
        return .provisional(
            "it rests on restored state, and what led to this statement was nowhere executed again")
    }

    private enum Proof {
        case agrees
        case differs(String)
    }

    /// What re-execution showed about each statement whose hits are read off restored state.
    private func provenStatements(_ findings: [Finding]) -> [String: Proof] {
        var result: [String: Proof] = [:]
        for finding in findings where finding.standing == .unopposed {
            guard let again = executed[Self.key(finding)] else { continue }
            if case .differs = result[finding.statement] { continue }
            let hit = finding.hit
            result[finding.statement] =
                hit.isSame(as: again) ? .agrees : .differs(Self.mismatch(hit, again))
        }
        return result
    }

    private static func key(_ finding: Finding) -> Key {
        Key(statement: finding.statement, name: finding.hit.name, order: finding.hit.order)
    }

    private static func mismatch(_ hit: Hit, _ again: Hit) -> String {
        let levels = hit.iterations.map { "\($0.loop) \($0.index)" }.joined(separator: ", ")
        let place = levels.isEmpty ? "" : " at \(levels)"
        return "first difference: \(hit.file):\(hit.line)\(place): \"\(hit.text)\" after restoring a "
            + "checkpoint, \"\(again.text)\" by executing what led to it"
    }
}

extension Verdict {
    fileprivate var difference: String? {
        if case .diverged(let reason) = self { return reason }
        return nil
    }
}

extension Hit {
    fileprivate func isSame(as other: Hit) -> Bool { text == other.text && value.isSame(as: other.value) }
}
