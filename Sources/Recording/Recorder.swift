import CHindsightSystem
import Foundation
import RunStore

/// What the user asks of a recording.
public struct RecordingOptions: Sendable {
    public var name: String?
    /// The share of the program's time that recording may take; 0.01 is one percent.
    public var budget: Double
    /// A store other than the project's own.
    public var store: String?
    /// Receives one line for each thing that the user should know about the recording itself: before the
    /// program starts or after it has ended, never in between.
    public var warn: @Sendable (String) -> Void
    /// Receives the runs that were made, after the end; not where the program ran unrecorded, which `warn` tells.
    public var recorded: @Sendable ([RecordedRun]) -> Void

    public init(
        name: String? = nil, budget: Double = 0.01, store: String? = nil,
        warn: @escaping @Sendable (String) -> Void,
        recorded: @escaping @Sendable ([RecordedRun]) -> Void = { _ in }
    ) {
        self.recorded = recorded
        self.name = name
        self.budget = budget
        self.store = store
        self.warn = warn
    }
}

/// Why a command could not be started.
public struct LaunchFailure: Error, Hashable, CustomStringConvertible {
    /// What a shell would return: 127 where there is no such command, 126 where it can't be executed.
    public var exitCode: Int32
    public var description: String
}

/// Runs a command and records every Python program of the project below it.
public enum Recorder {
    /// Blocks until the command has ended. Takes over the process' signals: call it once, for the process'
    /// only job.
    public static func record(_ command: [String], options: RecordingOptions) throws -> CommandEnd {
        let environment = ProcessInfo.processInfo.environment
        let path: String
        do {
            path = try CommandLookup.find(command[0], path: environment["PATH"])
        } catch {
            throw LaunchFailure(exitCode: error.exitCode, description: error.sentence)
        }
        let location = Store.locate(from: FileManager.default.currentDirectoryPath, override: options.store)
        var changes: [String: String] = [:]
        var collector: Collector?
        // A write beyond a size limit must fail as an error here, before the first file is written.
        hindsight_stand_aside()
        do {
            let store = try Store.open(location)
            if let doubt = StoreRegistry.ofUser(environment: environment).claim(store) { options.warn(doubt) }
            let made = try Collector(
                settings: CollectorSettings(store: store, name: options.name, budget: options.budget))
            changes =
                ProgramEnvironment(
                    inherited: environment, socket: made.socketPath, root: location.root,
                    budget: options.budget
                ).changes
            collector = made
        } catch {
            options.warn("the program runs unrecorded: \(error)")
        }
        defer {
            if let collector {
                for failure in collector.finish() { options.warn(failure) }
                options.recorded(collector.runs)
            }
        }
        let child = try launch(path, command, changes)
        collector?.child.started(child)
        let status = hindsight_wait(child)
        guard status != -1 else {
            throw RecordingError(
                "the command's end cannot be waited for: \(String(cString: strerror(errno)))")
        }
        let end = CommandEnd(waitStatus: status)
        collector?.child.ended(end)
        return end
    }

    /// Ends this process as the command was ended, so that whoever waits for it sees the same. Returns only
    /// where the signal does not end a process.
    public static func dieBy(signal: Int32) { hindsight_die_by(signal) }

    private static func launch(
        _ path: String, _ command: [String], _ changes: [String: String]
    ) throws -> pid_t {
        var child: pid_t = 0
        var failure = launch(path, command, changes, &child)
        if failure == ENOEXEC {
            // A script without a first line that names its interpreter: shells run it themselves.
            failure = launch("/bin/sh", ["/bin/sh", path] + command.dropFirst(), changes, &child)
        }
        switch failure {
        case 0: return child
        case ENOENT:
            throw LaunchFailure(
                exitCode: 127,
                description: "\(path) cannot run: the interpreter in its first line does not exist")
        default:
            throw LaunchFailure(
                exitCode: 126, description: "\(path) cannot run: \(String(cString: strerror(failure)))")
        }
    }

    private static func launch(
        _ path: String, _ command: [String], _ changes: [String: String], _ child: inout pid_t
    ) -> Int32 {
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var environment = ProgramEnvironment.entries(changing: changes)
        defer { for pointer in arguments + environment { free(pointer) } }
        return hindsight_launch(path, &arguments, &environment, &child)
    }
}
