import Foundation

/// What went wrong with a local socket, as a sentence.
public struct SocketError: Error, CustomStringConvertible, LocalizedError {
    public var description: String
    /// The system's error number, where the system refused.
    public var code: Int32?

    public var errorDescription: String? { description }

    init(_ description: String, code: Int32? = nil) {
        self.description = description
        self.code = code
    }

    /// The system's own reason, taken from `errno`.
    static func system(_ action: String, code: Int32 = errno) -> SocketError {
        SocketError("\(action): \(String(cString: strerror(code)))", code: code)
    }
}
