import Foundation
import HindsightCore
import Logging

/// How replays are run on this machine.
public struct ReplaySettings: Sendable {
    public enum Sandbox: Sendable {
        /// Without a copy-on-write view and a network of its own nothing is replayed.
        case required
        /// The user has agreed to replay without them where the system gives none.
        case allowWeak
    }

    public var sandbox: Sandbox
    /// Whether one worker stands ready at the main loop of the run that was asked about last.
    public var keepsStandingWorker: Bool
    /// After so long without a query a standing worker is ended.
    public var idleSeconds: Double
    public var limits: WorkerLimits
    /// The executable that becomes the launcher of workers; any that links this module.
    public var launcher: String
    /// Seconds without a word after which a worker counts as hung, besides five times what its plan should take.
    public var longestSilence: Double
    /// Passes that may follow the first one to earn verdicts.
    public var validatingPasses: Int
    /// Hears how plans are made and what became of them.
    public var logger: Logger

    public init(
        sandbox: Sandbox = .required, keepsStandingWorker: Bool = false, idleSeconds: Double = 600,
        limits: WorkerLimits = WorkerLimits(), launcher: String = Self.ownExecutable,
        longestSilence: Double = 60, validatingPasses: Int = 6,
        logger: Logger = Self.quietLogger
    ) {
        self.sandbox = sandbox
        self.keepsStandingWorker = keepsStandingWorker
        self.idleSeconds = idleSeconds
        self.limits = limits
        self.launcher = launcher
        self.longestSilence = longestSilence
        self.validatingPasses = validatingPasses
        self.logger = logger
    }

    /// Writes to standard error what is at least as grave as the environment's `HINDSIGHT_LOG` says.
    public static var quietLogger: Logger {
        var logger = Logger(label: "hindsight.replay") { StreamLogHandler.standardError(label: $0) }
        let level = ProcessInfo.processInfo.environment["HINDSIGHT_LOG"].flatMap(Logger.Level.init(rawValue:))
        logger.logLevel = level ?? .warning
        return logger
    }

    public static var ownExecutable: String {
        #if os(Linux)
            "/proc/self/exe"
        #else
            Bundle.main.executablePath ?? CommandLine.arguments[0]
        #endif
    }
}
