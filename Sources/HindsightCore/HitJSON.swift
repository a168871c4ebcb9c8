/// Hits as JSON with the documented keys in their documented order, written straight to bytes: there may be
/// a hundred thousand.
public struct HitJSON {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// Adds an object.
    ///
    /// - Parameters:
    ///   - line: the statement's line where it is another one by now than when the hit was found.
    ///   - source: `recorded` or `replayed`, where both are mixed.
    public mutating func append(_ hit: Hit, run: RunID, line: Int? = nil, source: String? = nil) {
        raw(#"{"run":"#)
        append(run.description)
        raw(#","file":"#)
        append(hit.file)
        raw(#","line":"#)
        raw(String(line ?? hit.line))
        raw(#","text":"#)
        append(hit.text)
        raw(#","name":"#)
        if let name = hit.name { append(name) } else { raw("null") }
        raw(#","value":"#)
        append(hit.value)
        raw(#","iteration":["#)
        for (index, iteration) in hit.iterations.enumerated() {
            raw(index == 0 ? #"{"loop":"# : #",{"loop":"#)
            append(iteration.loop)
            raw(#","index":"#)
            raw(String(iteration.index))
            raw(#","value":"#)
            append(iteration.value)
            raw("}")
        }
        raw(#"],"verdict":"#)
        append(hit.verdict.name)
        raw(hit.verdict == .exact ? #","verified":true"# : #","verified":false"#)
        if let reason = hit.verdict.reason {
            raw(#","reason":"#)
            append(reason)
        }
        if let source {
            raw(#","source":"#)
            append(source)
        }
        raw("}")
    }

    /// Adds text that is JSON already.
    public mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Adds a string literal.
    public mutating func append(_ text: String) {
        bytes.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22: raw("\\\"")
            case 0x5C: raw("\\\\")
            case 0x0A: raw("\\n")
            case 0x0D: raw("\\r")
            case 0x09: raw("\\t")
            case ..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                raw("\\u00")
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(0x22)
    }

    private mutating func append(_ value: Scalar) {
        switch value {
        case .null: raw("null")
        case .bool(let value): raw(value ? "true" : "false")
        case .integer(let value): raw(String(value))
        case .number(let value):
            if value.isFinite {
                raw("\(value)")
            } else {
                raw(value.isNaN ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\"")
            }
        case .string(let value): append(value)
        }
    }
}
