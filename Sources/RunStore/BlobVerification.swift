import Crypto
import Foundation
import HindsightCore

extension Store {
    /// Reads a checkpoint's data whole and compares it with its hashes; a damaged checkpoint is marked as
    /// such. Returns what is wrong, as a sentence; nil where everything is as it was written.
    public func verify(run: RunID, checkpoint number: Int) throws -> String? {
        let state: StateLocation
        do {
            state = try stateLocation(of: run, checkpoint: number)
        } catch StoreError.damagedCheckpoint(_, _, let reason) {
            return reason
        }
        for blob in [state.stream] + state.buffers {
            if let reason = blob.damage() {
                try markDamaged(run: run, checkpoint: number, reason: reason)
                return reason
            }
        }
        return nil
    }
}

extension BlobLocation {
    /// What is wrong with the bytes; nil where they are what they must be.
    func damage() -> String? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "\(file) cannot be read: \(String(cString: strerror(errno)))" }
        defer { close(descriptor) }
        var hash = SHA256()
        var position = offset
        let end = offset + length
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while position < end {
            let wanted = min(chunk.count, end - position)
            let count = chunk.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress, wanted, off_t(position))
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return "\(file) cannot be read: \(String(cString: strerror(errno)))" }
            guard count > 0 else { return "\(file) is cut short" }
            chunk.withUnsafeBytes {
                hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count]))
            }
            position += count
        }
        let found = hash.finalize().map { String(format: "%02x", $0) }.joined()
        return found == sha256 ? nil : "bytes in \(file) are not those that were written"
    }
}
