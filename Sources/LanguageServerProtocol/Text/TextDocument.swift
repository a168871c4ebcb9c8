/// A text that an editor changes piece by piece: UTF-8 bytes and a table of line starts.
///
/// Positions that lie outside are clamped, as the protocol asks: behind the end of a line to its end, behind
/// the last line to the end of the text, inside a character to its start.
public struct TextDocument: Hashable, Sendable {
    public private(set) var bytes: [UInt8]
    public private(set) var lines: LineTable

    public init(_ text: String) {
        bytes = Array(text.utf8)
        lines = LineTable(bytes)
    }

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public var lineCount: Int { lines.starts.count }

    /// The bytes of a range.
    public func offsets(of range: TextRange, encoding: PositionEncoding) -> Range<Int> {
        let start = offset(of: range.start, encoding: encoding)
        let end = offset(of: range.end, encoding: encoding)
        // Some clients send a selection as it was made, backwards.
        return min(start, end)..<max(start, end)
    }

    /// Replaces a range.
    public mutating func replace(_ range: TextRange, with text: String, encoding: PositionEncoding) {
        replace(offsets(of: range, encoding: encoding), with: text)
    }

    /// Replaces some bytes.
    public mutating func replace(_ old: Range<Int>, with text: String) {
        var text = text
        let count = text.utf8.count
        text.withUTF8 { bytes.replaceSubrange(old, with: $0) }
        lines.replace(old, newCount: count, in: bytes)
    }

    /// Bytes of a line without its line break.
    public func contentRange(ofLine line: Int) -> Range<Int> {
        let start = lines.starts[line]
        var end = line + 1 < lines.starts.count ? lines.starts[line + 1] : bytes.count
        if line + 1 < lines.starts.count {
            if end > start, bytes[end - 1] == 0x0A { end -= 1 }
            if end > start, bytes[end - 1] == 0x0D { end -= 1 }
        }
        return start..<end
    }

    /// The byte at a position.
    public func offset(of position: TextPosition, encoding: PositionEncoding) -> Int {
        guard position.line >= 0 else { return 0 }
        guard position.line < lines.starts.count else { return bytes.count }
        let range = contentRange(ofLine: position.line)
        guard position.character > 0 else { return range.lowerBound }
        return bytes.withUnsafeBufferPointer { bytes in
            var offset = range.lowerBound
            var units = 0
            while offset < range.upperBound {
                units += encoding.units(firstByte: bytes[offset])
                if units > position.character { break }
                offset += PositionEncoding.length(firstByte: bytes[offset])
                if units == position.character { break }
            }
            return min(offset, range.upperBound)
        }
    }

    /// The position of a byte.
    public func position(of offset: Int, encoding: PositionEncoding) -> TextPosition {
        let offset = max(0, min(offset, bytes.count))
        let line = lines.line(at: offset)
        let start = lines.starts[line]
        let end = min(offset, contentRange(ofLine: line).upperBound)
        let character = bytes.withUnsafeBufferPointer { bytes in
            var index = start
            var units = 0
            while index < end {
                let next = index + PositionEncoding.length(firstByte: bytes[index])
                if next > end { break }
                units += encoding.units(firstByte: bytes[index])
                index = next
            }
            return units
        }
        return TextPosition(line: line, character: character)
    }

    /// The range of some bytes.
    public func range(of offsets: Range<Int>, encoding: PositionEncoding) -> TextRange {
        TextRange(
            start: position(of: offsets.lowerBound, encoding: encoding),
            end: position(of: offsets.upperBound, encoding: encoding))
    }
}
