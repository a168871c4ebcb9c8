import Foundation

/// How replays are run on this machine.
public struct ReplaySettings: Sendable {
    public enum Sandbox: Sendable {
        /// Without a copy-on-write view and a network of its own nothing is replayed.
        case required
        /// The user has agreed to replay without them where the system gives none.
        case allowWeak
    }

    public var sandbox: Sandbox
    /// Added to the niceness of workers.
    public var niceness: Int
    /// The executable that becomes the launcher of workers; any that links this module.
    public var launcher: String
    /// Passes that may follow the first one to earn verdicts.
    public var validatingPasses: Int

    public init(
        sandbox: Sandbox = .required, niceness: Int = 10, launcher: String = Self.ownExecutable,
        validatingPasses: Int = 6
    ) {
        self.sandbox = sandbox
        self.niceness = niceness
        self.launcher = launcher
        self.validatingPasses = validatingPasses
    }

    public static var ownExecutable: String {
        #if os(Linux)
            "/proc/self/exe"
        #else
            Bundle.main.executablePath ?? CommandLine.arguments[0]
        #endif
    }
}
