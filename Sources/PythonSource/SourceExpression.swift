/// A name or an attribute in a source, and where a comment `#? …` can ask for its history.
///
/// Lines count from 1 and columns in bytes of UTF-8 from 0, as Python counts them.
public struct SourceExpression: Hashable, Sendable, Codable {
    /// As Python writes it.
    public var expression: String
    public var line: Int
    public var column: Int
    public var endLine: Int
    public var endColumn: Int
    /// The comment goes here, over whatever stands behind it on that line.
    public var commentLine: Int
    public var commentColumn: Int

    public init(
        expression: String, line: Int, column: Int, endLine: Int, endColumn: Int, commentLine: Int,
        commentColumn: Int
    ) {
        self.expression = expression
        self.line = line
        self.column = column
        self.endLine = endLine
        self.endColumn = endColumn
        self.commentLine = commentLine
        self.commentColumn = commentColumn
    }
}
