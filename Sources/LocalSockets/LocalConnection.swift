import CHindsightSystem
import Foundation
import Synchronization

/// A connected Unix stream socket that carries lines both ways, and descriptors beside them.
///
/// Every call blocks, so reading belongs on a thread of its own. One thread may read while others write;
/// `shutdown` may be called from any thread and wakes a blocked reader. The descriptor is closed only with
/// the last reference, so no thread can meet a number that was given to another file.
public final class LocalConnection: Sendable {
    /// A line longer than this is an error rather than a reason to run out of memory.
    public static let longestLine = 1 << 30

    private let descriptor: Int32
    private let incoming = Mutex(Incoming())
    /// Held over a whole message, so that two writers' lines don't mix.
    private let outgoing = Mutex(())

    private struct Incoming {
        /// Received bytes; those before `start` were handed out already.
        var bytes: [UInt8] = []
        var start = 0
        /// No newline lies between `start` and here.
        var searched = 0
        var ended = false
        /// Descriptors in the order of arrival, not taken yet.
        var descriptors: [Int32] = []
    }

    /// Takes the descriptor over.
    public init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        incoming.withLock { state in
            for descriptor in state.descriptors { _ = Foundation.close(descriptor) }
        }
        _ = Foundation.close(descriptor)
    }

    public static func connect(to path: String) throws -> LocalConnection {
        let address = try SocketAddress(path: path)
        let descriptor = hindsight_local_socket()
        guard descriptor >= 0 else { throw SocketError.system("cannot make a socket") }
        let connection = LocalConnection(descriptor: descriptor)
        while address.withPointer({ Foundation.connect(descriptor, $0, $1) }) != 0 {
            if errno == EINTR { continue }
            throw SocketError.system("cannot connect to \(path)")
        }
        return connection
    }

    /// Two connected ends: one to use here, and a bare descriptor for a child process. The caller closes
    /// the descriptor once the child has it; it is closed on exec unless the caller arranges otherwise.
    public static func pair() throws -> (here: LocalConnection, there: Int32) {
        var pair: [Int32] = [-1, -1]
        guard hindsight_local_pair(&pair) == 0 else { throw SocketError.system("cannot make a socket pair") }
        return (LocalConnection(descriptor: pair[0]), pair[1])
    }

    /// The next line without its newline; nil at the end of the stream. A last line without a newline was
    /// cut off by the peer's death and is dropped.
    public func readLine() throws -> Data? {
        try incoming.withLock { state in
            while true {
                if let line = try Self.nextLine(&state) { return line }
                if state.ended { return nil }
                try receive(&state)
            }
        }
    }

    /// The oldest received descriptor that was not taken yet; the caller closes it. A descriptor arrives no
    /// later than the last byte of the message that it was attached to.
    public func takeDescriptor() -> Int32? {
        incoming.withLock { $0.descriptors.isEmpty ? nil : $0.descriptors.removeFirst() }
    }

    /// Writes one line; the newline is added here. The descriptor, if any, stays the caller's.
    public func write(line: some Collection<UInt8>, descriptor attached: Int32? = nil) throws {
        var bytes = Array(line)
        bytes.append(0x0A)
        try outgoing.withLock { _ in
            try bytes.withUnsafeBytes { buffer in
                var sent = 0
                while sent < buffer.count {
                    let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
                    let count = hindsight_send(
                        descriptor, rest.baseAddress, rest.count, sent == 0 ? attached ?? -1 : -1)
                    if count < 0 {
                        if errno == EINTR { continue }
                        throw SocketError.system("cannot write to a local socket")
                    }
                    sent += count
                }
            }
        }
    }

    /// Encodes a value as JSON on one line.
    public func write(_ message: some Encodable, descriptor attached: Int32? = nil) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        try write(line: encoder.encode(message), descriptor: attached)
    }

    /// Ends both directions: a blocked reader gets the end of the stream, and so does the peer.
    public func shutdown() {
        _ = Foundation.shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private static func nextLine(_ state: inout Incoming) throws -> Data? {
        let line: Data? = state.bytes.withUnsafeBytes { buffer in
            let count = buffer.count - state.searched
            guard count > 0, let base = buffer.baseAddress,
                let found = memchr(base + state.searched, 0x0A, count)
            else { return nil }
            let end = UnsafeRawPointer(found) - base
            return Data(bytes: base + state.start, count: end - state.start)
        }
        if let line {
            state.start += line.count + 1
            state.searched = state.start
            return line
        }
        state.searched = state.bytes.count
        if state.bytes.count - state.start > longestLine {
            throw SocketError("a message on a local socket is longer than \(longestLine) bytes")
        }
        return nil
    }

    private func receive(_ state: inout Incoming) throws {
        // Only here are consumed bytes moved out, once per system call and not once per line.
        if state.start > 0 {
            state.bytes.removeFirst(state.start)
            state.searched -= state.start
            state.start = 0
        }
        let chunk = max(1 << 16, min(state.bytes.count, 1 << 24))
        let (count, failure, descriptors) = withUnsafeTemporaryAllocation(byteCount: chunk, alignment: 16) {
            buffer in
            var descriptors = [Int32](repeating: -1, count: 16)
            var received: Int32 = 0
            var count: Int
            repeat {
                count = hindsight_receive(
                    descriptor, buffer.baseAddress, buffer.count, &descriptors, 16, &received)
            } while count < 0 && errno == EINTR
            let failure = errno
            if count > 0 {
                state.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
            return (count, failure, descriptors.prefix(Int(received)))
        }
        state.descriptors.append(contentsOf: descriptors)
        if count == 0 { state.ended = true }
        if count < 0 {
            // A peer that was killed with our answer unread resets the connection: for us, it just ended.
            guard failure == ECONNRESET else {
                throw SocketError.system("cannot read from a local socket", code: failure)
            }
            state.ended = true
        }
    }
}
