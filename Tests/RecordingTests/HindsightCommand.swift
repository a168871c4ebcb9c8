import Foundation

/// The built executable, run as a user runs it.
struct HindsightCommand {
    struct Result {
        var output: String
        var errors: String
        /// Nil where a signal ended it.
        var exitCode: Int32?
        var signal: Int32?
    }

    /// Beside the tests, where the build puts it.
    static let path: String = {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return ((tests as NSString).deletingLastPathComponent as NSString).appendingPathComponent("hindsight")
    }()

    static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: path) }

    private let process = Process()
    private let folder: String

    /// Starts it. Outputs go to files, so that nothing waits for a reader.
    init(
        _ arguments: [String], in project: ScratchProject, through wrapper: [String] = [], input: String = "",
        environment: [String: String] = [:]
    ) throws {
        let words = wrapper + [Self.path] + arguments
        folder = project.root + "/.git/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try input.write(toFile: folder + "/in", atomically: true, encoding: .utf8)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.currentDirectoryURL = URL(fileURLWithPath: project.root)
        // Nothing of a test belongs among the user's own stores.
        process.environment = ProcessInfo.processInfo.environment
            .merging(["XDG_STATE_HOME": project.root + "/.git/state"]) { $1 }
            .merging(environment) { $1 }
        process.standardInput = FileHandle(forReadingAtPath: folder + "/in")
        process.standardOutput = try Self.file(folder + "/out")
        process.standardError = try Self.file(folder + "/err")
        // Tests run on threads that block signals, and a child would inherit that.
        var none = sigset_t()
        var usual = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &usual)
        defer { pthread_sigmask(SIG_SETMASK, &usual, nil) }
        try process.run()
    }

    private static func file(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path))
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }

    var processID: pid_t { process.processIdentifier }

    var outputSoFar: String { (try? String(contentsOfFile: folder + "/out", encoding: .utf8)) ?? "" }

    /// Waits until the output holds the text.
    func wait(for text: String) -> Bool {
        for _ in 0..<30_000 {
            if outputSoFar.contains(text) { return true }
            usleep(10_000)
        }
        return false
    }

    func finish() -> Result {
        process.waitUntilExit()
        let wasSignalled = process.terminationReason == .uncaughtSignal
        return Result(
            output: outputSoFar,
            errors: (try? String(contentsOfFile: folder + "/err", encoding: .utf8)) ?? "",
            exitCode: wasSignalled ? nil : process.terminationStatus,
            signal: wasSignalled ? process.terminationStatus : nil)
    }

    static func run(
        _ arguments: [String], in project: ScratchProject, through wrapper: [String] = [], input: String = "",
        environment: [String: String] = [:]
    ) throws -> Result {
        try HindsightCommand(
            arguments, in: project, through: wrapper, input: input, environment: environment
        ).finish()
    }
}
