import Foundation

/// A lock that the system gives back when its holder dies, however it dies.
///
/// `flock` belongs to the open file, not to the process: two holders in one process exclude each other too,
/// and closing another descriptor of the same file does not release it.
final class FileLock: Sendable {
    private let descriptor: Int32
    private let path: String

    /// Waits until the lock is free.
    static func wait(for path: String) throws -> FileLock {
        let lock = try FileLock(path: path)
        while flock(lock.descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw StoreError.system(writing: path) }
        }
        return lock
    }

    /// Nil where somebody else holds it.
    static func take(_ path: String) throws -> FileLock? {
        let lock = try FileLock(path: path)
        if flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 { return lock }
        guard errno == EWOULDBLOCK else { throw StoreError.system(writing: path) }
        return nil
    }

    /// Whether somebody holds the lock now. A missing file means no.
    static func isHeld(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // Shared, so that two that ask at the same time don't take each other for the holder.
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    private init(path: String) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        self.path = path
        guard descriptor >= 0 else { throw StoreError.system(writing: path) }
    }

    deinit { close(descriptor) }

    /// Fills the file, so that as much space can be had again when the disk is full. False where there is none.
    func reserve(bytes: Int) -> Bool {
        // Written rather than allocated: not every file system knows how to allocate.
        let zeros = [UInt8](repeating: 0, count: bytes)
        guard pwrite(descriptor, zeros, bytes, 0) == bytes else {
            ftruncate(descriptor, 0)
            return false
        }
        return true
    }

    /// Gives the space back. False where there was none.
    func release() -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0 else { return false }
        return ftruncate(descriptor, 0) == 0
    }

    /// Removes the file of a lock that nobody will ask for again.
    func remove() { unlink(path) }
}
