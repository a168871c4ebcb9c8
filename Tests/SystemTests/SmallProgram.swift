import Foundation
import Gallery

/// A program of the standard library alone, for tests that are about something else than its values.
struct SmallProgram {
    static let file = "train.py"

    /// Six epochs; every second one takes long enough for a checkpoint.
    static let source = """
        import random
        import time

        random.seed(3)
        weights = [0.0] * 50
        history = []

        for epoch in range(6):
            total = 0.0
            for step in range(100):
                i = random.randrange(len(weights))
                weights[i] += random.gauss(0, 1)
                total += weights[i]
                time.sleep(0.001)
            history.append(total)
            print(f"epoch {epoch} total {total:.6f}", flush=True)

        print("end", len(history))

        """

    static let innerProbe = Probe(
        name: "inner", level: .inner, about: "in the inner loop", prefix: "weight ",
        insertions: [
            .init(
                file: file, place: .after, anchor: "        total += weights[i]",
                lines: [#"        print("weight", weights[i].hex())"#])
        ], iterations: [.init(loop: "epoch", count: 6), .init(loop: "step", count: 100)])

    static let outerProbe = Probe(
        name: "outer", level: .outer, about: "in the outer loop", prefix: "sum ",
        insertions: [
            .init(
                file: file, place: .after, anchor: "    history.append(total)",
                lines: [#"    print("sum", sum(weights).hex())"#])
        ], iterations: [.init(loop: "epoch", count: 6)])

    static let python = "python3"

    static func makeProject(source: String = Self.source) throws -> Project {
        let project = try Project(name: "small")
        try project.write(source, to: file)
        return project
    }

    static func makeRecordedProject(source: String = Self.source) async throws -> Project {
        let project = try makeProject(source: source)
        let recorded = try await project.hindsight("record", "--", python, file)
        guard recorded.status == 0 else {
            throw Probe.Mistake(description: "recording failed: \(recorded.errorText)")
        }
        return project
    }

    static func foresight(_ probe: Probe, source: String = Self.source) async throws -> [String] {
        let project = try makeProject(source: probe.edited(source, file: file).text)
        defer { project.remove() }
        return probe.ownLines(in: try await Command.run(Command.find(python)!, [file], in: project.folder))
    }
}
