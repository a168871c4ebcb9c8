import Foundation
import HindsightCore
import Testing

@testable import Replaying

@Suite struct SandboxTests {
    /// Runs a shell command in the sandbox; gives its exit status and what it wrote.
    private func run(_ command: String, in directory: String, isWeak: Bool = false) throws -> (
        Int32, [String]
    ) {
        let scratch = try ScratchFolder(needed: [directory])
        let worker = try WorkerProcess(
            SandboxPlan(
                executable: "/bin/sh", arguments: ["sh", "-c", command],
                environment: ["PATH": "/usr/bin:/bin", "GREETING": "a b"], directory: directory,
                scratch: scratch.path, limits: WorkerLimits(niceness: 5, memory: 512), isWeak: isWeak),
            launcher: ReplaySettings.ownExecutable, scratch: scratch)
        return (worker.wait(), worker.output.lastLines(20))
    }

    private func folder() throws -> String {
        let path = NSTemporaryDirectory() + "hindsight-sandbox-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test func environmentDirectoryAndExitStatusAreThePrograms() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (status, output) = try run("echo $GREETING; pwd; exit 7", in: folder)
        #expect(status == 7)
        #expect(output == ["a b", folder])
    }

    @Test func writesAreSeenInsideOnly() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "old".write(toFile: folder + "/file", atomically: true, encoding: .utf8)
        let (status, output) = try run(
            "echo new > file; echo x > other; rm -f /etc/hostname; echo x > /dev/shm/hindsight; cat file; ls",
            in: folder)
        #expect(status == 0)
        #expect(output == ["new", "file", "other"])
        #expect(try String(contentsOfFile: folder + "/file", encoding: .utf8) == "old")
        #expect(!FileManager.default.fileExists(atPath: folder + "/other"))
        #expect(FileManager.default.fileExists(atPath: "/etc/hostname"))
        #expect(!FileManager.default.fileExists(atPath: "/dev/shm/hindsight"))
    }

    @Test func limitsHoldForEverythingInside() throws {
        let (status, output) = try run("ulimit -d; nice", in: "/")
        #expect(status == 0)
        #expect(output.first == "\(512 * 1024)")
        #expect(output.last == "\(nice(0) + 5)")
        let text = "python3 -c 'bytearray(600 << 20)' 2>&1 | tail -n 1"
        #expect(try run(text, in: "/").1 == ["MemoryError"])
    }

    @Test func onlyLoopbackIsThere() throws {
        let (_, output) = try run("tail -n +3 /proc/net/dev | cut -d: -f1", in: "/")
        #expect(output.map { $0.trimmingCharacters(in: .whitespaces) } == ["lo"])
    }

    @Test func processesOutsideAreOutOfReach() throws {
        let (status, _) = try run("kill -0 \(getpid())", in: "/")
        #expect(status != 0)
    }

    @Test func scratchSpaceIsRemovedWhateverTheViewLeftInIt() throws {
        var scratch: ScratchFolder? = try ScratchFolder(needed: [])
        let path = try #require(scratch?.path)
        // An overlay leaves a folder without permissions behind.
        #expect(mkdir(path + "/work", 0o700) == 0)
        #expect(mkdir(path + "/work/work", 0) == 0)
        scratch = nil
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func weakSandboxStillKillsItsProcesses() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (status, output) = try run("echo weak > file; cat file", in: folder, isWeak: true)
        #expect(status == 0)
        #expect(output == ["weak"])
        #expect(FileManager.default.fileExists(atPath: folder + "/file"))
    }

    @Test func checkTellsThatItWorks() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let check = SandboxCheck.run(in: folder)
        #expect(check.works, "\(check.remarks)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
}
