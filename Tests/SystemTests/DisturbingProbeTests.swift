import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// What a log statement does to the training is found out and reported, and is not the other statements'
    /// concern.
    @Suite(.serialized) struct DisturbingProbeTests {
        /// Writes nothing itself, so that only the program's data can show what a probe did to them.
        private static let silent = """
            import random

            random.seed(5)


            class Model:
                def __init__(self):
                    self.training = True
                    self.weights = [1.0, 2.0]

                def eval(self):
                    self.training = False

                def train(self):
                    self.training = True


            def main():
                model = Model()
                data = iter(range(1000))
                seen = []
                for epoch in range(4):
                    for step in range(5):
                        x = next(data)
                        model.weights[0] += x * random.random()
                        if model.training:
                            model.weights[1] -= 0.1
                    seen.append(model.weights[0])
                return model


            main()

            """

        /// The program with lines put in behind one of its own.
        private func edited(_ additions: [(anchor: String, lines: [String])]) -> String {
            Self.silent.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line in
                let indent = String(line.prefix { $0 == " " })
                let own = additions.filter { line.drop { $0 == " " } == $0.anchor }
                return [String(line)] + own.flatMap(\.lines).map { indent + $0 }
            }.joined(separator: "\n")
        }

        private struct Answers {
            var lines: [AnswerLine]
            var errors: String

            func verdicts(of prefix: String) -> Set<String> {
                Set(lines.filter { $0.text.hasPrefix(prefix) }.map(\.verdict))
            }

            func texts(of prefix: String) -> [String] {
                lines.map(\.text).filter { $0.hasPrefix(prefix) }
            }
        }

        private func ask(_ project: Project, _ text: String) async throws -> Answers {
            try project.write(text, to: SmallProgram.file)
            let result = try await project.hindsight("query", "--format", "jsonl", SmallProgram.file)
            #expect(result.status == 0, "\(result.errorText)")
            return Answers(lines: try AnswerLine.parse(result), errors: result.errorText)
        }

        private func foresight(_ text: String, _ prefix: String) async throws -> [String] {
            let project = try SmallProgram.makeProject(source: text)
            defer { project.remove() }
            let python = try #require(Command.find(SmallProgram.python))
            let result = try await Command.run(python, [SmallProgram.file], in: project.folder)
            return result.lines.filter { $0.hasPrefix(prefix) }
        }

        @Test func othersAreAnsweredWithoutIt() async throws {
            let project = try await SmallProgram.makeRecordedProject(source: Self.silent)
            defer { project.remove() }
            let innocent = (
                anchor: "seen.append(model.weights[0])", lines: [#"print("kept", seen[-1].hex(), len(seen))"#]
            )
            let expected = try await foresight(edited([innocent]), "kept ")
            #expect(expected.count == 4)
            for disturbance in [
                [#"print("bad", random.random())"#], [#"print("bad", next(data))"#],
                [#"model.eval()"#, #"print("bad", model.weights)"#],
            ] {
                let answers = try await ask(
                    project, edited([innocent, (anchor: "x = next(data)", lines: disturbance)]))
                #expect(answers.texts(of: "kept ") == expected, "\(disturbance)")
                #expect(answers.verdicts(of: "kept ") == ["exact"], "\(disturbance): \(answers.errors)")
                #expect(answers.verdicts(of: "bad ") == ["diverged"], "\(disturbance)")
                #expect(answers.errors.contains("this statement disturbs the training"), "\(answers.errors)")
            }
        }

        @Test func aDisturbanceThatNothingRecordedShowsIsNotCalledExact() async throws {
            let project = try await SmallProgram.makeRecordedProject(source: Self.silent)
            defer { project.remove() }
            for (line, path) in [
                ("model.eval()", "model.training"), ("next(data)", "data"), ("seen.append(0)", "seen"),
                ("model.weights.reverse()", "model.weights"),
            ] {
                // In the last steps of the run only, where few things or none can show it.
                let answers = try await ask(
                    project,
                    edited([
                        (
                            anchor: "x = next(data)",
                            lines: ["if epoch == 3 and step > 2:", "    \(line)", #"    print("bad", step)"#]
                        )
                    ]))
                #expect(answers.texts(of: "bad ") == ["bad 3", "bad 4"], "\(line)")
                #expect(answers.verdicts(of: "bad ") == ["diverged"], "\(line)")
                #expect(answers.errors.contains(path), "\(line): \(answers.errors)")
            }
        }

        /// Its replays watch no more executions of probes than they must; nothing recorded comes after its loop.
        private static let hasty = """
            import random
            import sys

            watch = sys.modules.get("hindsight_runtime.watch")
            if watch is not None:
                watch.LONGEST, watch.SHARE = -1.0, 0.0
            watch = None
            random.seed(5)


            def main():
                model = {"training": True, "weights": [1.0, 2.0]}
                seen = []
                for epoch in range(3):
                    for step in range(1000):
                        model["weights"][step % 2] += random.random()
                    seen.append(sum(model["weights"]))
                return model


            main()

            """

        @Test func anExecutionThatNobodyWatchedIsNotCalledExactUnheard() async throws {
            let project = try SmallProgram.makeProject(source: Self.hasty)
            defer { project.remove() }
            let recorded = try await project.hindsight(
                "record", "--budget", "0.0000001", "--", SmallProgram.python, SmallProgram.file)
            #expect(recorded.status == 0, "\(recorded.errorText)")
            let inner = "model[\"weights\"][step % 2] += random.random()"
            func edited(_ lines: [String]) -> String {
                Self.hasty.replacing(inner, with: ([inner] + lines).joined(separator: "\n" + indent))
                    .replacing(
                        "seen.append(sum(model[\"weights\"]))",
                        with: "seen.append(sum(model[\"weights\"]))\n        print(\"kept\", seen[-1].hex())")
            }
            let indent = String(repeating: " ", count: 12)
            let innocent = edited([#"print("look", model["training"])"#])
            let peaceful = try await ask(project, innocent)
            #expect(peaceful.texts(of: "look ") == Array(repeating: "look True", count: 3000))
            #expect(peaceful.verdicts(of: "") == ["exact"], "\(peaceful.errors)")

            let guilty = edited([
                "if epoch == 2 and step == 777: model.update(training=False)",
                #"print("look", model["training"])"#,
            ])
            let answers = try await ask(project, guilty)
            #expect(answers.verdicts(of: "look ") == ["diverged"], "\(answers.errors)")
            #expect(answers.errors.contains("model['training']"), "\(answers.errors)")
            #expect(answers.texts(of: "kept ") == peaceful.texts(of: "kept "))
            #expect(answers.verdicts(of: "kept ") == ["exact"], "\(answers.errors)")
        }

        @Test func whatIsPutBackDisturbsNothing() async throws {
            let project = try await SmallProgram.makeRecordedProject(source: Self.silent)
            defer { project.remove() }
            let text = edited([
                (
                    anchor: "x = next(data)",
                    lines: ["model.eval()", #"print("look", model.training)"#, "model.train()"]
                )
            ])
            let answers = try await ask(project, text)
            #expect(answers.texts(of: "look ") == Array(repeating: "look False", count: 20))
            #expect(answers.verdicts(of: "look ") == ["exact"], "\(answers.errors)")
        }
    }
}
