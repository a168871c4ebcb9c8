/// A number found in a logged text, with the word that stands before it.
package struct LabelledNumber: Hashable {
    package var label: String
    package var value: Double
}

/// Finds the numbers in what a log statement wrote: `epoch 3 loss=0.25` has two, labelled `epoch` and `loss`.
///
/// A number counts where it stands alone: not `1` in `conv1`, nor either in `3x3`. A unit may follow.
package enum NumberScanner {
    package static func numbers(in text: String, limit: Int = 16) -> [LabelledNumber] {
        var text = text
        return text.withUTF8 { bytes in
            var found: [LabelledNumber] = []
            var index = 0
            var labelStart = 0
            while index < bytes.count, found.count < limit {
                guard let (end, value) = number(in: bytes, at: index) else {
                    // A word is skipped whole, so that its digits are not taken for numbers.
                    if isWord(bytes[index]) {
                        while index < bytes.count, isWord(bytes[index]) || bytes[index] == 0x2E { index += 1 }
                    } else {
                        index += 1
                    }
                    continue
                }
                found.append(LabelledNumber(label: label(bytes[labelStart..<index]), value: value))
                index = end
                labelStart = end
            }
            return found
        }
    }

    private static func number(
        in bytes: UnsafeBufferPointer<UInt8>, at start: Int
    ) -> (end: Int, value: Double)? {
        var index = start
        if bytes[index] == 0x2D || bytes[index] == 0x2B { index += 1 }
        guard index < bytes.count else { return nil }
        let digits = index
        if isLetter(bytes[index]) {
            while index < bytes.count, isWord(bytes[index]) { index += 1 }
            switch String(decoding: bytes[digits..<index], as: UTF8.self).lowercased() {
            case "nan": return (index, .nan)
            case "inf", "infinity": return (index, bytes[start] == 0x2D ? -.infinity : .infinity)
            default: return nil
            }
        }
        let isHexadecimal =
            bytes[index] == 0x30 && index + 2 < bytes.count && bytes[index + 1] | 0x20 == 0x78
        if isHexadecimal { index += 2 }
        let exponent: UInt8 = isHexadecimal ? 0x70 : 0x65
        var hasDigit = false
        var hasPoint = false
        while index < bytes.count {
            let byte = bytes[index]
            if isDigit(byte) || (isHexadecimal && 0x61...0x66 ~= byte | 0x20) {
                hasDigit = true
            } else if byte == 0x2E, !hasPoint,
                hasDigit || (index + 1 < bytes.count && isDigit(bytes[index + 1]))
            {
                hasPoint = true
            } else {
                break
            }
            index += 1
        }
        guard hasDigit else { return nil }
        if index < bytes.count, bytes[index] | 0x20 == exponent {
            var next = index + 1
            if next < bytes.count, bytes[next] == 0x2D || bytes[next] == 0x2B { next += 1 }
            if next < bytes.count, isDigit(bytes[next]) {
                while next < bytes.count, isDigit(bytes[next]) { next += 1 }
                index = next
            }
        }
        // `12ms` has a unit; `3x3` and `1.2.3` are no numbers.
        var tail = index
        while tail < bytes.count, isWord(bytes[tail]) {
            if isDigit(bytes[tail]) { return nil }
            tail += 1
        }
        if index + 1 < bytes.count, bytes[index] == 0x2E, isDigit(bytes[index + 1]) { return nil }
        var literal = String(decoding: bytes[start..<index], as: UTF8.self)
        if literal.hasSuffix(".") { literal.removeLast() }
        return Double(literal).map { (tail, $0) }
    }

    /// The last word before a number.
    private static func label(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> String {
        var end = bytes.endIndex
        while end > bytes.startIndex, !isWord(bytes[end - 1]) { end -= 1 }
        var start = end
        while start > bytes.startIndex, isWord(bytes[start - 1]) || isJoint(bytes[start - 1]) { start -= 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    private static func isJoint(_ byte: UInt8) -> Bool { byte == 0x2E || byte == 0x2F || byte == 0x2D }
    private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }
    private static func isLetter(_ byte: UInt8) -> Bool { 0x61...0x7A ~= byte | 0x20 || byte >= 0x80 }
    private static func isWord(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) || byte == 0x5F }
}
