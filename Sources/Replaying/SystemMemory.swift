import Foundation

enum SystemMemory {
    /// Whether so little is left that workers which only stand should go.
    static var isShort: Bool { !hasRoom(for: 0) }

    /// Whether a process that needs so many bytes would leave enough for the others.
    static func hasRoom(for bytes: Int) -> Bool {
        guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else { return true }
        var kilobytes: [Substring: Double] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(whereSeparator: { $0 == " " || $0 == ":" })
            if fields.count > 1 { kilobytes[fields[0]] = Double(fields[1]) }
        }
        guard let total = kilobytes["MemTotal"], let available = kilobytes["MemAvailable"] else {
            return true
        }
        return available - Double(bytes) / 1024 >= total / 10
    }
}
