import Foundation

/// A process that a test starts, with its output in files, so that no pipe can fill up and hold it.
package final class Command: @unchecked Sendable {
    package struct Result: Sendable {
        package var status: Int32
        /// True where a signal ended the process; `status` is then the signal's number.
        package var signalled: Bool
        package var output: Data
        package var errors: Data
        package var seconds: Double

        package var text: String { String(decoding: output, as: UTF8.self) }
        package var errorText: String { String(decoding: errors, as: UTF8.self) }
        package var lines: [String] { Self.lines(text) }
        package var errorLines: [String] { Self.lines(errorText) }

        private static func lines(_ text: String) -> [String] {
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            if lines.last == "" { lines.removeLast() }
            return lines
        }
    }

    package struct TimedOut: Error, CustomStringConvertible {
        package var description: String
    }

    /// How long a command may take before it counts as hanging; no test is about how fast one is.
    package static let patience = 900.0

    private let process = Process()
    private let folder: URL
    private let description: String
    private let started: Date

    /// `environment` replaces the inherited one where it is given.
    package init(
        _ executable: String, _ arguments: [String], in directory: URL? = nil,
        environment: [String: String] = Command.environment
    ) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("hindsight-out-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let output = folder.appendingPathComponent("stdout")
        let errors = folder.appendingPathComponent("stderr")
        try Data().write(to: output)
        try Data().write(to: errors)
        description = ([executable] + arguments).joined(separator: " ")
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.currentDirectoryURL = directory
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        started = Date()
        // A child inherits the signals that this thread blocks, and the tests' shared threads block nearly all.
        var none = sigset_t()
        var previous = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        try process.run()
    }

    /// What children inherit: nothing of an outer Hindsight or of this test run's own Python settings.
    package static let environment: [String: String] = {
        let python = ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV"]
        var kept = ProcessInfo.processInfo.environment.filter { name, _ in
            !name.hasPrefix("HINDSIGHT_") && !python.contains(name)
        }
        // Nothing of a test belongs among the user's own stores.
        kept["XDG_STATE_HOME"] =
            FileManager.default.temporaryDirectory.appendingPathComponent("hindsight-test-state").path
        // As many threads as always, but none that spins while it waits: on a busy machine that takes minutes.
        kept["OMP_WAIT_POLICY"] = "PASSIVE"
        return kept
    }()

    package var identifier: Int32 { process.processIdentifier }

    /// What was written to standard output so far.
    package var outputSoFar: String {
        (try? String(contentsOf: folder.appendingPathComponent("stdout"), encoding: .utf8)) ?? ""
    }

    package func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    package func finish(within seconds: Double = Command.patience) async throws -> Result {
        let limit = Date() + seconds
        while process.isRunning {
            if Date() > limit {
                process.terminate()
                try await Task.sleep(for: .seconds(1))
                if process.isRunning { kill(process.processIdentifier, SIGKILL) }
                let errors = try? String(contentsOf: folder.appendingPathComponent("stderr"), encoding: .utf8)
                throw TimedOut(description: "\(description) took more than \(seconds) s\n\(errors ?? "")")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        defer { try? FileManager.default.removeItem(at: folder) }
        return Result(
            status: process.terminationStatus,
            signalled: process.terminationReason == .uncaughtSignal,
            output: try Data(contentsOf: folder.appendingPathComponent("stdout")),
            errors: try Data(contentsOf: folder.appendingPathComponent("stderr")),
            seconds: Date().timeIntervalSince(started))
    }

    /// Starts a process and waits for its end.
    package static func run(
        _ executable: String, _ arguments: [String], in directory: URL? = nil,
        environment: [String: String] = Command.environment, within seconds: Double = Command.patience
    ) async throws -> Result {
        try await Command(executable, arguments, in: directory, environment: environment).finish(
            within: seconds)
    }

    /// The first executable of that name on `PATH`.
    package static func find(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
