import Foundation
import HindsightCore

/// A run in words.
enum RunText {
    /// `7f3a of train.py, 2 h ago, finished after 3 min`.
    static func short(_ run: Run, now: Date = Date()) -> String {
        let name = run.name.map { " “\($0)”" } ?? ""
        let age = NumberText.duration(max(1, now.timeIntervalSince(run.started)))
        return "\(run.id)\(name) of \(run.program), \(age) ago, \(status(run))"
    }

    static func status(_ run: Run) -> String {
        let duration = NumberText.duration(run.duration)
        return switch run.status {
        case .running: "still running"
        case .finished(0): "finished after \(duration)"
        case .finished(let code): "ended with code \(code) after \(duration)"
        case .raised(let exception): "raised \(ValueText.firstLine(exception, limit: 80)) after \(duration)"
        case .interrupted(let reason): "interrupted after \(duration) (\(reason))"
        }
    }
}
