import Foundation
import PythonRuntime
import Subprocess
import SystemPackage

/// One running interpreter that answers a line with a line. Its functions block: for one thread only.
final class SideProcess {
    enum Failure: Error {
        case died(lastWords: String)
        case hung
    }

    private let requests: FileDescriptor
    private let answers: FileDescriptor
    private let complaints: FileDescriptor
    private let running: Task<Void, Never>
    private var received: [UInt8] = []
    private var searched = 0

    /// Starts the interpreter; nothing of the user's runs in it: isolated mode leaves out their paths,
    /// their environment and `site`.
    init(interpreter: String, resources: String) throws {
        let input = try Self.pipe()
        let output = try Self.pipe()
        let error = try Self.pipe()
        requests = input.writeEnd
        answers = output.readEnd
        complaints = error.readEnd
        var options = PlatformOptions()
        // It keeps nothing that an orderly end would save.
        options.teardownSequence = [.send(signal: .kill, allowedDurationToNextStep: .milliseconds(1))]
        // Keystrokes meant for the editor's terminal must not reach it.
        options.processGroupID = 0
        let configuration = Configuration(
            executable: .path(FilePath(interpreter)),
            arguments: ["-I", "-S", "-X", "utf8", "-c", Self.program, resources],
            workingDirectory: FilePath(resources),
            platformOptions: options
        )
        running = Task.detached {
            // However it ends, the pipes' ends tell.
            _ = try? await Subprocess.run(
                configuration,
                input: .fileDescriptor(input.readEnd, closeAfterSpawningProcess: true),
                output: .fileDescriptor(output.writeEnd, closeAfterSpawningProcess: true),
                error: .fileDescriptor(error.writeEnd, closeAfterSpawningProcess: true)
            )
        }
    }

    deinit {
        try? requests.close()
        try? answers.close()
        try? complaints.close()
        running.cancel()
    }

    /// Writes a request and waits for its answer.
    func ask(_ line: [UInt8], seconds: Int) throws -> [UInt8] {
        do {
            try requests.writeAll(line)
        } catch {
            throw Failure.died(lastWords: lastWords())
        }
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let end = received[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let answer = Array(received[..<end])
                received.removeSubrange(...end)
                searched = 0
                return answer
            }
            searched = received.count
            try receive(until: deadline)
        }
    }

    private func receive(until deadline: ContinuousClock.Instant) throws {
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { throw Failure.hung }
        guard Self.isReadable(answers, within: left) else { return }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = try buffer.withUnsafeMutableBytes { try answers.read(into: $0) }
        guard count > 0 else { throw Failure.died(lastWords: lastWords()) }
        received.append(contentsOf: buffer[..<count])
    }

    /// The last line that it wrote to its standard error.
    private func lastWords() -> String {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while Self.isReadable(complaints, within: .milliseconds(100)) {
            let count = (try? buffer.withUnsafeMutableBytes { try complaints.read(into: $0) }) ?? 0
            if count == 0 { break }
            text.append(contentsOf: buffer[..<count])
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").last.map(String.init) ?? ""
    }

    private static let program = """
        import sys; sys.path.insert(0, sys.argv[1]); \
        from hindsight_runtime.analysis.__main__ import main; main()
        """

    /// A pipe that children started elsewhere in this program don't inherit: with a copy of its writing end
    /// in another process the end of this one would never be seen.
    private static func pipe() throws -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
        let ends = try FileDescriptor.pipe()
        for end in [ends.readEnd, ends.writeEnd] {
            _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC)
        }
        return ends
    }

    private static func isReadable(_ descriptor: FileDescriptor, within duration: Duration) -> Bool {
        var wanted = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        return poll(&wanted, 1, Int32(clamping: max(1, milliseconds))) > 0
    }
}
