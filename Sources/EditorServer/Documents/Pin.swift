import LanguageServerProtocol

/// An expression whose history is shown though no statement asks for it: a comment that the analysis and the
/// replay see, and the document does not hold.
struct Pin: Equatable {
    var expression: String
    /// Bytes of the expression.
    var range: Range<Int>
    /// Where the comment would stand.
    var comment: Int

    /// Follows an edit of `document`, which is still the text before it; nil where its lines are touched.
    func following(replacing edit: Range<Int>, with text: String, in document: TextDocument) -> Pin? {
        let lines = document.lines
        let start = lines.starts[lines.line(at: range.lowerBound)]
        let end = document.contentRange(ofLine: lines.line(at: comment)).upperBound
        let bytes = text.utf8
        // A line that begins or ends there is another one.
        if edit.lowerBound >= end, edit.lowerBound > end || bytes.first == 0x0A { return self }
        guard edit.upperBound <= start, edit.upperBound < start || bytes.last == 0x0A else { return nil }
        let shift = bytes.count - edit.count
        return Pin(
            expression: expression, range: range.lowerBound + shift..<range.upperBound + shift,
            comment: comment + shift)
    }
}

/// A document's text with comments in it that it does not hold.
struct PinnedText {
    /// What the analysis and the replay are given.
    private(set) var text: TextDocument
    /// The pins by their comments' places there: the line from 0, and the column in bytes.
    private(set) var pins: [Place: Pin] = [:]

    struct Place: Hashable {
        var line: Int
        var column: Int
    }

    init(_ document: TextDocument, _ pins: [Pin]) {
        text = document
        // From the end, so that places before stay what they are.
        for (comment, pins) in Dictionary(grouping: pins, by: \.comment).sorted(by: { $0.key > $1.key }) {
            let line = document.lines.line(at: comment)
            let content = document.contentRange(ofLine: line)
            var written = ""
            for pin in pins {
                let column = comment - content.lowerBound + written.utf8.count + 2
                self.pins[Place(line: line, column: column)] = pin
                written += "  #? \(pin.expression)"
            }
            text.replace(comment..<content.upperBound, with: written)
        }
    }
}
