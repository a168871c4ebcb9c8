/// A loop statement of a recorded program: `path:line:column` of the statement, the path relative to the
/// project's root, the line from 1 and the column from 0, as Python's `ast` counts them.
public struct LoopID: Hashable, Sendable, Codable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }

    /// The recorded source that it stands in.
    public var path: String {
        let parts = description.split(separator: ":", omittingEmptySubsequences: false)
        return parts.dropLast(2).joined(separator: ":")
    }

    public init(from decoder: any Decoder) throws {
        description = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// One live loop: which statement, which of its activations within the surrounding iteration, and how many
/// iterations have begun before this one.
public struct LoopPosition: Hashable, Sendable, Codable {
    public var loop: LoopID
    /// Counts the activations of the same statement within one iteration of the surrounding loop, from 0.
    public var occurrence: Int
    /// The iteration, from 0.
    public var index: Int

    public init(loop: LoopID, occurrence: Int, index: Int) {
        self.loop = loop
        self.occurrence = occurrence
        self.index = index
    }

    public init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        loop = try container.decode(LoopID.self)
        occurrence = try container.decode(Int.self)
        index = try container.decode(Int.self)
    }

    /// A three-element array, as the runtime writes it.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(loop)
        try container.encode(occurrence)
        try container.encode(index)
    }
}

/// The stack of live loops at a boundary, outermost first; empty outside loops.
public typealias Coordinate = [LoopPosition]

/// Where an event stands in the order of the original run.
///
/// Within one iteration, event number `c` of the program itself (a log record, the entry of a loop) has the
/// component `2c + 1`, and what a probe does before it has `2c` followed by a count; a loop's component is
/// followed by the iteration's index. Lexicographic order is then the program's own order, whichever part of
/// the run was re-executed and whichever probes were in it.
public struct OrderKey: Hashable, Sendable, Codable, Comparable {
    public var components: [Int]

    public init(_ components: [Int]) { self.components = components }

    public init(from decoder: any Decoder) throws {
        components = try decoder.singleValueContainer().decode([Int].self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(components)
    }

    public static func < (left: OrderKey, right: OrderKey) -> Bool {
        left.components.lexicographicallyPrecedes(right.components)
    }
}
