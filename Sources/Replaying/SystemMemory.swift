import Foundation

enum SystemMemory {
    /// Whether so little is left that workers which only stand should go.
    static var isShort: Bool {
        guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else { return false }
        var kilobytes: [Substring: Double] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(whereSeparator: { $0 == " " || $0 == ":" })
            if fields.count > 1 { kilobytes[fields[0]] = Double(fields[1]) }
        }
        guard let total = kilobytes["MemTotal"], let available = kilobytes["MemAvailable"] else {
            return false
        }
        return available < total / 10
    }
}
