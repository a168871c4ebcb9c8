import Foundation
import Testing

/// The suites that run whole programs. One test at a time: each keeps every core busy, and the limits of some
/// are in seconds.
@Suite(.serialized) struct WholeSystem {
    /// Runs what blocks on a thread of its own, so that the tests' few shared threads stay free.
    static func onAThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws
        -> Result
    {
        try await withCheckedThrowingContinuation { continuation in
            Thread { continuation.resume(with: Swift.Result(catching: body)) }.start()
        }
    }

    /// Says on standard output, where it cannot be overlooked, that a test had nothing to run on.
    static func skipped(_ why: String) { print("skipped: \(why)") }
}
