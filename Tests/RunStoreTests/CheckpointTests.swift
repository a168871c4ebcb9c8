import Foundation
import HindsightCore
import Testing

@testable import RunStore

@Suite struct CheckpointTests {
    @Test func whatDidNotChangeIsStoredOnce() throws {
        let scratch = try ScratchStore()
        let writer = try scratch.writer()
        let frozen = noise(1, count: 300_000)
        try writer.save(.boundary(0), [noise(2, count: 100), frozen, noise(3, count: 5000), []])
        try writer.save(
            .boundary(1, lost: ["f.handle"], from: 1), [noise(4, count: 100), frozen, frozen, []])
        let other = try scratch.writer()
        try other.save(.boundary(0), [noise(2, count: 100), frozen])
        // The other run brought nothing new, so it has no pack.
        #expect(try scratch.packs == ["\(writer.run)-0.pack", "\(writer.run)-1.pack"])
        let second = try scratch.store.stateLocation(of: writer.run, checkpoint: 1)
        let first = try scratch.store.stateLocation(of: writer.run, checkpoint: 0)
        #expect(second.buffers[0] == first.buffers[0])
        #expect(second.buffers[1] == first.buffers[0])
        #expect(second.logs == 2 && second.entropy == 1 && second.layout == "abc")
        #expect(first.buffers[0].offset % 4096 == 0)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: first.buffers[0].file))
        #expect(Array(bytes[first.buffers[0].offset..<first.buffers[0].offset + 300_000]) == frozen)
        let counts = try #require(try scratch.store.counts()[writer.run])
        #expect(counts.heldBytes == 305_100 + 600_100)
        #expect(counts.writtenBytes == 305_100 + 100)
        let checkpoints = try scratch.store.checkpoints(of: writer.run)
        #expect(checkpoints.map(\.number) == [0, 1])
        #expect(checkpoints[1].lost == ["f.handle"])
        #expect(checkpoints.map(\.reachableFrom).prefix(2) == [0, 1])
        #expect(checkpoints[1].coordinate == NewCheckpoint.boundary(1).coordinate)
        #expect(checkpoints[1].order == OrderKey([1, 1]))
        #expect(checkpoints.allSatisfy { !$0.isDamaged })
        #expect(try scratch.store.runs().first { $0.id == writer.run }?.overhead == 1)
    }

    @Test func aPackThatIsCutShortOrGoneCostsItsCheckpointsOnly() throws {
        let scratch = try ScratchStore()
        let writer = try scratch.writer()
        for number in 0..<3 { try writer.save(.boundary(number), [noise(UInt8(number), count: 10_000)]) }
        let run = writer.run
        let blobs = scratch.location.directory + "/blobs/"
        #expect(truncate(blobs + "\(run)-0.pack", 9_999) == 0)
        #expect(unlink(blobs + "\(run)-1.pack") == 0)
        #expect(try scratch.store.checkpoints(of: run).map(\.isDamaged) == [true, true, false])
        for number in 0..<2 {
            #expect(throws: StoreError.self) { try scratch.store.stateLocation(of: run, checkpoint: number) }
            #expect(try scratch.store.verify(run: run, checkpoint: number) != nil)
        }
        #expect(try scratch.store.verify(run: run, checkpoint: 2) == nil)
        #expect(throws: StoreError.noSuchCheckpoint(run: run, number: 9)) {
            try scratch.store.stateLocation(of: run, checkpoint: 9)
        }
    }

    @Test func changedBytesAreFoundAndNotSharedWithLaterCheckpoints() throws {
        let scratch = try ScratchStore()
        let writer = try scratch.writer()
        let weights = noise(5, count: 100_000)
        try writer.save(.boundary(0), [noise(1, count: 10), weights])
        let place = try scratch.store.stateLocation(of: writer.run, checkpoint: 0).buffers[0]
        let file = try #require(FileHandle(forUpdatingAtPath: place.file))
        try file.seek(toOffset: UInt64(place.offset + 500))
        try file.write(contentsOf: Data([weights[500] ^ 1]))
        try file.close()
        let reason = try #require(try scratch.store.verify(run: writer.run, checkpoint: 0))
        #expect(reason.contains("not those that were written"))
        #expect(try scratch.store.checkpoints(of: writer.run)[0].isDamaged)
        try writer.save(.boundary(1), [noise(2, count: 10), weights])
        #expect(try scratch.store.verify(run: writer.run, checkpoint: 1) == nil)
    }

    @Test func whatAPackLostIsWrittenAnew() throws {
        let scratch = try ScratchStore()
        let writer = try scratch.writer()
        let weights = noise(5, count: 100_000)
        try writer.save(.boundary(0), [noise(1, count: 10), weights])
        unlink(scratch.location.directory + "/blobs/\(writer.run)-0.pack")
        try writer.save(.boundary(1), [noise(2, count: 10), weights])
        #expect(try scratch.store.verify(run: writer.run, checkpoint: 1) == nil)
        #expect(try scratch.store.checkpoints(of: writer.run).map(\.isDamaged) == [true, false])
    }

    @Test func leftoversOfDeadRecordersGoAndThoseOfLiveOnesStay() throws {
        let scratch = try ScratchStore()
        let writer = try scratch.writer()
        try writer.save(.boundary(0), [noise(1, count: 10)])
        let blobs = scratch.location.directory + "/blobs/"
        for name in ["00000000-4.pack.partial", "00000000-3.pack", "\(writer.run)-1.pack.partial"] {
            try Data([1]).write(to: URL(fileURLWithPath: blobs + name))
        }
        try scratch.store.removeLeftovers()
        #expect(try scratch.packs == ["\(writer.run)-0.pack", "\(writer.run)-1.pack.partial"])
    }
}
