import Foundation
import HindsightCore
import Replaying

/// One line on the terminal that says how far a replay is; nothing where nobody looks.
final class ReplayStatusLine {
    private let isShown =
        isatty(STDERR_FILENO) != 0 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    private var isDirty = false
    private var lastShown = Date.distantPast

    func show(_ progress: ReplayProgress, hits: Int) {
        guard isShown, Date().timeIntervalSince(lastShown) > 0.1 else { return }
        lastShown = Date()
        let place = progress.coordinate.enumerated().map { depth, position in
            let count = depth == 0 ? progress.iterations : nil
            return "\(position.index + 1)" + (count.map { " of \($0)" } ?? "")
        }.joined(separator: ", ")
        let what =
            switch progress.phase {
            case .starting: "starting the program"
            case .replaying: "replaying" + (place.isEmpty ? "" : " iteration \(place)")
            case .checking: "checking"
            }
        let percent = Int(progress.fraction * 100)
        let left = HumanText.duration(progress.secondsLeft)
        write("\r\u{1B}[K\(what) · \(percent) % · \(hits) values · about \(left) left")
        isDirty = true
    }

    func clear() {
        guard isDirty else { return }
        write("\r\u{1B}[K")
        isDirty = false
    }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Foundation.write(STDERR_FILENO, bytes, bytes.count)
    }
}
