import Foundation

/// The virtual environment in which the tests' training programs run. It is made under `.build` on first use
/// and kept for as long as `requirements.txt` stays the same; the user's own Python gets nothing installed.
package struct PythonEnvironment: Sendable {
    /// The environment's interpreter.
    package var python: String

    package struct Unavailable: Error, CustomStringConvertible {
        package var description: String
    }

    /// The environment, made by the first who asks.
    package static func ready() async throws -> PythonEnvironment { try await made.value }

    private static let made = Task { try await make() }

    private static func make() async throws -> PythonEnvironment {
        let requirements = Checkout.programs.appendingPathComponent("requirements.txt")
        let base = try await baseInterpreter()
        let name = base.version + "-" + fingerprint(try Data(contentsOf: requirements))

        let folder = Checkout.root.appendingPathComponent(".build/python-environments/\(name)")
        let complete = folder.appendingPathComponent("complete")
        let environment = PythonEnvironment(python: folder.appendingPathComponent("bin/python").path)
        try FileManager.default.createDirectory(
            at: folder.deletingLastPathComponent(), withIntermediateDirectories: true)

        // Two test processes may start at once: the second waits, and finds the first one's work.
        let lock = try await FileLock(at: folder.appendingPathExtension("lock"))
        defer { lock.release() }
        if FileManager.default.fileExists(atPath: complete.path) { return environment }
        try? FileManager.default.removeItem(at: folder)
        try await step(base.path, ["-m", "venv", folder.path], "make a virtual environment")
        try await step(
            environment.python, ["-m", "pip", "install", "--quiet", "-r", requirements.path],
            "install \(requirements.path)")
        try Data().write(to: complete)
        return environment
    }

    /// FNV-1a: enough to tell two lists of packages apart.
    private static func fingerprint(_ data: Data) -> String {
        String(
            data.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }, radix: 16)
    }

    private static func step(_ executable: String, _ arguments: [String], _ what: String) async throws {
        let result = try await Command.run(executable, arguments, within: 3600)
        guard result.status == 0 else {
            throw Unavailable(
                description: "\(executable) could not \(what):\n\(result.text)\(result.errorText)")
        }
    }

    /// The first Python on `PATH` that the pinned packages support.
    private static func baseInterpreter() async throws -> (path: String, version: String) {
        let question = "import sys, ensurepip; print('%d.%d.%d' % sys.version_info[:3])"
        for name in ["python3", "python3.11", "python3.12", "python3.13"] {
            guard let path = Command.find(name) else { continue }
            let answer = try await Command.run(path, ["-c", question])
            guard answer.status == 0, let version = answer.lines.first else { continue }
            let parts = version.split(separator: ".").compactMap { Int($0) }
            if parts[0] == 3, parts[1] >= 11 { return (path, version) }
        }
        throw Unavailable(
            description:
                "The system tests need Python 3.11 or later with venv and pip on PATH; none was found.")
    }
}

/// An advisory lock on a file, held until it is released or the process ends.
package struct FileLock {
    private let descriptor: Int32

    package init(at url: URL) async throws {
        descriptor = open(url.path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
        // Polls, so that no thread of the cooperative pool is held for the minutes of an installation.
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    package func release() { close(descriptor) }
}
