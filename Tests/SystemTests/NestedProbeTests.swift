import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// A log statement that calls a function in which another one stands makes that one say more.
    @Suite(.serialized) struct NestedProbeTests {
        private static let source = """
            def norm(x):
                square = x * x
                return square


            for step in range(3):
                y = step + 1

            """

        private static let inner = source.replacing(
            "square = x * x\n", with: "square = x * x\n    print(\"inner\", x)\n")

        private static func outer(_ source: String) -> String {
            source.replacing("y = step + 1\n", with: "y = step + 1\n    print(\"outer\", norm(y))\n")
        }

        @Test func answersThatWereKeptApartAreNotPutTogether() async throws {
            let project = try await SmallProgram.makeRecordedProject(source: Self.source)
            defer { project.remove() }
            func ask(_ text: String) async throws -> [AnswerLine] {
                try project.write(text, to: SmallProgram.file)
                return try AnswerLine.parse(
                    try await project.hindsight("query", "--format", "jsonl", SmallProgram.file))
            }
            #expect(try await ask(Self.inner).isEmpty)
            #expect(try await ask(Self.outer(Self.source)).map(\.text) == ["outer 1", "outer 4", "outer 9"])
            let both = try await ask(Self.outer(Self.inner))
            #expect(both.map(\.text) == (1...3).flatMap { ["inner \($0)", "outer \($0 * $0)"] })
            #expect(both.allSatisfy { $0.verdict == "exact" })
        }
    }
}
