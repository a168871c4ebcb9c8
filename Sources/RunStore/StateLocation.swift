import HindsightCore

/// Where some bytes lie, and what they must be.
public struct BlobLocation: Hashable, Sendable, Codable {
    /// The pack, absolute.
    public var file: String
    public var offset: Int
    public var length: Int
    /// Lowercase hexadecimal.
    public var sha256: String

    public init(file: String, offset: Int, length: Int, sha256: String) {
        self.file = file
        self.offset = offset
        self.length = length
        self.sha256 = sha256
    }
}

/// A checkpoint's data and what goes with it.
public struct StateLocation: Hashable, Sendable {
    public var number: Int
    public var kind: CheckpointKind
    public var coordinate: Coordinate
    public var order: OrderKey
    /// A digest of the places of the state's objects; equal in a replay where they line up.
    public var layout: String
    /// The program's own log records before it.
    public var logs: Int
    /// Entropy records before it.
    public var entropy: Int
    public var stream: BlobLocation
    public var buffers: [BlobLocation]

    public init(
        number: Int, kind: CheckpointKind, coordinate: Coordinate, order: OrderKey, layout: String,
        logs: Int, entropy: Int, stream: BlobLocation, buffers: [BlobLocation]
    ) {
        self.number = number
        self.kind = kind
        self.coordinate = coordinate
        self.order = order
        self.layout = layout
        self.logs = logs
        self.entropy = entropy
        self.stream = stream
        self.buffers = buffers
    }
}
