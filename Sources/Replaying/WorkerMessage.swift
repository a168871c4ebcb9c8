import Foundation
import HindsightCore

/// One line from a worker.
enum WorkerMessage: Sendable {
    case started
    /// `isNested`: another probe's call led here.
    case hit(Hit, probe: String, isNested: Bool)
    case log(site: String, text: String, name: String?, value: Scalar, order: OrderKey)
    case jump(JumpTaken)
    /// `isAligned`: what differed was then made as recorded.
    case check(checkpoint: Int, order: OrderKey, difference: String?, isAligned: Bool)
    case disturbed(probe: String, order: OrderKey, difference: String)
    case unwatched(reason: String, order: OrderKey)
    /// The program's data at a place were kept, for another replay to compare its own with them.
    case kept
    /// They were compared; `isAlone`: by a replay without probes.
    case control(order: OrderKey, difference: String?, isAlone: Bool)
    case progress(coordinate: Coordinate, order: OrderKey)
    case unusable(UnusableCheckpoint)
    case probeError(probe: String, file: String, line: Int, text: String, iterations: [Iteration])
    case fingerprint(Fingerprint)
    case file(FileDoubt)
    /// Probes have used files that the run did not.
    case borrowed
    case note(String)
    case end(WorkerEnd)
    /// A standing worker has come to its place.
    case standing
    /// It cannot stand, or its child cannot answer this query; a worker that starts afresh can.
    case cold(reason: String)
    /// A child of a standing worker has ended.
    case exited(number: Int, status: Int32)

    struct WorkerEnd: Sendable {
        var status: String
        var exitCode: Int?
        var exception: String?
    }

    /// Reads a line; nil for a kind of message that this version does not know.
    init?(line: Data) throws {
        let message = try JSONDecoder().decode(Fields.self, from: line)
        func need<Value>(_ value: Value?, _ name: String) throws -> Value {
            guard let value else { throw MalformedMessage("a \(message.t) message without \(name)") }
            return value
        }
        switch message.t {
        case "started": self = .started
        case "hit":
            let hit = Hit(
                file: try need(message.file, "file"), line: try need(message.line, "line"),
                text: try need(message.text, "text"), name: message.name, value: message.value ?? .null,
                iterations: message.it?.map(\.iteration) ?? [], order: try need(message.key, "key"),
                verdict: .provisional("not checked yet"))
            self = .hit(
                hit, probe: try need(message.probe, "probe"), isNested: message.nested ?? false)
        case "log":
            self = .log(
                site: try need(message.site, "site"), text: try need(message.text, "text"),
                name: message.name,
                value: message.value ?? .null, order: try need(message.key, "key"))
        case "jump":
            self = .jump(
                JumpTaken(
                    checkpoint: try need(message.checkpoint, "checkpoint"),
                    from: try need(message.from, "from"),
                    to: try need(message.to, "to")))
        case "check":
            self = .check(
                checkpoint: try need(message.checkpoint, "checkpoint"), order: try need(message.key, "key"),
                difference: message.difference, isAligned: message.aligned ?? false)
        case "disturbed":
            self = .disturbed(
                probe: try need(message.probe, "probe"), order: try need(message.key, "key"),
                difference: try need(message.difference, "difference"))
        case "unwatched":
            self = .unwatched(reason: try need(message.reason, "reason"), order: try need(message.key, "key"))
        case "kept": self = .kept
        case "control":
            self = .control(
                order: try need(message.key, "key"), difference: message.difference,
                isAlone: message.alone ?? false)
        case "progress":
            self = .progress(coordinate: message.at ?? [], order: try need(message.key, "key"))
        case "unusable":
            self = .unusable(
                UnusableCheckpoint(
                    number: try need(message.checkpoint, "checkpoint"),
                    reason: message.reason ?? "no reason given", concernsRun: message.concernsRun ?? false))
        case "probe-error":
            self = .probeError(
                probe: message.probe ?? "", file: try need(message.file, "file"),
                line: try need(message.line, "line"), text: message.text ?? "an exception",
                iterations: message.it?.map(\.iteration) ?? [])
        case "fingerprint": self = .fingerprint(Fingerprint(message.facts ?? [:]))
        case "file":
            self = .file(
                FileDoubt(
                    order: try need(message.key, "key"), end: message.end,
                    reason: try need(message.reason, "reason"),
                    isJumped: message.jumped ?? false, passes: message.passes ?? false))
        case "borrowed": self = .borrowed
        case "note": self = .note(message.text ?? "")
        case "end":
            self = .end(
                WorkerEnd(
                    status: try need(message.status, "status"), exitCode: message.exitCode,
                    exception: message.exception))
        case "standing": self = .standing
        case "cold": self = .cold(reason: message.reason ?? "no reason given")
        case "exited":
            self = .exited(number: try need(message.id, "id"), status: try need(message.code, "code"))
        default: return nil
        }
    }

    private struct Fields: Decodable {
        var t: String
        var probe: String?
        var file: String?
        var line: Int?
        var site: String?
        var text: String?
        var name: String?
        var value: Scalar?
        var nested: Bool?
        var it: [Level]?
        var key: OrderKey?
        var from: OrderKey?
        var to: OrderKey?
        var at: Coordinate?
        var checkpoint: Int?
        var difference: String?
        var aligned: Bool?
        var alone: Bool?
        var reason: String?
        var jumped: Bool?
        var concernsRun: Bool?
        var passes: Bool?
        var end: OrderKey?
        var facts: [String: Scalar]?
        var status: String?
        var exitCode: Int?
        var exception: String?
        var id: Int?
        var code: Int32?
    }

    /// `[target, index, value]`.
    private struct Level: Decodable {
        var iteration: Iteration

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            iteration = Iteration(
                loop: try container.decode(String.self), index: try container.decode(Int.self),
                value: container.isAtEnd ? .null : try container.decode(Scalar.self))
        }
    }
}

/// A checkpoint that a replay cannot fill in.
struct UnusableCheckpoint: Sendable {
    var number: Int
    var reason: String
    /// Whether none of the run's checkpoints can be used, for the same reason.
    var concernsRun = false
}

/// A line that is no message.
struct MalformedMessage: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
