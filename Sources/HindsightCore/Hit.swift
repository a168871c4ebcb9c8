/// One level of a hit's iteration coordinate, as clients see it.
public struct Iteration: Hashable, Sendable, Codable {
    /// The source text of the loop's target; for a `while` loop, of its condition.
    public var loop: String
    /// From 0.
    public var index: Int
    /// The loop variable's value where it is a scalar.
    public var value: Scalar

    public init(loop: String, index: Int, value: Scalar) {
        self.loop = loop
        self.index = index
        self.value = value
    }
}

/// One execution of a log statement: what it wrote and where in the run.
public struct Hit: Hashable, Sendable {
    /// Relative to the project's root.
    public var file: String
    /// The statement's first line, from 1, in the source that was asked about.
    public var line: Int
    /// What the statement wrote, without the final newline.
    public var text: String
    /// The name under which a value was logged, where the statement names values.
    public var name: String?
    /// The logged value where the statement names values and it is a scalar.
    public var value: Scalar
    /// Outermost first; empty outside loops.
    public var iterations: [Iteration]
    public var order: OrderKey
    public var verdict: Verdict

    public init(
        file: String, line: Int, text: String, name: String? = nil, value: Scalar = .null,
        iterations: [Iteration], order: OrderKey, verdict: Verdict
    ) {
        self.file = file
        self.line = line
        self.text = text
        self.name = name
        self.value = value
        self.iterations = iterations
        self.order = order
        self.verdict = verdict
    }
}

/// What is known about a value's truth. Only evidence raises it (README, "What a verdict means").
public enum Verdict: Hashable, Sendable {
    /// The re-executed segment agreed with everything the run recorded about it.
    case exact
    /// Not checked yet, or nothing recorded it could be checked against.
    case provisional(String)
    /// The check failed; the text says where first.
    case diverged(String)
    /// Cannot be checked here; the text says why (another library version, other thread count, …).
    case unverifiable(String)

    public var name: String {
        switch self {
        case .exact: "exact"
        case .provisional: "provisional"
        case .diverged: "diverged"
        case .unverifiable: "unverifiable"
        }
    }

    /// Why the verdict is not `exact`; nil where it is.
    public var reason: String? {
        switch self {
        case .exact: nil
        case .provisional(let reason), .diverged(let reason), .unverifiable(let reason): reason
        }
    }
}
