/// A replay met a file that is not what it was in the run: what it computes from there on may be something else.
public struct FileDoubt: Hashable, Sendable {
    /// From here on.
    public var order: OrderKey
    /// A sentence that names the file.
    public var reason: String
    /// Whether only a jump made it so: a replay that executes everything would not meet it.
    public var isJumped: Bool

    public init(order: OrderKey, reason: String, isJumped: Bool) {
        self.order = order
        self.reason = reason
        self.isJumped = isJumped
    }
}
