import Foundation

/// Numbers as people read them.
enum NumberText {
    /// To the last bit: reading the text back gives the same number.
    static func whole(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
        return "\(value)"
    }

    /// Four digits, for a hint.
    static func rounded(_ value: Double) -> String {
        guard value.isFinite, value != value.rounded() || abs(value) >= 1e15 else { return whole(value) }
        return String(format: "%.4g", value)
    }

    /// `850 ms`, `12 s`, `3 min`, `2.5 h`.
    static func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<0.001: "no time"
        case ..<1: "\(Int((seconds * 1000).rounded())) ms"
        case ..<10: String(format: "%.1f s", seconds)
        case ..<120: "\(Int(seconds.rounded())) s"
        case ..<7200: "\(Int((seconds / 60).rounded())) min"
        default: String(format: "%.1f h", seconds / 3600)
        }
    }
}
