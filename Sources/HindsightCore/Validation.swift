/// Joins the passes over one query into final verdicts.
///
/// A value that comes after a jump rests on the capture being complete, which the state's own comparison
/// cannot show. It is believed where some hit of the same probe was produced again by executing what the
/// first pass jumped over, and came out the same.
public struct Validation: Sendable {
    private struct Statement: Hashable { var file: String, line: Int }
    private struct Key: Hashable { var file: String, line: Int, name: String?, order: OrderKey }

    private var executed: [Key: Hit] = [:]
    private var contradictions: [String] = []
    /// Facts of the interpreter and machine that differ from the recorded ones.
    private let differences: [String]
    /// Whether a stretch that began at a restored checkpoint has been seen to end in the recorded state.
    public private(set) var isCaptureVerified: Bool

    public init(isCaptureVerified: Bool, differences: [String]) {
        self.isCaptureVerified = isCaptureVerified
        self.differences = differences
    }

    /// Takes what a validating pass gave, from where on it only executed.
    public mutating func add(
        hits: [Hit], standings: [Standing], evidence: Evidence, executedFrom: OrderKey
    ) {
        if !evidence.verifiedSegments.isEmpty { isCaptureVerified = true }
        for (hit, standing) in zip(hits, standings) where !(hit.order < executedFrom) {
            if case .confirmed = standing { executed[Self.key(hit)] = hit }
        }
        if let contradiction = evidence.contradiction { contradictions.append(contradiction) }
    }

    public mutating func captureVerified() { isCaptureVerified = true }

    /// Numbers of the hits that no pass has settled, apart by statement: each list needs a validating pass
    /// that covers one of it.
    public func unsettled(_ hits: [Hit], _ standings: [Standing]) -> [[Int]] {
        guard contradictions.isEmpty else { return [] }
        let proven = provenStatements(hits, standings)
        var lists: [Statement: [Int]] = [:]
        for (number, hit) in hits.enumerated() where standings[number] == .unopposed {
            let statement = Statement(file: hit.file, line: hit.line)
            if proven[statement] == nil, executed[Self.key(hit)] == nil {
                lists[statement, default: []].append(number)
            }
        }
        return lists.values.sorted { $0[0] < $1[0] }
    }

    /// One verdict for every hit.
    public func verdicts(_ hits: [Hit], _ standings: [Standing]) -> [Verdict] {
        let proven = provenStatements(hits, standings)
        return zip(hits, standings).map { hit, standing in
            let verdict = verdict(hit, standing, proven[Statement(file: hit.file, line: hit.line)])
            guard !differences.isEmpty else { return verdict }
            let facts = differences.joined(separator: "; ")
            switch verdict {
            case .diverged(let reason): return .diverged("\(reason) (\(facts))")
            default: return .unverifiable(facts)
            }
        }
    }

    private func verdict(_ hit: Hit, _ standing: Standing, _ proof: Proof?) -> Verdict {
        switch standing {
        case .confirmed: return .exact
        case .contradicted(let reason): return .diverged(reason)
        case .unopposed: break
        }
        if let again = executed[Self.key(hit)] {
            return again.text == hit.text && again.value.isSame(as: hit.value)
                ? .exact : .diverged(Self.mismatch(hit, again))
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
    private func provenStatements(_ hits: [Hit], _ standings: [Standing]) -> [Statement: Proof] {
        var result: [Statement: Proof] = [:]
        for (hit, standing) in zip(hits, standings) where standing == .unopposed {
            guard let again = executed[Self.key(hit)] else { continue }
            let statement = Statement(file: hit.file, line: hit.line)
            if case .differs = result[statement] { continue }
            result[statement] =
                again.text == hit.text && again.value.isSame(as: hit.value)
                ? .agrees : .differs(Self.mismatch(hit, again))
        }
        return result
    }

    private static func key(_ hit: Hit) -> Key {
        Key(file: hit.file, line: hit.line, name: hit.name, order: hit.order)
    }

    private static func mismatch(_ hit: Hit, _ again: Hit) -> String {
        let levels = hit.iterations.map { "\($0.loop) \($0.index)" }.joined(separator: ", ")
        let place = levels.isEmpty ? "" : " at \(levels)"
        return "first difference: \(hit.file):\(hit.line)\(place): \"\(hit.text)\" after restoring a "
            + "checkpoint, \"\(again.text)\" by executing what led to it"
    }
}

extension Fingerprint {
    /// Sentences about the facts that differ from the recorded ones; facts known to only one side say
    /// nothing.
    public func differences(from recorded: Fingerprint) -> [String] {
        facts.keys.sorted().compactMap { key in
            guard let now = facts[key], let then = recorded.facts[key], !now.isSame(as: then) else {
                return nil
            }
            return "\(key) was \(then.plain) when the run was recorded and is \(now.plain) now"
        }
    }
}

extension Scalar {
    /// The value as a person would write it.
    public var plain: String {
        switch self {
        case .null: "nothing"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .number(let value): "\(value)"
        case .string(let value): value
        }
    }
}
