import Foundation

/// One append-only file with the new bytes of one checkpoint.
///
/// It is written under another name, synced, and renamed: a pack under its own name is whole. The index
/// refers to it only after that, so a process or machine that dies leaves at most a file nobody refers to.
final class PackFile {
    let path: String
    private let partialPath: String
    private var descriptor: Int32
    private(set) var size = 0
    /// Small blobs gather here, so that they don't cost a system call each.
    private var buffer: [UInt8] = []
    private static let bufferSize = 1 << 20
    private static let page = 4096

    init(path: String) throws {
        self.path = path
        partialPath = path + ".partial"
        descriptor = open(partialPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError.system(writing: partialPath) }
    }

    deinit {
        // Still open: it was not finished, and nobody will.
        if descriptor >= 0 {
            close(descriptor)
            unlink(partialPath)
        }
    }

    /// Bytes in a file; -1 where there is none.
    static func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : -1
    }

    /// Appends bytes and returns where they begin. Large ones begin on a page, so that a replay can map them
    /// instead of copying; the others on a boundary that suits any number.
    func append(_ bytes: UnsafeRawBufferPointer) throws -> Int {
        let alignment = bytes.count >= 16 * Self.page ? Self.page : 64
        let offset = (size + alignment - 1) / alignment * alignment
        buffer.append(contentsOf: repeatElement(0, count: offset - size))
        size = offset + bytes.count
        if bytes.count >= Self.bufferSize {
            try drain()
            try write(bytes)
        } else {
            buffer.append(contentsOf: bytes)
            if buffer.count >= Self.bufferSize { try drain() }
        }
        return offset
    }

    /// Hands everything to the system: the bytes given to `append` are not needed any longer.
    func drain() throws {
        try buffer.withUnsafeBytes(write)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Makes the pack durable under its own name.
    func finish() throws {
        try drain()
        guard fsync(descriptor) == 0 else { throw StoreError.system(writing: partialPath) }
        guard close(descriptor) == 0 else {
            let error = StoreError.system(writing: partialPath)
            descriptor = -1
            unlink(partialPath)
            throw error
        }
        descriptor = -1
        guard rename(partialPath, path) == 0 else {
            let error = StoreError.system(writing: path)
            unlink(partialPath)
            throw error
        }
        try syncFolder()
    }

    private func syncFolder() throws {
        let folder = (path as NSString).deletingLastPathComponent
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError.system(writing: folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StoreError.system(writing: folder) }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw StoreError.system(writing: partialPath)
            }
            written += count
        }
    }
}
