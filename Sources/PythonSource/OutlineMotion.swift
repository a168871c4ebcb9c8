/// What an edit of a text does to the ranges of statements, so that an answer can follow the text before it
/// has been parsed again.
///
/// Lines count from 1 and columns in bytes of UTF-8 from 0. A range behind the edit moves, one around it
/// grows or shrinks, and one whose beginning was replaced is gone.
public struct OutlineMotion: Hashable, Sendable {
    /// A position in a text.
    public struct Position: Hashable, Sendable, Comparable {
        public var line: Int
        public var column: Int

        public init(line: Int, column: Int) {
            self.line = line
            self.column = column
        }

        public static func < (left: Position, right: Position) -> Bool {
            (left.line, left.column) < (right.line, right.column)
        }
    }

    private let start: Position
    private let end: Position
    /// Where the new text ends.
    private let newEnd: Position

    /// The replacement of what stood between two positions by `text`.
    public init(replacing start: Position, to end: Position, with text: String) {
        self.start = start
        self.end = max(start, end)
        var line = start.line
        var column = start.column
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 0
            } else {
                column += 1
            }
        }
        newEnd = Position(line: line, column: column)
    }

    /// The range's new place; nil where it is gone.
    public func moved(_ range: Range<Position>) -> Range<Position>? {
        // Typing right before a statement pushes it on; typing right behind it leaves it.
        if range.lowerBound >= end { return shifted(range.lowerBound)..<shifted(range.upperBound) }
        if range.upperBound <= start { return range }
        if range.lowerBound > start || (range.lowerBound == start && range.upperBound <= end) { return nil }
        return range.lowerBound..<(range.upperBound >= end ? shifted(range.upperBound) : start)
    }

    private func shifted(_ position: Position) -> Position {
        let column =
            position.line == end.line ? position.column - end.column + newEnd.column : position.column
        return Position(line: position.line - end.line + newEnd.line, column: column)
    }
}

extension OutlineMotion {
    /// The match of a file after the edit, as far as it is known without parsing.
    public func moved(_ file: SourceMatch.File) -> SourceMatch.File {
        var result = file
        result.probes = file.probes.compactMap { entry in
            guard let range = moved(entry.positions) else { return nil }
            var entry = entry
            (entry.line, entry.column) = (range.lowerBound.line, range.lowerBound.column)
            (entry.endLine, entry.endColumn) = (range.upperBound.line, range.upperBound.column)
            return entry
        }
        result.logs = file.logs.compactMap { entry in
            guard let range = moved(entry.positions) else { return nil }
            var entry = entry
            (entry.line, entry.column) = (range.lowerBound.line, range.lowerBound.column)
            (entry.endLine, entry.endColumn) = (range.upperBound.line, range.upperBound.column)
            return entry
        }
        result.loops = file.loops.compactMap { entry in
            guard let lines = moved(lines: entry.line...entry.endLine) else { return nil }
            var entry = entry
            (entry.line, entry.endLine) = (lines.lowerBound, lines.upperBound)
            return entry
        }
        result.changes = file.changes.compactMap { entry in
            guard let lines = moved(lines: entry.line...entry.endLine) else { return nil }
            var entry = entry
            (entry.line, entry.endLine) = (lines.lowerBound, lines.upperBound)
            return entry
        }
        return result
    }

    /// Whole lines after the edit; nil where they are gone.
    public func moved(lines: ClosedRange<Int>) -> ClosedRange<Int>? {
        let first = Position(line: lines.lowerBound, column: 0)
        let last = Position(line: lines.upperBound, column: .max / 2)
        guard let range = moved(first..<last) else { return nil }
        return range.lowerBound.line...max(range.lowerBound.line, range.upperBound.line)
    }
}

extension SourceMatch.Probe {
    fileprivate var positions: Range<OutlineMotion.Position> {
        let start = OutlineMotion.Position(line: line, column: column)
        return start..<max(start, OutlineMotion.Position(line: endLine, column: endColumn))
    }
}

extension SourceMatch.Log {
    fileprivate var positions: Range<OutlineMotion.Position> {
        let start = OutlineMotion.Position(line: line, column: column)
        return start..<max(start, OutlineMotion.Position(line: endLine, column: endColumn))
    }
}
