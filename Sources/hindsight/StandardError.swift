import Foundation

/// Lines for people that must not mix with a command's output.
enum StandardError {
    static func write(_ line: String) {
        // Unbuffered, and a closed stderr is no reason to fail.
        let bytes = Array((line + "\n").utf8)
        _ = Foundation.write(STDERR_FILENO, bytes, bytes.count)
    }
}
