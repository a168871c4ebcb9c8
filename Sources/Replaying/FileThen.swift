import HindsightCore
import RunStore

/// What a worker is told of a file of the run, so that the program finds the files as they were.
struct FileThen: Encodable, Hashable {
    var kind: FileRecord.Kind
    var path: String
    var state: FileState.Kind
    var size: Int
    var mtime: Int
    var inode: Int
    /// The checkpoint at which it was so, and that one's place in the run.
    var n: Int?
    var key: OrderKey?
    var content: BlobLocation?

    init(_ record: FileRecord, key: OrderKey?) {
        kind = record.kind
        path = record.path
        state = record.state.kind
        size = record.state.size
        mtime = record.state.modified
        inode = record.state.inode
        n = record.checkpoint
        self.key = key
        content = record.content
    }

    /// Inputs are told where they have changed, and states at checkpoints where there may be jumps.
    static func needed(of recorded: RecordedMaterial, jumping isJumping: Bool) -> [FileThen] {
        let keys = Dictionary(
            recorded.history.checkpoints.map { ($0.number, $0.order) },
            uniquingKeysWith: { first, _ in first })
        let changed = Set(recorded.files.filter { $0.kind == .before }.map(\.path))
        return recorded.files.filter { record in
            switch record.kind {
            case .input: changed.contains(record.path) || !record.state.isSame(as: FileState(of: record.path))
            case .before: true
            case .state, .content: isJumping
            case .end: false
            }
        }.map { FileThen($0, key: $0.checkpoint.flatMap { keys[$0] }) }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(kind, forKey: .kind)
        try container.encode(path, forKey: .path)
        try container.encode(state, forKey: .state)
        try container.encode(size, forKey: .size)
        try container.encode(mtime, forKey: .mtime)
        try container.encode(inode, forKey: .inode)
        try container.encode(n, forKey: .n)
        try container.encode(key, forKey: .key)
        try container.encode(content, forKey: .content)
    }

    enum Keys: CodingKey { case kind, path, state, size, mtime, inode, n, key, content }
}
