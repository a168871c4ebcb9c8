/// A hit of one pass, the statement that gave it, and what the pass knows about its truth.
public struct Finding: Hashable, Sendable {
    public var hit: Hit
    /// The log statement's id; two statements on one line have two.
    public var statement: String
    public var standing: Standing

    public init(_ hit: Hit, of statement: String, _ standing: Standing) {
        self.hit = hit
        self.statement = statement
        self.standing = standing
    }
}
