/// Cuts a byte stream into messages (`Content-Length: n`, a blank line, n bytes).
///
/// It survives whatever arrives: after a malformed header it goes on at the next thing that looks like one,
/// and a message beyond the size limit is skipped without being held in memory.
public struct MessageParser {
    /// What the stream held next.
    public enum Item: Equatable {
        case message([UInt8])
        /// Something that is no message; the text says what.
        case malformed(String)
    }

    /// Longest accepted message.
    public let sizeLimit: Int
    private let headerLimit = 8192
    private var buffer: [UInt8] = []
    private var start = 0
    /// Bytes of an oversize message that are still to be dropped.
    private var skipping = 0
    /// Length of the body that follows, once its header has been read.
    private var expected: Int?
    /// Where the search for the end of the header goes on, so that trickling bytes are not searched again.
    private var searched = 0

    public init(sizeLimit: Int = 256 << 20) { self.sizeLimit = sizeLimit }

    /// Adds what was read.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 20)
            searched -= start
            start = 0
        } else if start > 1 << 16, start > buffer.count / 2 {
            buffer.removeFirst(start)
            searched -= start
            start = 0
        }
        searched = max(searched, start)
        buffer.append(contentsOf: bytes)
    }

    /// The next item, or nil until more bytes come.
    public mutating func next() -> Item? {
        if skipping > 0 {
            let dropped = min(skipping, buffer.count - start)
            start += dropped
            skipping -= dropped
            if skipping > 0 { return nil }
        }
        if let length = expected {
            guard buffer.count - start >= length else { return nil }
            let body = Array(buffer[start..<start + length])
            start += length
            searched = start
            expected = nil
            return .message(body)
        }
        return header()
    }

    private mutating func header() -> Item? {
        // Blank lines between messages are harmless.
        while start < buffer.count, buffer[start] == 0x0D || buffer[start] == 0x0A { start += 1 }
        guard let end = headerEnd() else {
            guard buffer.count - start > headerLimit else { return nil }
            resynchronize(from: start + 1, keepingTail: true)
            return .malformed("A header is longer than \(headerLimit) bytes.")
        }
        var length: Int?
        for line in buffer[start..<end].split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            guard let colon = line.firstIndex(of: 0x3A) else {
                return malformedHeader(end: end, "A header line has no colon.")
            }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            let value = line[(colon + 1)...].filter { $0 != 0x20 && $0 != 0x09 }
            switch name {
            case "content-length":
                guard let number = Self.number(value), length == nil || length == number else {
                    return malformedHeader(end: end, "Content-Length is not a number.")
                }
                length = number
            case "content-type": break
            default:
                guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) else {
                    return malformedHeader(end: end, "A header's name holds strange characters.")
                }
            }
        }
        guard let length else { return malformedHeader(end: end, "A header has no Content-Length.") }
        start = end
        searched = end
        if length > sizeLimit {
            skipping = length
            return .malformed("A message of \(length) bytes is longer than the \(sizeLimit) allowed.")
        }
        expected = length
        return next()
    }

    /// Just behind the blank line; a client that ends lines with a bare newline is understood too.
    private mutating func headerEnd() -> Int? {
        var index = max(start, searched - 3)
        while index < buffer.count {
            if buffer[index] == 0x0A {
                if index + 1 < buffer.count, buffer[index + 1] == 0x0A { return index + 2 }
                if index + 2 < buffer.count, buffer[index + 1] == 0x0D, buffer[index + 2] == 0x0A {
                    return index + 3
                }
            }
            index += 1
        }
        searched = buffer.count
        return nil
    }

    private mutating func malformedHeader(end: Int, _ reason: String) -> Item {
        resynchronize(from: start + 1, upTo: end, keepingTail: false)
        return .malformed(reason)
    }

    /// Goes to the next place that starts like a header, which may be in the middle of a garbled line.
    private mutating func resynchronize(from: Int, upTo: Int? = nil, keepingTail: Bool) {
        let word = Array("content-length:".utf8)
        let end = upTo ?? buffer.count
        var index = from
        while index + word.count <= end {
            if word.indices.allSatisfy({ buffer[index + $0] | 0x20 == word[$0] | 0x20 }) {
                start = index
                searched = index
                return
            }
            index += 1
        }
        // The word itself may be cut by the end of what was read so far.
        start = keepingTail ? max(from, end - word.count + 1) : end
        searched = start
    }

    private static func number(_ digits: [UInt8]) -> Int? {
        guard !digits.isEmpty, digits.count <= 15, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else {
            return nil
        }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
