import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// A program's files: a replay finds them as the run did, whatever the run and others made of them since,
    /// or says which one it does not know.
    @Suite(.serialized) struct FilesTests {
        private static let source = """
            import csv
            import json
            import os
            import random
            import time

            random.seed(5)
            with open("data/train.csv") as file:
                rows = [float(row[0]) for row in csv.reader(file)]
            print("rows", len(rows), "earlier", sorted(os.listdir("out")) if os.path.exists("out") else None)
            os.makedirs("out", exist_ok=True)
            weight, best, first = 0.0, float("inf"), 0
            if os.path.exists("out/resume.json"):
                with open("out/resume.json") as file:
                    weight, best, first = json.load(file)

            for epoch in range(first, first + 6):
                for step in range(100):
                    weight += 0.01 * (random.choice(rows) - weight)
                    time.sleep(0.001)
                error = abs(weight - 0.3)
                with open("out/resume.json", "w") as file:
                    json.dump([weight, best, epoch + 1], file)
                with open(f"out/epoch{epoch}.json", "w") as file:
                    json.dump(weight, file)
                for name in sorted(n for n in os.listdir("out") if n.startswith("epoch"))[:-3]:
                    os.remove(f"out/{name}")
                if error < best:
                    best = error
                    with open("out/best.tmp", "w") as file:
                        json.dump([epoch, weight], file)
                    os.replace("out/best.tmp", "out/best.json")
                with open("metrics.csv", "a", newline="") as file:
                    csv.writer(file).writerow([epoch, error])
                print(f"epoch {epoch} error {error:.6f}", flush=True)

            with open("out/best.json") as file:
                chosen = json.load(file)
            with open("metrics.csv") as file:
                table = file.read().split()
            print("chosen", chosen[0], "of", len(table), flush=True)

            """

        private static let file = "train.py"

        private static func probe(_ name: String, after anchor: String, _ line: String) -> Probe {
            Probe(
                name: name, level: .outer, about: name, prefix: "probe ",
                insertions: [.init(file: file, place: .after, anchor: anchor, lines: [line])])
        }

        private static let outer = probe(
            "outer", after: "    error = abs(weight - 0.3)",
            #"    print("probe", weight.hex(), sorted(os.listdir("out")), os.path.exists("metrics.csv"))"#)

        private static let after = probe(
            "after", after: "    table = file.read().split()",
            #"print("probe", chosen, table, sorted(os.listdir("out")), open("out/resume.json").read())"#)

        private static func data(rows: Int) -> String {
            (0..<rows).map { "\(Double(($0 * 7919) % 1000) / 1000),\($0)\n" }.joined()
        }

        private func project(rows: Int, with probe: Probe? = nil) throws -> Project {
            let project = try Project(name: "files")
            try project.write(
                try probe?.edited(Self.source, file: Self.file).text ?? Self.source, to: Self.file)
            try project.write(Self.data(rows: rows), to: "data/train.csv")
            return project
        }

        private func recorded(rows: Int) async throws -> Project {
            let project = try project(rows: rows)
            let recorded = try await project.hindsight("record", "--", SmallProgram.python, Self.file)
            try #require(recorded.status == 0, "\(recorded.errorText)")
            return project
        }

        private func foresight(_ probe: Probe, rows: Int) async throws -> [String] {
            let project = try project(rows: rows, with: probe)
            defer { project.remove() }
            return probe.ownLines(in: try await plain(in: project))
        }

        private func plain(in project: Project) async throws -> Command.Result {
            let python = try #require(Command.find(SmallProgram.python))
            return try await Command.run(python, [Self.file], in: project.folder)
        }

        /// Asks, and sees to it that the project stays as it was.
        private func ask(_ probe: Probe, in project: Project) async throws -> Command.Result {
            try project.write(probe.edited(Self.source, file: Self.file).text, to: Self.file)
            let before = try project.contents()
            let result = try await project.hindsight("query", "--format", "jsonl", Self.file)
            #expect(try project.contents() == before, "the query changed the project")
            try project.write(Self.source, to: Self.file)
            return result
        }

        private func expectForesight(
            _ probe: Probe, rows: Int, in project: Project,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let result = try await ask(probe, in: project)
            #expect(result.status == 0, "\(result.errorText)", sourceLocation: sourceLocation)
            let hits = try AnswerLine.parse(result)
            #expect(
                hits.map(\.text) == (try await foresight(probe, rows: rows)), sourceLocation: sourceLocation)
            #expect(
                hits.allSatisfy { $0.verdict == "exact" }, "\(result.errorText)",
                sourceLocation: sourceLocation)
        }

        @Test("a resume file, a kept best, a folder that is cleaned up and a table are what they were")
        func ownFiles() async throws {
            let project = try await recorded(rows: 50)
            defer { project.remove() }
            try await expectForesight(Self.outer, rows: 50, in: project)
            try await expectForesight(Self.after, rows: 50, in: project)
        }

        @Test("what a later run overwrites, and what the user removes, changes no answer")
        func overwrittenSince() async throws {
            let project = try await recorded(rows: 50)
            defer { project.remove() }
            #expect(try await plain(in: project).status == 0)
            try await expectForesight(Self.after, rows: 50, in: project)
            try FileManager.default.removeItem(atPath: project.path("out"))
            try FileManager.default.removeItem(atPath: project.path("metrics.csv"))
            try await expectForesight(Self.outer, rows: 50, in: project)
        }

        @Test("small inputs are kept: changing or removing them changes no answer")
        func smallInputs() async throws {
            let project = try await recorded(rows: 50)
            defer { project.remove() }
            try project.write("9,9\n", to: "data/train.csv")
            try await expectForesight(Self.outer, rows: 50, in: project)
            try FileManager.default.removeItem(atPath: project.path("data"))
            try await expectForesight(Self.after, rows: 50, in: project)
        }

        @Test("a large input that has changed or is gone is named")
        func largeInputs() async throws {
            let rows = 120_000
            let project = try await recorded(rows: rows)
            defer { project.remove() }
            try await expectForesight(Self.outer, rows: rows, in: project)
            try project.write(Self.data(rows: rows - 1), to: "data/train.csv")
            let changed = try await ask(Self.after, in: project)
            let hits = try AnswerLine.parse(changed)
            #expect(hits.count == 1)
            #expect(hits.allSatisfy { $0.verdict == "unverifiable" })
            #expect(changed.errorText.contains("data/train.csv has changed since the run"))
            try FileManager.default.removeItem(atPath: project.path("data/train.csv"))
            let gone = try await ask(Self.after, in: project)
            #expect(gone.status == 1)
            #expect(gone.errorText.contains("data/train.csv, which the run read, is no longer there"))
        }
    }
}
