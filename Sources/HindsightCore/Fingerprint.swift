/// What decides the bits of a run besides its program: versions, thread counts, processor features, flags.
/// The keys are the runtime's; a fact whose value changed while the program ran names its values in turn.
public struct Fingerprint: Hashable, Sendable, Codable {
    public var facts: [String: Scalar]

    public init(_ facts: [String: Scalar]) { self.facts = facts }

    public init(from decoder: any Decoder) throws {
        facts = try decoder.singleValueContainer().decode([String: Scalar].self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(facts)
    }

    /// Sentences about why what is computed under these facts says nothing about a run under the recorded
    /// ones; empty where the facts agree.
    ///
    /// A library that only one side has loaded is no difference: probes import some, and a replay may end
    /// before the program does.
    public func differences(from recorded: Fingerprint) -> [String] {
        guard !recorded.facts.isEmpty else {
            return ["the run was not recorded far enough to know what it ran on"]
        }
        guard !facts.isEmpty else { return ["the replay did not tell what it ran on"] }
        return Set(facts.keys).union(recorded.facts.keys).sorted().compactMap { key in
            let library = Self.libraryPrefix + (key.prefix { $0 != "." })
            switch (facts[key], recorded.facts[key]) {
            case (let now?, let then?):
                guard !Self.agree(now, then) else { return nil }
                return "\(key) was \(then.plain) when the run was recorded and is \(now.plain) now"
            case (let now?, nil):
                guard !key.hasPrefix(Self.libraryPrefix), !recorded.lacks(library, of: self) else {
                    return nil
                }
                return "\(key) is \(now.plain) now and was not set when the run was recorded"
            case (nil, let then?):
                guard !key.hasPrefix(Self.libraryPrefix), !lacks(library, of: recorded) else { return nil }
                return "\(key) was \(then.plain) when the run was recorded and is not set now"
            case (nil, nil): return nil
            }
        }
    }

    private static let libraryPrefix = "library."

    /// Whether a fact is missing here because its library was not loaded.
    private func lacks(_ library: String, of other: Fingerprint) -> Bool {
        facts[library] == nil && other.facts[library] != nil
    }

    /// Both began with the same value, and every later one now is one that was seen then.
    private static func agree(_ now: Scalar, _ then: Scalar) -> Bool {
        if now.isSame(as: then) { return true }
        let seen = values(then)
        let found = values(now)
        return found[0] == seen[0] && Set(found).isSubset(of: seen)
    }

    private static func values(_ fact: Scalar) -> [String] {
        guard case .string(let text) = fact else { return [fact.plain.lowercased()] }
        return text.split(separator: ", then ").map { $0.lowercased() }
    }
}
