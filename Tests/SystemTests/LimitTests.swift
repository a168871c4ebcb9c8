import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// Of a statement that was executed very often so many values are kept, in every pass, and all are counted.
    @Suite(.serialized) struct LimitTests {
        private static let source = """
            import sys

            watch = sys.modules.get("hindsight_runtime.watch")
            if watch is not None:
                watch.LONGEST, watch.SHARE = -1.0, 0.0
            watch = None


            def main():
                seen = []
                total = 0
                for step in range(STEPS):
                    total += step & 7
                return total


            main()

            """

        private func ask(
            steps: Int, _ lines: [String], _ arguments: [String] = []
        ) async throws -> (lines: [AnswerLine], errors: String) {
            let source = Self.source.replacing("STEPS", with: "\(steps)")
            let project = try SmallProgram.makeProject(source: source)
            defer { project.remove() }
            let recorded = try await project.hindsight(
                "record", "--budget", "0.0000001", "--", SmallProgram.python, SmallProgram.file)
            #expect(recorded.status == 0, "\(recorded.errorText)")
            let statement = "        total += step & 7\n"
            let added = lines.map { "        \($0)\n" }.joined()
            try project.write(
                source.replacing(statement, with: statement + added), to: SmallProgram.file)
            let result = try await project.hindsight(
                ["query", "--format", "jsonl"] + arguments + [SmallProgram.file])
            #expect(result.status == 0, "\(result.errorText)")
            return (try AnswerLine.parse(result), result.errorText)
        }

        @Test func aHundredThousandAreKept() async throws {
            let answer = try await ask(steps: 105_000, [#"print("t", total)"#])
            #expect(answer.lines.count == 100_000)
            #expect(answer.lines.last?.text == "t 350000")
            #expect(answer.lines.allSatisfy { $0.verdict == "exact" }, "\(answer.errors)")
            #expect(answer.errors.contains("train.py:14 gave 105000 values"), "\(answer.errors)")
        }

        @Test func soManyAreKeptWhereOneOfThemDisturbs() async throws {
            let answer = try await ask(
                steps: 3000,
                [
                    #"print("look", total)"#, "if step == 2777: seen.append(0)", #"print("bad", seen)"#,
                ], ["--limit", "100"])
            let look = answer.lines.filter { $0.text.hasPrefix("look ") }
            #expect(look.count == 100)
            #expect(answer.lines.count == 200)
            #expect(answer.errors.contains("train.py:14 gave 3000 values"), "\(answer.errors)")
            #expect(answer.errors.contains("gave 3000 values; the first 100"), "\(answer.errors)")
            #expect(!answer.lines.contains { $0.text.hasPrefix("bad ") && $0.verdict == "exact" })
        }
    }
}
