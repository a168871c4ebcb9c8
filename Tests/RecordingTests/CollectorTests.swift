import Foundation
import HindsightCore
import LocalSockets
import RunStore
import Testing

@testable import Recording

@Suite struct CollectorTests {
    let project: ScratchProject
    let store: Store
    let collector: Collector

    init() throws {
        project = try ScratchProject()
        store = try Store.open(project.location)
        collector = try Collector(settings: CollectorSettings(store: store, name: "try", budget: 0.02))
    }

    @Test func aWholeRunIsStored() throws {
        let runtime = try FakeRuntime(collector.socketPath)
        let welcome = try #require(try runtime.hello(pid: 42))
        #expect(welcome["t"] as? String == "welcome")
        try runtime.send(
            #"{"t":"source","path":"train.py","module":"__main__","text":"for","loops":[{"id":"train.py:3:0","line":3,"endLine":5,"target":"epoch"}]}"#
        )
        let bytes = (0..<8192).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try runtime.buffer(bytes)
        try runtime.log(0)
        try runtime.send(
            #"{"t":"milestone","kind":"exit","at":[["train.py:3:0",0,4]],"key":[1,4],"elapsed":1.5}"#)
        try runtime.checkpoint(0, stream: 0...99, buffers: [100...4099, 4100...8099])
        #expect(try runtime.answer() == ["t": "stored", "n": 0])
        try runtime.send(#"{"t":"entropy","n":0,"source":"time.time","value":"gAQ="}"#)
        try runtime.send(#"{"t":"initial","name":"random","state":"gASV"}"#)
        try runtime.send(#"{"t":"fingerprint","facts":{"python":"3.11.7","torch.threads":2,"x":null}}"#)
        try runtime.send(#"{"t":"note","text":"a word"}"#)
        try runtime.end()
        #expect(collector.finish() == [])
        let run = try #require(try store.runs().first)
        #expect(run.id.description == welcome["run"] as? String)
        #expect(run.name == "try")
        #expect(run.environment == ["A": "1"])
        #expect(run.status == .finished(exitCode: 0))
        #expect(run.duration == 2.5 && run.overhead == 0.01)
        #expect(run.fingerprint.facts["torch.threads"] == .integer(2))
        let details = try store.details(of: run.id)
        #expect(details.hashSeed == "7" && details.processID == 42 && details.withheld == ["HF_TOKEN"])
        #expect(details.budget == 0.02)
        #expect(
            try store.sources(of: run.id).map(\.loops) == [
                [RecordedLoop(id: LoopID("train.py:3:0"), line: 3, endLine: 5, target: "epoch")]
            ])
        #expect(
            try store.logRecords(of: run.id) == [
                LogRecord(
                    site: "train.py:4:8", text: "loss 0", name: nil, value: .number(0.5),
                    iterations: [Iteration(loop: "epoch", index: 0, value: .integer(0))],
                    order: OrderKey([1, 0, 1]))
            ])
        #expect(try store.milestones(of: run.id).map(\.elapsed) == [1.5])
        #expect(try store.entropy(of: run.id).count == 1)
        #expect(try store.initialStates(of: run.id) == ["random": "gASV"])
        #expect(try store.notes(of: run.id) == ["a word"])
        let state = try store.stateLocation(of: run.id, checkpoint: 0)
        #expect(state.buffers.map(\.length) == [4000, 4000])
        let pack = try Data(contentsOf: URL(fileURLWithPath: state.stream.file))
        let place = state.buffers[1]
        #expect(Array(pack[place.offset..<place.offset + place.length]) == Array(bytes[4100...8099]))
        #expect(try store.verify(run: run.id, checkpoint: 0) == nil)
    }

    @Test func theBufferIsReusedAndReplaced() throws {
        let runtime = try FakeRuntime(collector.socketPath)
        _ = try runtime.hello()
        for number in 0..<3 {
            // Later buffers are longer, so the mapping is a new one each time.
            try runtime.buffer([UInt8](repeating: UInt8(number), count: 5000 * (number + 1)))
            try runtime.checkpoint(number, stream: 0...(5000 * (number + 1) - 1))
            #expect(try runtime.answer() == ["t": "stored", "n": number])
        }
        try runtime.end()
        #expect(collector.finish() == [])
        let run = try store.runs()[0].id
        for number in 0..<3 { #expect(try store.verify(run: run, checkpoint: number) == nil) }
        #expect(try store.checkpoints(of: run).map(\.size) == [5000, 10000, 15000])
    }

    @Test func whatTheProgramHasFoundUnchangedIsNotLookedAt() throws {
        let runtime = try FakeRuntime(collector.socketPath)
        _ = try runtime.hello()
        for (number, since) in [0, 0, 2].enumerated() {
            // The bytes are others each time, which shows what was looked at.
            try runtime.buffer([UInt8](repeating: UInt8(number), count: 9000))
            try runtime.checkpoint(number, stream: 0...99, buffers: [1000...8999], since: since)
            #expect(try runtime.answer() == ["t": "stored", "n": number])
        }
        try runtime.end()
        #expect(collector.finish() == [])
        let run = try store.runs()[0].id
        let places = try (0..<3).map { try store.stateLocation(of: run, checkpoint: $0).buffers[0] }
        #expect(places[1] == places[0])
        #expect(places[2] != places[0])
        for number in 0..<3 { #expect(try store.verify(run: run, checkpoint: number) == nil) }
    }

    @Test func anotherVersionIsRefusedWithAReason() throws {
        let runtime = try FakeRuntime(collector.socketPath)
        let answer = try #require(try runtime.hello(version: 9))
        #expect(answer["t"] as? String == "refused")
        #expect((answer["reason"] as? String)?.contains("version 9") == true)
        #expect(try runtime.answer() == nil)
        #expect(collector.finish() == [])
        #expect(try store.runs().isEmpty)
    }

    @Test(arguments: ["{", #"{"t":"log"}"#, #"{"t":"end","status":"finished","elapsed":1,"overhead":0}"#])
    func whoeverDoesNotSayHelloFirstIsRefused(line: String) throws {
        let runtime = try FakeRuntime(collector.socketPath)
        try runtime.send(line)
        #expect(try runtime.answer()?["t"] as? String == "refused")
        #expect(collector.finish() == [])
        #expect(try store.runs().isEmpty)
    }

    @Test func aBrokenMessageCostsNothingElse() throws {
        let runtime = try FakeRuntime(collector.socketPath)
        _ = try runtime.hello()
        try runtime.log(0)
        try runtime.send("not json")
        try runtime.send(#"{"t":"something new"}"#)
        try runtime.log(1)
        try runtime.end()
        #expect(collector.finish() == [])
        let run = try store.runs()[0]
        #expect(run.status == .finished(exitCode: 0))
        #expect(try store.logRecordCount(of: run.id) == 2)
        #expect(try store.notes(of: run.id).count == 2)
    }

    @Test func bytesThatAreNoTextAreReplaced() throws {
        let runtime = try FakeRuntime(collector.socketPath)
        _ = try runtime.hello()
        let parts = [
            Array(#"{"t":"log","site":"a.py:1:0","text":"x"#.utf8), [0xFF],
            Array(#"","it":[],"key":[1]}"#.utf8),
        ]
        try runtime.connection.write(line: parts.flatMap { $0 })
        try runtime.end()
        #expect(collector.finish() == [])
        #expect(try store.logRecords(of: store.runs()[0].id).map(\.text) == ["x\u{FFFD}"])
    }

    @Test func aLineThatClosesWithoutAnEndIsAnInterruptedRun() throws {
        do {
            let runtime = try FakeRuntime(collector.socketPath)
            _ = try runtime.hello()
            try runtime.log(0)
        }
        #expect(collector.finish() == [])
        let run = try store.runs()[0]
        #expect(run.status == .interrupted("the process vanished"))
        #expect(try store.logRecordCount(of: run.id) == 1)
    }

    @Test func theCommandsOwnEndExplainsAMissingOne() throws {
        collector.child.started(77)
        do {
            let runtime = try FakeRuntime(collector.socketPath)
            _ = try runtime.hello(pid: 77)
        }
        collector.child.ended(.signalled(SIGKILL))
        #expect(collector.finish() == [])
        guard case .interrupted(let reason) = try store.runs()[0].status else {
            Issue.record("not interrupted")
            return
        }
        #expect(reason.hasPrefix("killed by signal 9"))
    }

    @Test func aProcessThatStaysInTheBackgroundIsNotWaitedFor() throws {
        let runtime = try FakeRuntime(collector.socketPath)
        _ = try runtime.hello()
        try runtime.log(0)
        let start = Date()
        #expect(collector.finish(patience: 0.1) == [])
        #expect(Date().timeIntervalSince(start) < 300)
        #expect(try runtime.answer() == nil)
        guard case .interrupted = try store.runs()[0].status else {
            Issue.record("not interrupted")
            return
        }
    }

    @Test func aCheckpointThatCannotBeTakenIsAnsweredAllTheSame() throws {
        let runtime = try FakeRuntime(collector.socketPath)
        _ = try runtime.hello()
        try runtime.checkpoint(0, stream: 0...9)
        #expect(try runtime.answer() == ["t": "stored", "n": 0])
        try runtime.buffer([UInt8](repeating: 1, count: 100))
        try runtime.checkpoint(1, stream: 95...104)
        #expect(try runtime.answer() == ["t": "stored", "n": 1])
        // A buffer that claims more than there is would kill the reader.
        try runtime.send(#"{"t":"buffer","size":100}"#)
        try runtime.checkpoint(2, stream: 0...9)
        #expect(try runtime.answer() == ["t": "stored", "n": 2])
        try runtime.end()
        #expect(collector.finish() == [])
        let run = try store.runs()[0].id
        #expect(try store.checkpoints(of: run).map(\.number) == [2])
        #expect(try store.notes(of: run).count == 2)
    }

    @Test func severalProcessesAreRunsOfTheirOwn() throws {
        let runtimes = try (0..<4).map { _ in try FakeRuntime(collector.socketPath) }
        for (index, runtime) in runtimes.enumerated() { _ = try runtime.hello(pid: index) }
        for step in 0..<50 { for runtime in runtimes { try runtime.log(step) } }
        for runtime in runtimes { try runtime.end() }
        #expect(collector.finish() == [])
        #expect(try store.counts().values.map(\.logRecords) == [50, 50, 50, 50])
    }

    @Test func theSocketIsPrivateAndGoesAway() throws {
        var status = stat()
        let folder = (collector.socketPath as NSString).deletingLastPathComponent
        #expect(stat(folder, &status) == 0 && status.st_mode & 0o777 == 0o700)
        #expect(collector.finish() == [])
        #expect(stat(folder, &status) != 0)
    }
}
