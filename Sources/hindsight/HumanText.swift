import Foundation

/// Numbers as people read them.
enum HumanText {
    static func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<0.0995: String(format: "%.0f ms", seconds * 1000)
        case ..<9.95: String(format: "%.1f s", seconds)
        case ..<99.5: String(format: "%.0f s", seconds)
        case ..<5970: String(format: "%.0f min", seconds / 60)
        case ..<172_000: String(format: "%.1f h", seconds / 3600)
        default: String(format: "%.1f days", seconds / 86400)
        }
    }

    static func ago(_ date: Date, now: Date) -> String {
        let seconds = now.timeIntervalSince(date)
        return switch seconds {
        case ..<5: "just now"
        case ..<60: "\(Int(seconds)) s ago"
        case ..<3600: "\(Int(seconds / 60)) min ago"
        case ..<86400: "\(Int(seconds / 3600)) h ago"
        case ..<172_800: "yesterday"
        default: "\(Int(seconds / 86400)) days ago"
        }
    }

    static func bytes(_ count: Int) -> String {
        var value = Double(count)
        var units = ["B", "kB", "MB", "GB", "TB"][...]
        while value >= 999.5, units.count > 1 {
            value /= 1000
            units.removeFirst()
        }
        let unit = units.first ?? ""
        return unit == "B" || value >= 99.95
            ? String(format: "%.0f %@", value, unit) : String(format: "%.1f %@", value, unit)
    }

    /// A part of a time, in percent.
    static func share(_ part: Double, of whole: Double) -> String {
        whole > 0 ? String(format: "%.2f %%", part / whole * 100) : "–"
    }

    static func date(_ date: Date) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "yyyy-MM-dd HH:mm:ss"
        return formatter.string(from: date)
    }

    /// A word of a command line as a shell would need it.
    static func quoted(_ word: String) -> String {
        let plain = word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=:,+@%".contains($0) }
        return plain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
