import Foundation
import HindsightCore
import Testing

@testable import RunStore

@Suite struct RunTests {
    @Test func aRunInProgressIsReadableAndRunsWhileItsWriterLives() throws {
        let scratch = try ScratchStore()
        let writer = try scratch.writer(name: "first")
        writer.add(.sample(0))
        try writer.flush()
        let reader = try #require(try Store.openExisting(scratch.location))
        let run = try #require(try reader.runs().first)
        #expect(run.id == writer.run)
        #expect(run.status == .running)
        #expect(run.name == "first")
        #expect(try reader.logRecords(of: run.id) == [.sample(0)])
        try writer.finish(.finished(exitCode: 3), elapsed: 12.5, overhead: 0.5)
        let ended = try reader.run(matching: run.id.description)
        #expect(ended.status == .finished(exitCode: 3))
        #expect(ended.duration == 12.5)
        #expect(ended.overhead == 0.5)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: scratch.location.directory + "/live").isEmpty)
    }

    @Test func aRunWhoseRecorderIsGoneIsInterrupted() throws {
        let scratch = try ScratchStore()
        var id: RunID?
        do {
            let writer = try scratch.writer()
            id = writer.run
        }
        // The writer's thread may hold it a moment longer.
        for _ in 0..<30_000 {
            if case .running = try scratch.store.runs()[0].status { usleep(10_000) } else { break }
        }
        guard case .interrupted = try scratch.store.run(matching: try #require(id).description).status else {
            Issue.record("still running")
            return
        }
    }

    @Test func everyKindOfEndComesBack() throws {
        let scratch = try ScratchStore()
        let ends: [RunStatus] = [
            .finished(exitCode: 0), .raised(exception: "ValueError: no"), .interrupted("KeyboardInterrupt"),
        ]
        for end in ends {
            let writer = try scratch.writer()
            try writer.finish(end)
            #expect(try scratch.store.run(matching: writer.run.description).status == end)
        }
    }

    @Test func recordsOfEveryKindComeBackAsTheyWere() throws {
        let scratch = try ScratchStore()
        let writer = try scratch.writer()
        let logs = [
            LogRecord(
                site: "train.py:9:4", text: "a\nb é \u{0}", name: "loss", value: .number(0.1),
                iterations: [
                    Iteration(loop: "i, (x, y)", index: 3, value: .null),
                    Iteration(loop: "lr", index: 0, value: .string("NaN")),
                ], order: OrderKey([3, 0, 5, -1, Int.max, Int.min])),
            LogRecord(
                site: "train.py:9:4", text: "", name: nil, value: .bool(true), iterations: [],
                order: OrderKey([])),
            LogRecord(
                site: "model.py:1:0", text: "x", name: "n", value: .integer(Int.min), iterations: [],
                order: OrderKey([1])),
        ]
        let milestone = Milestone(
            kind: .exit, coordinate: [LoopPosition(loop: LoopID("train.py:3:0"), occurrence: 2, index: 40)],
            order: OrderKey([1, 40]), elapsed: 1.25)
        let source = RecordedSource(
            path: "train.py", module: "__main__", text: "for i in x: pass\n",
            loops: [RecordedLoop(id: LoopID("train.py:1:0"), line: 1, endLine: 1, target: "i")])
        for log in logs { writer.add(log) }
        writer.add(milestone)
        writer.add(source)
        writer.add(source)
        writer.add(EntropyRecord(source: "time.time", value: "gAQ="))
        writer.add(initialState: "gASV", of: "random")
        writer.add(note: "one")
        writer.add(note: "one")
        writer.set(Fingerprint(["torch.threads": .integer(2)]))
        try writer.finish(.finished(exitCode: 0))
        let store = scratch.store
        #expect(try store.logRecords(of: writer.run) == logs)
        #expect(try store.logRecords(of: writer.run, from: 1, limit: 1) == [logs[1]])
        #expect(try store.logRecordCount(of: writer.run) == 3)
        #expect(try store.milestones(of: writer.run) == [milestone])
        #expect(try store.sources(of: writer.run) == [source])
        #expect(try store.entropy(of: writer.run) == [EntropyRecord(source: "time.time", value: "gAQ=")])
        #expect(try store.initialStates(of: writer.run) == ["random": "gASV"])
        #expect(try store.notes(of: writer.run) == ["one"])
        #expect(try store.runs()[0].fingerprint.facts == ["torch.threads": .integer(2)])
    }

