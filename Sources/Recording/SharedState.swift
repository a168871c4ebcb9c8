import Foundation

/// The memory that the runtime copies a checkpoint's state into, mapped here for reading.
///
/// Its contents may only be relied on between the checkpoint's message and the answer to it: the runtime
/// writes to it again after that.
final class SharedState: @unchecked Sendable {
    // Unchecked for the pointer only: the mapping never changes and nothing here writes to it.
    private let bytes: UnsafeRawBufferPointer

    /// Takes the descriptor over.
    init(descriptor: Int32, size: Int) throws {
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, size > 0, Int(status.st_size) >= size else {
            throw RecordingError("the program's shared buffer is smaller than it said")
        }
        guard let address = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), address != MAP_FAILED
        else {
            throw RecordingError(
                "the program's shared buffer cannot be mapped: \(String(cString: strerror(errno)))")
        }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }

    subscript(range: ByteRange) -> UnsafeRawBufferPointer? {
        let (end, overflow) = range.offset.addingReportingOverflow(range.length)
        guard range.offset >= 0, range.length >= 0, !overflow, end <= bytes.count else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[range.offset..<end])
    }
}
