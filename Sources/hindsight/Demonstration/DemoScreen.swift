import Foundation

/// The part of the source around the loop, drawn with what stands beside each line. On a terminal it is drawn
/// again in its place whenever something changes; elsewhere it is written once, at the end.
struct DemoScreen {
    private let isLive = isatty(STDOUT_FILENO) != 0 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    private let hasColour = Terminal.wantsColour
    private var drawn: [String] = []

    /// Draws what is new. `cursor` is the line that is being typed.
    mutating func draw(_ lines: [String], from first: Int, hints: [Int: String], typed: Int?) {
        guard isLive else { return }
        let picture = Self.picture(
            lines, from: first, hints: hints, typed: typed, width: Self.width, hasColour: hasColour)
        guard picture != drawn else { return }
        var bytes = drawn.isEmpty ? "" : "\u{1B}[\(drawn.count)A"
        for line in picture { bytes += "\r\u{1B}[K\(line)\n" }
        drawn = picture
        write(bytes)
    }

    /// Draws the last picture; the only one where there is no terminal.
    mutating func finish(_ lines: [String], from first: Int, hints: [Int: String], typed: Int?) {
        guard !isLive else { return draw(lines, from: first, hints: hints, typed: typed) }
        let picture = Self.picture(
            lines, from: first, hints: hints, typed: typed, width: nil, hasColour: false)
        write(picture.joined(separator: "\n") + "\n")
    }

    func say(_ sentence: String) { write(sentence + "\n") }

    /// Does not let the typing be over before it can be seen.
    func pause(milliseconds: Int) {
        if isLive { usleep(UInt32(milliseconds) * 1000) }
    }

    private func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

    private static var width: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 100 }
        return Int(size.ws_col)
    }

    private static func picture(
        _ lines: [String], from first: Int, hints: [Int: String], typed: Int?, width: Int?, hasColour: Bool
    ) -> [String] {
        lines[first...].enumerated().map { offset, line in
            let number = first + offset
            let mark = number == typed ? "+" : " "
            let digits = String(number + 1)
            let gutter = String(repeating: " ", count: max(0, 4 - digits.count)) + digits + " \(mark) "
            // A line that wraps could not be drawn over.
            let room = width.map { $0 - 1 - gutter.count } ?? .max
            let source = String(line.prefix(room))
            let left = room == .max ? .max : room - source.count - 3
            guard let hint = hints[number], left > 8 else { return gutter + source }
            let shown = "  \(hint.trimmingCharacters(in: .whitespaces).prefix(left))"
            return gutter + source + " " + (hasColour ? "\u{1B}[36m\(shown)\u{1B}[0m" : shown)
        }
    }
}