    @Test func runsAreFoundByPrefixNameAndFile() throws {
        let scratch = try ScratchStore()
        let start = Date()
        let old = try scratch.writer(name: "base", started: start)
        old.add(RecordedSource(path: "model.py", module: "model", text: "", loops: []))
        try old.finish(.finished(exitCode: 0))
        let new = try scratch.writer(started: start.addingTimeInterval(1))
        new.add(RecordedSource(path: "train.py", module: "__main__", text: "", loops: []))
        try new.finish(.finished(exitCode: 0))
        let store = scratch.store
        #expect(try store.runs().map(\.id) == [new.run, old.run])
        #expect(try store.run(matching: String(old.run.description.prefix(7))).id == old.run)
        #expect(try store.run(matching: old.run.description.uppercased()).id == old.run)
        #expect(try store.run(matching: "base").id == old.run)
        #expect(try store.newestRun(loading: "model.py")?.id == old.run)
        #expect(try store.newestRun(loading: nil)?.id == new.run)
        #expect(try store.newestRun(loading: "other.py") == nil)
        #expect(throws: StoreError.noSuchRun("zzz")) { try store.run(matching: "zzz") }
        #expect(throws: StoreError.noSuchRun("")) { try store.run(matching: "") }
        // With more runs than first digits, some digit names several.
        let all = try (0..<17).map { _ in try scratch.writer().run.description } + [old.run.description]
        let digits = Dictionary(grouping: all, by: { $0.prefix(1) })
        let shared = try #require(digits.first { $0.value.count > 1 })
        #expect {
            try store.run(matching: String(shared.key))
        } throws: { error in
            if case StoreError.ambiguousRun = error { true } else { false }
        }
    }

    @Test func manyRecordsAreWrittenAndReadSoon() throws {
        let scratch = try ScratchStore()
        let writer = try scratch.writer()
        for index in 0..<50_000 { writer.add(.sample(index)) }
        try writer.finish(.finished(exitCode: 0))
        #expect(try scratch.store.logRecordCount(of: writer.run) == 50_000)
        let records = try scratch.store.logRecords(of: writer.run)
        #expect(records.indices.allSatisfy { records[$0] == .sample($0) })
    }

    @Test func aReaderSeesWholeBatchesWhileTheyAreWritten() async throws {
        let scratch = try ScratchStore()
        let writer = try scratch.writer()
        let reader = try #require(try Store.openExisting(scratch.location))
        let run = writer.run
        let reading = Thread.detached {
            var last = 0
            while last < 20_000 {
                let records = try reader.logRecords(of: run)
                guard records.count >= last, records.indices.allSatisfy({ records[$0] == .sample($0) }) else {
                    return false
                }
                last = records.count
            }
            return true
        }
        for index in 0..<20_000 {
            writer.add(.sample(index))
            if index % 1000 == 999 { try writer.flush() }
        }
        #expect(try await reading.value)
        try writer.finish(.finished(exitCode: 0))
    }

    @Test func answersAndSegmentsAreKept() throws {
        let scratch = try ScratchStore()
        let run = try scratch.writer().run
        let hits = [
            Hit(
                file: "train.py", line: 7, text: "gnorm 0.5", name: "gnorm", value: .number(0.5),
                iterations: [Iteration(loop: "epoch", index: 1, value: .integer(1))],
                order: OrderKey([1, 1, 0, 0]), verdict: .exact),
            Hit(
                file: "train.py", line: 8, text: "x", iterations: [], order: OrderKey([2, 0]),
                verdict: .diverged("first difference: w")),
        ]
        #expect(try scratch.store.keptAnswer(run: run, fingerprint: "f") == nil)
        try scratch.store.keepAnswer(run: run, fingerprint: "f", hits: hits)
        #expect(try scratch.store.keptAnswer(run: run, fingerprint: "f") == hits)
        try scratch.store.keepAnswer(run: run, fingerprint: "f", hits: [])
        #expect(try scratch.store.keptAnswer(run: run, fingerprint: "f") == [])
        try scratch.store.addVerifiedSegment(run: run, from: 0, to: 2)
        try scratch.store.addVerifiedSegment(run: run, from: 0, to: 2)
        #expect(try scratch.store.verifiedSegments(run: run) == [VerifiedSegment(from: 0, to: 2)])
    }
}

extension Thread {
    /// A blocking body off the cooperative pool.
    static func detached<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) -> Task<Value, any Error> {
        Task {
            try await withCheckedThrowingContinuation { continuation in
                Thread { continuation.resume(with: Result(catching: body)) }.start()
            }
        }
    }
}
