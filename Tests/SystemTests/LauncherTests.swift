import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// Programs that another one starts, as `torchrun` and `accelerate launch` do: with an environment made of what
    /// the launcher sees.
    @Suite struct LauncherTests {
        static let launcher = """
            import os
            import subprocess
            import sys

            count = int(sys.argv[1])
            ranks = [dict(os.environ, RANK=str(rank), WORLD_SIZE=str(count)) for rank in range(count)]
            started = [subprocess.Popen([sys.executable, *sys.argv[2:]], env=rank) for rank in ranks]
            sys.exit(max(process.wait() for process in started))

            """

        private func record(processes: Int) async throws -> Project {
            let project = try SmallProgram.makeProject()
            try project.write(Self.launcher, to: "site-packages/launch.py")
            let recorded = try await project.hindsight(
                "record", "--", SmallProgram.python, "site-packages/launch.py", "\(processes)",
                SmallProgram.file)
            #expect(recorded.status == 0, "\(recorded.errorText)")
            return project
        }

        private func ask(_ project: Project) async throws -> Command.Result {
            let edited = try SmallProgram.outerProbe.edited(SmallProgram.source, file: SmallProgram.file)
            try project.write(edited.text, to: SmallProgram.file)
            return try await project.hindsight("query", "--format", "jsonl", SmallProgram.file)
        }

        @Test func theProgramBehindALauncherIsRecorded() async throws {
            let project = try await record(processes: 1)
            defer { project.remove() }
            let hits = try AnswerLine.parse(try await ask(project))
            #expect(hits.map(\.text) == (try await SmallProgram.foresight(SmallProgram.outerProbe)))
            #expect(hits.allSatisfy { $0.verdict == "exact" })
        }

        @Test func oneOfSeveralProcessesIsRefused() async throws {
            let project = try await record(processes: 2)
            defer { project.remove() }
            let answer = try await ask(project)
            #expect(answer.status == 1)
            #expect(answer.errorText.contains("one of 2 processes"), "\(answer.errorText)")
        }
    }
}
