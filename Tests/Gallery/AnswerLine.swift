import Foundation
import HindsightCore

/// One object of `hindsight query --format jsonl` and of `hindsight/values`, as a client reads it.
package struct AnswerLine: Sendable, Decodable {
    package struct Level: Sendable, Decodable, Equatable {
        package var loop: String
        package var index: Int
        package var value: Scalar
    }

    package var run: String
    package var file: String
    package var line: Int
    package var text: String
    package var name: String?
    package var value: Scalar?
    package var iteration: [Level]
    package var verdict: String
    package var verified: Bool
    /// Only from the server: `recorded` or `replayed`.
    package var source: String?

    package static func parse(_ result: Command.Result) throws -> [AnswerLine] {
        try result.lines.map { try JSONDecoder().decode(AnswerLine.self, from: Data($0.utf8)) }
    }
}
