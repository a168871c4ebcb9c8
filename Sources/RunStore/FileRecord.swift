import Foundation

/// What the run's file system had at a path at some time.
public struct FileState: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, Codable {
        case absent, folder, file
        /// Something was there, and nobody knows what.
        case unknown
    }

    public var kind: Kind
    /// Of a file: bytes, time of its last change in nanoseconds, number. Together they tell whether a file is
    /// still the same.
    public var size: Int
    public var modified: Int
    public var inode: Int

    public init(_ kind: Kind, size: Int = 0, modified: Int = 0, inode: Int = 0) {
        self.kind = kind
        self.size = size
        self.modified = modified
        self.inode = inode
    }
}

/// One thing that a run did with a file.
public struct FileRecord: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, Codable {
        /// Read by the program for the first time, before the run had changed it.
        case input
        /// What it was before the run changed it for the first time.
        case before
        /// Read by the program after the run had changed it.
        case content
        /// What it was at a checkpoint, told where that had changed since the checkpoint before.
        case state
        /// What it was when the program ended.
        case end
    }

    /// Counts the run's file records from 0.
    public var number: Int
    public var kind: Kind
    /// Absolute.
    public var path: String
    public var state: FileState
    public var checkpoint: Int?
    /// Where what was in it is kept; nil where it is not.
    public var content: BlobLocation?

    public init(
        number: Int, kind: Kind, path: String, state: FileState, checkpoint: Int? = nil,
        content: BlobLocation? = nil
    ) {
        self.number = number
        self.kind = kind
        self.path = path
        self.state = state
        self.checkpoint = checkpoint
        self.content = content
    }
}

extension FileState {
    /// What is at a path now.
    public init(of path: String) {
        var info = stat()
        guard lstat(path, &info) == 0 else {
            self.init(.absent)
            return
        }
        switch info.st_mode & S_IFMT {
        case S_IFDIR: self.init(.folder)
        case S_IFREG:
            self.init(
                .file, size: Int(info.st_size),
                modified: Int(info.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(info.st_mtim.tv_nsec),
                // Some file systems number with all 64 bits.
                inode: Int(truncatingIfNeeded: info.st_ino) & Int.max)
        default: self.init(.unknown)
        }
    }

    /// Whether a file is taken for unchanged; a copy with the same time of change will do.
    public func isSame(as other: FileState) -> Bool {
        kind == other.kind && size == other.size && modified == other.modified
    }
}
