import Foundation
import HindsightCore
import RunStore

/// What the runtime inside the program tells the collector; one line each.
enum RuntimeMessage: Decodable {
    case hello(HelloMessage)
    case buffer(size: Int)
    case source(RecordedSource)
    case log(LogRecord)
    case milestone(Milestone)
    case checkpoint(CheckpointMessage)
    case entropy(EntropyRecord)
    case initial(name: String, state: String)
    case fingerprint(Fingerprint)
    case files([FileMessage])
    case note(String)
    case end(EndMessage)
    /// From a runtime that is newer in a compatible way.
    case unknown(String)

    private enum Key: String, CodingKey {
        case type = "t"
        case size, path, module, text, loops, site, name, value, it, key, kind, at, elapsed, source, state,
            facts, records
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(String.self, forKey: .type) {
        case "hello": self = .hello(try HelloMessage(from: decoder))
        case "buffer": self = .buffer(size: try container.decode(Int.self, forKey: .size))
        case "source":
            self = .source(
                RecordedSource(
                    path: try container.decode(String.self, forKey: .path),
                    module: try container.decode(String.self, forKey: .module),
                    text: try container.decode(String.self, forKey: .text),
                    loops: try container.decode([RecordedLoop].self, forKey: .loops)))
        case "log":
            self = .log(
                LogRecord(
                    site: try container.decode(String.self, forKey: .site),
                    text: try container.decode(String.self, forKey: .text),
                    name: try container.decodeIfPresent(String.self, forKey: .name),
                    value: try container.decodeIfPresent(Scalar.self, forKey: .value) ?? .null,
                    iterations: try container.decode([IterationTuple].self, forKey: .it).map(\.iteration),
                    order: try container.decode(OrderKey.self, forKey: .key)))
        case "milestone":
            self = .milestone(
                Milestone(
                    kind: try container.decode(CheckpointKind.self, forKey: .kind),
                    coordinate: try container.decode(Coordinate.self, forKey: .at),
                    order: try container.decode(OrderKey.self, forKey: .key),
                    elapsed: try container.decode(Double.self, forKey: .elapsed)))
        case "checkpoint": self = .checkpoint(try CheckpointMessage(from: decoder))
        case "entropy":
            self = .entropy(
                EntropyRecord(
                    source: try container.decode(String.self, forKey: .source),
                    value: try container.decode(String.self, forKey: .value)))
        case "initial":
            self = .initial(
                name: try container.decode(String.self, forKey: .name),
                state: try container.decode(String.self, forKey: .state))
        case "fingerprint":
            self = .fingerprint(try container.decode(Fingerprint.self, forKey: .facts))
        case "files": self = .files(try container.decode([FileMessage].self, forKey: .records))
        case "note": self = .note(try container.decode(String.self, forKey: .text))
        case "end": self = .end(try EndMessage(from: decoder))
        case let other: self = .unknown(other)
        }
    }

    /// Decodes a line. Text that the program logged may hold bytes that are no UTF-8; they are replaced, as a
    /// terminal would.
    static func decode(_ line: Data) throws -> RuntimeMessage {
        let decoder = JSONDecoder()
        do {
            return try decoder.decode(RuntimeMessage.self, from: line)
        } catch {
            let repaired = Data(String(decoding: line, as: UTF8.self).utf8)
            guard repaired != line else { throw error }
            return try decoder.decode(RuntimeMessage.self, from: repaired)
        }
    }
}

/// The first message: which program this is.
struct HelloMessage: Decodable {
    var version: Int
    var pid: Int
    var program: String
    var module: String?
    var argv: [String]
    var executable: String
    var cwd: String
    var environment: [String: String]
    var hashseed: String?
    var python: String
}

/// A checkpoint whose bytes lie in the shared buffer.
struct CheckpointMessage: Decodable {
    var n: Int
    var kind: CheckpointKind
    var at: Coordinate
    var key: OrderKey
    var elapsed: Double
    var layout: String
    var stream: ByteRange
    var buffers: [ByteRange]
    var lost: [String]
    var from: Int
    var logs: Int
    var entropy: Int
    var cost: [String: Double]

    var checkpoint: NewCheckpoint {
        NewCheckpoint(
            number: n, kind: kind, coordinate: at, order: key, elapsed: elapsed, layout: layout, logs: logs,
            entropy: entropy, lost: lost, reachableFrom: from, cost: cost)
    }
}

/// What the program did with a file; `data` is what was in it, where the runtime had to look itself.
struct FileMessage: Decodable {
    var kind: FileRecord.Kind
    var path: String
    var state: FileState.Kind
    var size: Int?
    var mtime: Int?
    var inode: Int?
    var n: Int?
    var data: Data?

    func record(number: Int) -> FileRecord {
        FileRecord(
            number: number, kind: kind, path: path,
            state: FileState(state, size: size ?? 0, modified: mtime ?? 0, inode: inode ?? 0), checkpoint: n)
    }
}

/// `[offset, length, since]` in the shared buffer.
struct ByteRange: Decodable, Hashable {
    var offset: Int
    var length: Int
    /// The bytes are the same in every checkpoint that gives this number for this place; never the same number
    /// for others.
    var since: Int

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        offset = try container.decode(Int.self)
        length = try container.decode(Int.self)
        since = try container.decode(Int.self)
    }
}

/// How the program ended, by its own account.
struct EndMessage: Decodable {
    var status: String
    var exitCode: Int?
    var exception: String?
    var elapsed: Double
    var overhead: Double

    var runStatus: RunStatus {
        switch status {
        case "finished": .finished(exitCode: exitCode ?? 0)
        case "raised": .raised(exception: exception ?? "an exception")
        default: .interrupted(exception ?? "interrupted")
        }
    }
}

/// `[target, index, value]`.
private struct IterationTuple: Decodable {
    var iteration: Iteration

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        iteration = Iteration(
            loop: try container.decode(String.self), index: try container.decode(Int.self),
            value: try container.decode(Scalar.self))
    }
}
