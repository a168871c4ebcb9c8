import Foundation

/// Whether this system gives replays a view of their own, found out by trying.
public struct SandboxCheck: Sendable {
    /// Whether a program could write without anything really changing.
    public var works: Bool
    /// What the launcher said: why it does not work, or what is only read-only.
    public var remarks: [String]

    /// Starts a shell in the sandbox that writes into a directory. Blocks for some milliseconds.
    public static func run(in directory: String, settings: ReplaySettings = ReplaySettings()) -> SandboxCheck
    {
        let mark = directory + "/.hindsight-sandbox-check-\(UUID().uuidString)"
        defer { unlink(mark) }
        do {
            let scratch = try ScratchFolder(needed: [directory])
            let worker = try WorkerProcess(
                SandboxPlan(
                    executable: "/bin/sh", arguments: ["sh", "-c", "echo x > \"$MARK\" && exit 42"],
                    environment: ["MARK": mark], directory: directory, scratch: scratch.path,
                    limits: settings.limits,
                    isWeak: false), launcher: settings.launcher, scratch: scratch)
            let status = worker.wait()
            let remarks = worker.output.lastLines(20)
            let isUntouched = access(mark, F_OK) != 0
            return SandboxCheck(
                works: status == 42 && isUntouched,
                remarks: isUntouched
                    ? remarks : remarks + ["a file written in the sandbox appeared outside of it"])
        } catch {
            return SandboxCheck(works: false, remarks: [error.description])
        }
    }
}
