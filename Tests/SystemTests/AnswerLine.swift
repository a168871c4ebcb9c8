import Foundation
import HindsightCore

/// One object of `hindsight query --format jsonl` and of `hindsight/values`, as a client reads it.
struct AnswerLine: Sendable, Decodable {
    struct Level: Sendable, Decodable, Equatable {
        var loop: String
        var index: Int
        var value: Scalar
    }

    var run: String
    var file: String
    var line: Int
    var text: String
    var name: String?
    var value: Scalar?
    var iteration: [Level]
    var verdict: String
    var verified: Bool
    /// Only from the server: `recorded` or `replayed`.
    var source: String?

    static func parse(_ result: Command.Result) throws -> [AnswerLine] {
        try result.lines.map { try JSONDecoder().decode(AnswerLine.self, from: Data($0.utf8)) }
    }
}
