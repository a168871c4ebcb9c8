import Foundation
import HindsightCore
import RunStore
import Testing

@Suite(.enabled(if: HindsightCommand.isBuilt)) struct RecordCommandTests {
    let project: ScratchProject

    init() throws { project = try ScratchProject() }

    @Test func theProgramIsTheSameToWhoeverRunsIt() throws {
        let result = try HindsightCommand.run(
            ["record", "--", "sh", "-c", "cat; echo wrong >&2; exit 7"], in: project, input: "in\n")
        #expect(result.output == "in\n")
        #expect(result.errors == "wrong\n")
        #expect(result.exitCode == 7)
    }

    @Test func aProgramThatASignalEndsEndsTheRecorderAlike() throws {
        for number in [SIGKILL, SIGTERM, SIGSEGV, SIGINT] {
            let result = try HindsightCommand.run(
                ["record", "--", "sh", "-c", "kill -\(number) $$"], in: project)
            #expect(result.signal == number)
            #expect(result.errors.isEmpty)
        }
    }

    @Test func whatIsSentToTheRecorderReachesTheProgram() throws {
        let script = "trap 'echo got; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
        let command = try HindsightCommand(["record", "--", "sh", "-c", script], in: project)
        #expect(command.wait(for: "ready"))
        kill(command.processID, SIGTERM)
        let result = command.finish()
        #expect(result.output == "ready\ngot\n")
        #expect(result.exitCode == 9)
    }

    @Test func anInterruptFromTheTerminalIsTheProgramsToHandle() throws {
        let script = "trap 'echo got; exit 4' INT; echo ready; while :; do sleep 0.05; done"
        let command = try HindsightCommand(["record", "--", "sh", "-c", script], in: project)
        #expect(command.wait(for: "ready"))
        // A terminal signals the whole group; Process makes one for each command.
        kill(-command.processID, SIGINT)
        #expect(command.finish().exitCode == 4)
    }

    @Test func ignoredSignalsStayIgnored() throws {
        let result = try HindsightCommand.run(
            ["record", "--", "sh", "-c", "kill -HUP $$; echo lives"], in: project, through: ["nohup"])
        #expect(result.output.contains("lives"))
        #expect(result.exitCode == 0)
    }

    @Test func openFilesAreInherited() throws {
        let result = try HindsightCommand.run(
            ["record", "--", "sh", "-c", "echo through >&5"], in: project,
            through: ["sh", "-c", "exec \"$@\" 5>&1", "sh"])
        #expect(result.output == "through\n")
    }

    @Test func commandsThatCannotRunGetAShellsExitCodes() throws {
        try project.write("plain", "")
        try project.write("script", "echo no first line\n")
        try project.write("lost", "#!/no/such/interpreter\n")
        chmod(project.root + "/script", 0o755)
        chmod(project.root + "/lost", 0o755)
        let missing = try HindsightCommand.run(["record", "--", "no-such-command"], in: project)
        #expect(missing.exitCode == 127)
        #expect(missing.errors == "hindsight: command not found: no-such-command\n")
        let plain = try HindsightCommand.run(["record", "--", "./plain"], in: project)
        #expect(plain.exitCode == 126)
        #expect(plain.errors == "hindsight: ./plain is not executable\n")
        let script = try HindsightCommand.run(["record", "--", "./script"], in: project)
        #expect(script.output == "no first line\n")
        let lost = try HindsightCommand.run(["record", "--", "./lost"], in: project)
        #expect(lost.exitCode == 127)
        #expect(lost.errors.contains("interpreter"))
    }

    @Test func wrongUsageIsSaidAndIsExitCodeTwo() throws {
        for arguments in [
            ["record"], ["record", "--"], ["record", "--budget", "0", "--", "ls"],
            ["record", "--bogus", "--", "ls"],
            ["show"], ["no-such-subcommand"],
        ] {
            let result = try HindsightCommand.run(arguments, in: project)
            #expect(result.exitCode == 2, "\(arguments)")
            #expect(result.errors.contains("Usage:"), "\(arguments)")
        }
    }

    @Test func withoutAStoreTheProgramStillRuns() throws {
        try project.write("file", "")
        let result = try HindsightCommand.run(
            ["record", "--store", project.root + "/file/store", "--", "sh", "-c", "echo runs >&2; exit 3"],
            in: project)
        #expect(result.exitCode == 3)
        let lines = result.errors.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("hindsight: the program runs unrecorded: ") == true)
        #expect(lines.last == "runs")
    }

    @Test func whatWasRecordedIsToldToWhoAsks() throws {
        try project.write("main.py", "for i in range(3):\n    print(i)\n")
        let told = try HindsightCommand.run(["record", "--verbose", "--", "python3", "main.py"], in: project)
        let store = try #require(try Store.openExisting(project.location))
        let run = try #require(try store.runs().first)
        #expect(told.errors == "hindsight: recorded run \(run.id) of main.py\n")
        #expect(told.output == "0\n1\n2\n")
        let nothing = try HindsightCommand.run(["record", "--verbose", "--", "echo", "x"], in: project)
        #expect(nothing.errors.contains("nothing was recorded"))
        #expect(try HindsightCommand.run(["record", "--", "echo", "x"], in: project).errors.isEmpty)
    }

    @Test func killingTheRecorderLosesAtMostACheckpointAndStopsNoProgram() throws {
        // A program that does not notice: it goes on after the recorder's death and says so.
        try project.write("channel.py", ChannelProgram.text + "\n")
        try project.write(
            "outlive.sh", "python3 -E channel.py 100000 400000 2>/dev/null\nsleep 0.2\ntouch outlived\n")
        let command = try HindsightCommand(["record", "--", "sh", "outlive.sh"], in: project)
        #expect(command.wait(for: "5\n"))
        let store = try #require(try Store.openExisting(project.location))
        let run = try #require(try store.runs().first)
        #expect(run.status == .running)
        #expect(try store.logRecordCount(of: run.id) > 0)
        kill(command.processID, SIGKILL)
        #expect(command.finish().signal == SIGKILL)
        guard case .interrupted = try store.run(matching: run.id.description).status else {
            Issue.record("still running")
            return
        }
        let reopened = try Store.open(project.location)
        let checkpoints = try reopened.checkpoints(of: run.id)
        // All that were answered but those that were still on their way to the disk.
        #expect(checkpoints.count >= 4)
        #expect(checkpoints.map(\.number) == Array(0..<checkpoints.count))
        for checkpoint in checkpoints {
            #expect(try reopened.verify(run: run.id, checkpoint: checkpoint.number) == nil)
        }
        for _ in 0..<30_000 where !FileManager.default.fileExists(atPath: project.root + "/outlived") {
            usleep(10_000)
        }
        #expect(FileManager.default.fileExists(atPath: project.root + "/outlived"))
        // The next recording clears up.
        #expect(try HindsightCommand.run(["record", "--", "true"], in: project).exitCode == 0)
        let packs = try FileManager.default.contentsOfDirectory(atPath: project.location.directory + "/blobs")
        #expect(packs.count == checkpoints.count)
    }

    @Test func aKilledProgramSaysSo() throws {
        try project.write("channel.py", ChannelProgram.text + "\nos.kill(os.getpid(), 9)\n")
        try project.write(
            "channel.py",
            ChannelProgram.text.replacingOccurrences(
                of: "send({\"t\": \"end\"", with: "os.kill(os.getpid(), 9); ({\"t\": \"end\""))
        let result = try HindsightCommand.run(
            ["record", "--", "python3", "-E", "channel.py", "1", "1000"], in: project)
        #expect(result.signal == SIGKILL)
        let run = try #require(try Store.openExisting(project.location)?.runs().first)
        guard case .interrupted(let reason) = run.status else {
            Issue.record("not interrupted")
            return
        }
        #expect(reason.hasPrefix("killed by signal 9"))
    }

    @Test(.enabled(if: Self.canMount)) func aFullDiskCostsCheckpointsAndNothingElse() throws {
        try project.write("channel.py", ChannelProgram.text + "\n")
        try FileManager.default.createDirectory(
            atPath: project.root + "/.hindsight", withIntermediateDirectories: true)
        // Room for the index and some checkpoints of 400 kB; the small one afterwards fits again.
        try project.write(
            "fill.sh",
            """
            mount -t tmpfs -o size=2m none .hindsight || exit 99
            "$1" record -- python3 -E channel.py 12 400000 || exit 98
            "$1" runs --json && "$1" show "$("$1" runs --json | sed -n 's/.*"run" : "\\(.*\\)".*/\\1/p')"
            """)
        let result = try HindsightCommand.run(
            [], in: project, through: ["unshare", "-rm", "sh", "fill.sh"])
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(result.output.hasPrefix((0..<12).map { "\($0)\n" }.joined()))
        #expect(result.output.contains(#""status" : "finished""#), "\(result)")
        #expect(result.output.contains(#""logRecords" : 12"#))
        #expect(result.output.components(separatedBy: "no space was left").count == 2, "\(result)")
    }

    /// Whether this user may mount a small file system in a name space of its own.
    static let canMount: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/tmp"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}
