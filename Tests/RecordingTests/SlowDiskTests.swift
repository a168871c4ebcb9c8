import Foundation
import GRDB
import HindsightCore
import RunStore
import Testing

@testable import Recording

@Suite struct SlowDiskTests {
    @Test func aWriterThatIsBehindSkipsCheckpointsAndNeverMakesTheProgramWait() throws {
        let project = try ScratchProject()
        let store = try Store.open(project.location)
        let collector = try Collector(settings: CollectorSettings(store: store, budget: 0.01))
        let runtime = try FakeRuntime(collector.socketPath)
        _ = try runtime.hello()
        try runtime.buffer([UInt8](repeating: 3, count: 100))
        // Somebody else holds the index: entering a checkpoint must wait.
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        let other = try DatabaseQueue(
            path: project.location.directory + "/index.sqlite", configuration: configuration)
        try other.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN IMMEDIATE")
            try runtime.checkpoint(0, stream: 0...9)
            #expect(try runtime.answer() == ["t": "stored", "n": 0])
            usleep(50_000)
            try runtime.checkpoint(1, stream: 0...9)
            try runtime.checkpoint(2, stream: 0...9)
            #expect(try runtime.answer() == ["t": "stored", "n": 2])
            try db.execute(sql: "ROLLBACK")
        }
        #expect(try runtime.answer() == ["t": "stored", "n": 1])
        try runtime.end()
        #expect(collector.finish() == [])
        let run = try store.runs()[0].id
        #expect(try store.checkpoints(of: run).map(\.number) == [0, 1])
        #expect(try store.notes(of: run) == ["1 checkpoint was skipped because the disk did not keep up"])
    }
}
