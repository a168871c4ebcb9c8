import LanguageServerProtocol

/// Where a log statement stands in the present text of a document.
struct Placement: Equatable {
    enum Statement: Hashable {
        /// A statement of the recorded program: its site there.
        case recorded(String)
        case probe(ProbeName)
    }

    var statement: Statement
    /// Bytes of the statement.
    var range: Range<Int>
}

/// The log statements of a document, moved with each edit at once, long before anything parses the new text.
struct Placements {
    private(set) var all: [Placement] = []

    init(_ all: [Placement] = []) { self.all = all.sorted { $0.range.lowerBound < $1.range.lowerBound } }

    /// Follows an edit of `document`, which is still the text before it.
    ///
    /// A statement is gone as soon as a line that it stands on is touched: whether it is still the same one,
    /// only the next analysis can say.
    mutating func follow(replacing range: Range<Int>, with text: String, in document: TextDocument) {
        guard !all.isEmpty else { return }
        let edit = Self.normalized(range, Array(text.utf8), document)
        let lines = document.lines
        let firstLine = lines.line(at: edit.range.lowerBound)
        var lastLine = lines.line(at: edit.range.upperBound)
        let startsLine = edit.range.lowerBound == lines.starts[firstLine]
        let endsLine =
            edit.range.upperBound == lines.starts[lastLine]
            && (edit.text.isEmpty ? startsLine : edit.text.last == 0x0A)
        // Whole lines came or went: the line behind them is only moved.
        if endsLine { lastLine -= 1 }
        var touched = firstLine..<max(firstLine, lastLine + 1)
        // Typing goes on behind a line's end with a line break: that line is not touched either.
        if !touched.isEmpty, edit.text.first == 0x0A,
            edit.range.lowerBound == document.contentRange(ofLine: firstLine).upperBound
        {
            touched = firstLine + 1..<max(firstLine + 1, touched.upperBound)
        }
        let shift = edit.text.count - edit.range.count
        all = all.compactMap { placement in
            let first = lines.line(at: placement.range.lowerBound)
            let last = lines.line(at: max(placement.range.lowerBound, placement.range.upperBound - 1))
            let isInside =
                placement.range.lowerBound < edit.range.upperBound
                && placement.range.upperBound > edit.range.lowerBound
            let isSplit =
                placement.range.lowerBound < edit.range.lowerBound
                && placement.range.upperBound > edit.range.lowerBound
            if isInside || isSplit || touched.overlaps(first..<last + 1) { return nil }
            guard placement.range.lowerBound >= edit.range.upperBound else { return placement }
            var moved = placement
            moved.range = placement.range.lowerBound + shift..<placement.range.upperBound + shift
            return moved
        }
    }

    /// The same edit, moved left to a line's start where that makes no difference: a client that compares
    /// texts reports a new line in front of a similar one as an insertion in the middle of that one.
    private static func normalized(
        _ range: Range<Int>, _ text: [UInt8], _ document: TextDocument
    ) -> (range: Range<Int>, text: [UInt8]) {
        guard range.isEmpty != text.isEmpty else { return (range, text) }
        let start = document.lines.starts[document.lines.line(at: range.lowerBound)]
        let distance = range.lowerBound - start
        let before = document.bytes[start..<range.lowerBound]
        guard distance > 0 else { return (range, text) }
        if range.isEmpty, text.suffix(distance).elementsEqual(before) {
            return (start..<start, before + text.dropLast(distance))
        }
        if text.isEmpty, document.bytes[range].suffix(distance).elementsEqual(before) {
            return (start..<range.upperBound - distance, [])
        }
        return (range, text)
    }
}
