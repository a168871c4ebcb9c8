/// A source text as somebody edited it.
public struct SourceFile: Hashable, Sendable, Codable {
    /// Relative to the project's root, with `/`.
    public var path: String
    public var text: String

    public init(path: String, text: String) {
        self.path = path
        self.text = text
    }
}
