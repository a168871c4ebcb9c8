/// The new verdict of hits: those of one statement at one place in the run.
public struct VerdictUpdate: Hashable, Sendable {
    public var order: OrderKey
    public var file: String
    public var line: Int
    public var verdict: Verdict

    public init(order: OrderKey, file: String, line: Int, verdict: Verdict) {
        self.order = order
        self.file = file
        self.line = line
        self.verdict = verdict
    }
}
