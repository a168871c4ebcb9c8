import Foundation
import LocalSockets

/// A private folder for the collector's socket: its path must be short, and nobody else may connect.
final class SocketFolder: Sendable {
    let path: String

    init() throws {
        let named = ["XDG_RUNTIME_DIR", "TMPDIR"].compactMap { ProcessInfo.processInfo.environment[$0] }
        let room = LocalListener.longestPath - "/hindsight-XXXXXX/collector".utf8.count
        for parent in named.filter({ $0.hasPrefix("/") && $0.utf8.count <= room }) + ["/tmp"] {
            var template = Array((parent + "/hindsight-XXXXXX").utf8CString)
            // Made with mode 0700.
            if mkdtemp(&template) != nil {
                path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
                return
            }
        }
        throw RecordingError(
            "no folder for a socket can be made in /tmp: \(String(cString: strerror(errno)))")
    }

    deinit { remove() }

    /// The socket in it is removed by its listener; whatever else is left doesn't matter.
    func remove() {
        unlink(path + "/collector")
        rmdir(path)
    }
}
