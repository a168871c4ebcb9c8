import Foundation
import GRDB
import HindsightCore
import Testing

@testable import RunStore

/// A trigger refuses log records, as a full disk would.
@Suite struct FailingDiskTests {
    let scratch: ScratchStore
    let writer: RunWriter

    init() throws {
        scratch = try ScratchStore()
        writer = try scratch.store.writer(
            for: NewRun(
                program: "train.py", command: [], interpreter: "", workingDirectory: "", root: "",
                environment: [:], python: "", processID: 1), limit: 100)
    }

    private func refuse() throws {
        try scratch.store.pool.write { db in
            try db.execute(
                sql: "CREATE TRIGGER full BEFORE INSERT ON logRecord BEGIN SELECT raise(FAIL, 'full'); END")
        }
    }

    private func accept() throws {
        try scratch.store.pool.write { db in try db.execute(sql: "DROP TRIGGER full") }
    }

    @Test func whatCouldNotBeWrittenIsWrittenLaterInOrder() throws {
        try refuse()
        for index in 0..<50 { writer.add(.sample(index)) }
        #expect(throws: StoreError.self) { try writer.flush() }
        #expect(throws: StoreError.self) { try writer.save(.boundary(0), [noise(1, count: 100)]) }
        #expect(try scratch.packs.isEmpty)
        for index in 50..<60 { writer.add(.sample(index)) }
        try accept()
        try writer.save(.boundary(1), [noise(1, count: 100)])
        try writer.finish(.finished(exitCode: 0))
        let records = try scratch.store.logRecords(of: writer.run)
        #expect(records == (0..<60).map { .sample($0) })
        #expect(try scratch.store.checkpoints(of: writer.run).map(\.number) == [1])
        #expect(try scratch.store.runs()[0].status == .finished(exitCode: 0))
    }

    @Test func memoryIsBoundedAndARunThatLostRecordsSaysSo() throws {
        try refuse()
        writer.add(.sample(0))
        #expect(throws: StoreError.self) { try writer.flush() }
        for index in 1..<1000 { writer.add(.sample(index)) }
        try accept()
        // Too late: a gap in the middle would look like a program that did something else.
        try writer.save(.boundary(0), [noise(1, count: 100)])
        try writer.finish(.finished(exitCode: 0))
        let records = try scratch.store.logRecords(of: writer.run)
        #expect(records == (0...100).map { .sample($0) })
        #expect(try scratch.store.checkpoints(of: writer.run).isEmpty)
        #expect(
            try scratch.store.runs()[0].status
                == .interrupted("the recording ended when its store could not be written"))
    }

    @Test func anEndThatCannotBeWrittenLeavesAnInterruptedRun() throws {
        try writer.save(.boundary(0), [noise(1, count: 100)])
        try refuse()
        writer.add(.sample(0))
        #expect(throws: StoreError.self) { try writer.finish(.finished(exitCode: 0)) }
        guard case .interrupted(let reason) = try scratch.store.runs()[0].status else {
            Issue.record("not interrupted")
            return
        }
        #expect(reason.hasPrefix("the end of the recording could not be stored"))
        #expect(try scratch.store.verify(run: writer.run, checkpoint: 0) == nil)
    }

    @Test func aNumberThatComesTwiceHarmsNoCheckpoint() throws {
        try writer.save(.boundary(0), [noise(1, count: 100)])
        #expect(throws: StoreError.self) { try writer.save(.boundary(0), [noise(2, count: 100)]) }
        #expect(try scratch.store.verify(run: writer.run, checkpoint: 0) == nil)
    }
}
