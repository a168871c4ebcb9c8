import CHindsightSystem
import Foundation
import HindsightCore
import LocalSockets
import Synchronization

/// What the launcher is told.
struct SandboxPlan: Sendable {
    var executable: String
    /// The first is the program's name.
    var arguments: [String]
    var environment: [String: String]
    var directory: String
    var scratch: String
    var limits: WorkerLimits
    /// Without namespaces: the user has agreed to that.
    var isWeak: Bool
    /// It will be forked, and each child needs a view of its own.
    var isStanding = false

    fileprivate var encoded: [UInt8] {
        var bytes: [UInt8] = []
        func add(_ key: String, _ value: String) {
            bytes += key.utf8
            bytes.append(0)
            // What holds a zero byte cannot have come from a process's arguments or environment.
            bytes += value.utf8.prefix { $0 != 0 }
            bytes.append(0)
        }
        add("scratch", scratch)
        add("directory", directory)
        add("executable", executable)
        add("nice", String(limits.niceness))
        add("memory", String((limits.memory ?? 0) << 20))
        add("weak", isWeak ? "1" : "0")
        add("standing", isStanding ? "1" : "0")
        for argument in arguments { add("argument", argument) }
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            add("variable", "\(name)=\(value)")
        }
        return bytes
    }
}

/// A program in the sandbox, and the channel to it.
final class WorkerProcess: Sendable {
    let connection: LocalConnection
    let output: WorkerOutput
    private let pid: pid_t
    private let status = Mutex<Int32?>(nil)
    private let scratch: ScratchFolder

    init(_ plan: SandboxPlan, launcher: String, scratch: ScratchFolder) throws(ReplayFailure) {
        let file = try Self.temporaryFile(holding: plan.encoded, in: scratch.path)
        defer { close(file) }
        var pipe: [Int32] = [-1, -1]
        guard hindsight_pipe(&pipe) == 0 else {
            throw ReplayFailure("A replay cannot be started: \(String(cString: strerror(errno))).")
        }
        let pair: (here: LocalConnection, there: Int32)
        do {
            pair = try LocalConnection.pair()
        } catch {
            close(pipe[0])
            close(pipe[1])
            throw ReplayFailure("A replay cannot be started: \(error).")
        }
        pid = hindsight_sandbox_start(launcher, pipe[1], pair.there, file)
        let failure = errno
        close(pipe[1])
        close(pair.there)
        connection = pair.here
        self.scratch = scratch
        output = WorkerOutput(reading: pipe[0])
        guard pid > 0 else {
            throw ReplayFailure(
                "The worker's launcher cannot be started: \(String(cString: strerror(failure))).")
        }
    }

    deinit {
        kill()
        _ = wait()
    }

    /// Ends the whole process tree at once: the launcher sees the closed channel and takes everything that
    /// the program started with it.
    func kill() {
        // Where nothing was started, the number would mean other processes.
        guard pid > 0 else { return }
        connection.shutdown()
        status.withLock { status in
            // A process that was waited for may have given its number to another.
            if status == nil { _ = Foundation.kill(-pid, SIGKILL) }
        }
    }

    /// Waits for the launcher, and so for everything in its sandbox, to end. Gives the exit status of the
    /// program; 128 and the signal's number where a signal ended it.
    func wait() -> Int32 {
        guard pid > 0 else { return -1 }
        while true {
            let known = status.withLock { status -> Int32? in
                if let status { return status }
                var raw: Int32 = 0
                let ended = waitpid(pid, &raw, WNOHANG)
                if ended == 0 || (ended < 0 && errno == EINTR) { return nil }
                let signal = raw & 0x7f
                status = ended < 0 ? -1 : signal == 0 ? (raw >> 8) & 0xff : 128 + signal
                return status
            }
            if let known { return known }
            usleep(2000)
        }
    }

    private static func temporaryFile(holding bytes: [UInt8], in folder: String) throws(ReplayFailure)
        -> Int32
    {
        let path = folder + "/plan"
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw ReplayFailure("\(path) cannot be written: \(String(cString: strerror(errno))).")
        }
        unlink(path)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(file, $0.baseAddress! + sent, $0.count - sent, off_t(sent))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                close(file)
                throw ReplayFailure("\(path) cannot be written: \(String(cString: strerror(errno))).")
            }
            sent += count
        }
        return file
    }
}
