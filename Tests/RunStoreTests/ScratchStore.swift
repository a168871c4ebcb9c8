import Foundation
import HindsightCore

@testable import RunStore

/// A store in a folder of its own, removed with it.
final class ScratchStore {
    let location: StoreLocation
    let store: Store

    init() throws {
        let root = NSTemporaryDirectory() + "hindsight-store-\(UUID().uuidString)"
        location = StoreLocation(root: root, directory: root + "/.hindsight")
        store = try Store.open(location)
    }

    deinit { try? FileManager.default.removeItem(atPath: location.root) }

    var packs: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: location.directory + "/blobs").sorted()
        }
    }

    func writer(
        program: String = "train.py", name: String? = nil, environment: [String: String] = [:],
        started: Date = Date()
    ) throws -> RunWriter {
        try store.writer(
            for: NewRun(
                name: name, program: program, command: ["python", program], interpreter: "/usr/bin/python3",
                workingDirectory: location.root, root: location.root, environment: environment,
                python: "3.11.7", processID: 1, started: started))
    }
}

extension NewCheckpoint {
    /// A boundary of the loop `train.py:3:0`.
    static func boundary(_ number: Int, lost: [String] = [], from: Int = 0) -> NewCheckpoint {
        NewCheckpoint(
            number: number, kind: .boundary,
            coordinate: [LoopPosition(loop: LoopID("train.py:3:0"), occurrence: 0, index: number)],
            order: OrderKey([1, number]), elapsed: Double(number), layout: "abc", logs: number * 2,
            entropy: number, lost: lost, reachableFrom: from, cost: ["walk": 0.25, "copy": 0.25])
    }
}

extension LogRecord {
    static func sample(_ index: Int, text: String? = nil) -> LogRecord {
        LogRecord(
            site: "train.py:\(4 + index % 3):4", text: text ?? "loss \(index)", name: nil, value: .null,
            iterations: [Iteration(loop: "epoch", index: index, value: .integer(index))],
            order: OrderKey([1, index, 1]))
    }
}

extension RunWriter {
    /// Saves arrays of bytes as a checkpoint's stream and buffers.
    func save(_ checkpoint: NewCheckpoint, _ blobs: [[UInt8]]) throws {
        let memory = blobs.map { blob in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: blob.count, alignment: 64)
            copy.copyBytes(from: blob)
            return UnsafeRawBufferPointer(copy)
        }
        defer { for buffer in memory { buffer.deallocate() } }
        try save(checkpoint, state: memory, released: {})
    }
}

/// Bytes that differ from seed to seed.
func noise(_ seed: UInt8, count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(seed) &* 17 &+ $0 / 251) }
}
