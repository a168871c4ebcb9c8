import CHindsightSystem
import Foundation

/// A Unix socket that waits for connections. The file appears at creation and is removed with the listener.
///
/// `accept` blocks: it belongs on a thread of its own. `close` may be called from any thread and ends it.
public final class LocalListener: Sendable {
    /// The longest path a socket can have.
    public static var longestPath: Int { SocketAddress.longestPath }

    public let path: String
    private let descriptor: Int32
    /// Becomes readable when `accept` must return: closing a descriptor under a blocked `accept` would let
    /// its number be reused while still waited on.
    private let wake: (read: Int32, write: Int32)

    public init(path: String, backlog: Int32 = 128) throws {
        let address = try SocketAddress(path: path)
        let descriptor = hindsight_local_socket()
        guard descriptor >= 0 else { throw SocketError.system("cannot make a socket") }
        var pair: [Int32] = [-1, -1]
        guard hindsight_local_pair(&pair) == 0 else {
            let error = SocketError.system("cannot make a socket")
            _ = Foundation.close(descriptor)
            throw error
        }
        let bound = address.withPointer { bind(descriptor, $0, $1) } == 0
        guard bound, listen(descriptor, backlog) == 0 else {
            let error = SocketError.system("cannot listen on \(path)")
            _ = Foundation.close(descriptor)
            _ = Foundation.close(pair[0])
            _ = Foundation.close(pair[1])
            throw error
        }
        self.path = path
        self.descriptor = descriptor
        self.wake = (pair[0], pair[1])
    }

    deinit {
        unlink(path)
        _ = Foundation.close(descriptor)
        _ = Foundation.close(wake.read)
        _ = Foundation.close(wake.write)
    }

    /// The next connection; nil once the listener has been closed and no connection waits any more.
    public func accept() throws -> LocalConnection? {
        while true {
            var questions = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&questions, 2, -1) >= 0 else {
                if errno == EINTR { continue }
                throw SocketError.system("cannot wait for connections on \(path)")
            }
            // Connections that were made before the close are still served.
            if questions[0].revents == 0 { return nil }
            let connection = hindsight_accept(descriptor)
            if connection >= 0 { return LocalConnection(descriptor: connection) }
            switch errno {
            case EINTR, ECONNABORTED, EAGAIN: continue
            default: throw SocketError.system("cannot take a connection on \(path)")
            }
        }
    }

    /// Makes `accept` return nil, now and from now on.
    public func close() {
        _ = hindsight_send(wake.write, [0], 1, -1)
    }
}
