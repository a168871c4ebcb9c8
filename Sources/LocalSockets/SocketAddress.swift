import Foundation

/// A path as the socket API takes it.
struct SocketAddress {
    /// Bytes in `sun_path` without the terminating zero.
    static let longestPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    private var address = sockaddr_un()

    init(path: String) throws {
        let bytes = Array(path.utf8)
        guard bytes.count <= Self.longestPath else {
            throw SocketError(
                "the socket's path is longer than the system allows (\(Self.longestPath) bytes): \(path)")
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
