/// A place in a text: both numbers from 0, `character` in the negotiated units.
public struct TextPosition: Hashable, Sendable, Codable, Comparable {
    public var line: Int
    public var character: Int

    public init(line: Int, character: Int) {
        self.line = line
        self.character = character
    }

    public static func < (left: TextPosition, right: TextPosition) -> Bool {
        (left.line, left.character) < (right.line, right.character)
    }
}

/// From a place up to, not including, another. (The protocol calls it `Range`.)
public struct TextRange: Hashable, Sendable, Codable {
    public var start: TextPosition
    public var end: TextPosition

    public init(start: TextPosition, end: TextPosition) {
        self.start = start
        self.end = end
    }

    /// Whether the two share a place; touching is enough, as for a cursor.
    public func touches(_ other: TextRange) -> Bool { start <= other.end && other.start <= end }
}
