import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// What a program stands on, and none of its sources say, has changed since the run. No log line of these
    /// programs tells it, so that only the facts can: no value may be called exact, and the reason names the fact.
    @Suite(.serialized) struct ChangedGroundTests {
        /// A virtual environment with one package in it that a program imports.
        private struct Environment {
            var python: String
            var packages: URL

            init(in project: Project) async throws {
                let folder = project.folder.deletingLastPathComponent().appendingPathComponent("environment")
                let made = try await Command.run(
                    Command.find(SmallProgram.python)!, ["-m", "venv", "--without-pip", folder.path])
                #expect(made.status == 0, "\(made.errorText)")
                python = folder.appendingPathComponent("bin/python").path
                let asked = try await Command.run(
                    python, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
                packages = URL(fileURLWithPath: asked.lines[0])
            }

            func write(_ text: String, to path: String) throws {
                let url = packages.appendingPathComponent(path)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: url, atomically: false, encoding: .utf8)
            }

            func rename(_ path: String, to other: String) throws {
                try FileManager.default.moveItem(
                    at: packages.appendingPathComponent(path), to: packages.appendingPathComponent(other))
            }
        }

        private static func source(isProbed: Bool) -> String {
            """
            import time
            import meter

            for epoch in range(4):
                x = meter.measured(epoch)
            \(isProbed ? "    print('probe', x)" : "")
                time.sleep(0.02)
                print("epoch", epoch)

            """
        }

        private static func meter(_ factor: Int, version: String?) -> String {
            (version.map { "__version__ = '\($0)'\n" } ?? "") + "def measured(x): return x * \(factor)\n"
        }

        @Test(arguments: ["its own word", "its folder of metadata"])
        func anotherLibraryVersion(toldBy: String) async throws {
            let saysItself = toldBy == "its own word"
            try await expectUnverifiable("library.meter was 1.0 when the run was recorded and is 1.1 now") {
                try $0.write(Self.meter(2, version: saysItself ? "1.0" : nil), to: "meter/__init__.py")
                try $0.write("Name: meter\n", to: "meter-1.0.dist-info/METADATA")
            } change: {
                try $0.write(Self.meter(3, version: saysItself ? "1.1" : nil), to: "meter/__init__.py")
                try $0.rename("meter-1.0.dist-info", to: "meter-1.1.dist-info")
            }
        }

        @Test func libraryEditedInPlace() async throws {
            try await expectUnverifiable("meter/scale.py has changed since the run") {
                try $0.write("from .scale import measured\n__version__ = '1.0'\n", to: "meter/__init__.py")
                try $0.write(Self.meter(2, version: nil), to: "meter/scale.py")
            } change: {
                try $0.write(Self.meter(3, version: nil), to: "meter/scale.py")
            }
        }

        private func expectUnverifiable(
            _ reason: String, install: (Environment) throws -> Void, change: (Environment) throws -> Void
        ) async throws {
            let project = try SmallProgram.makeProject(source: Self.source(isProbed: false))
            defer { project.remove() }
            let environment = try await Environment(in: project)
            try install(environment)
            let recorded = try await project.hindsight(
                "record", "--", environment.python, SmallProgram.file)
            #expect(recorded.status == 0, "\(recorded.errorText)")

            try project.write(Self.source(isProbed: true), to: SmallProgram.file)
            let before = try await project.hindsight("query", "--format", "jsonl", SmallProgram.file)
            let known = try AnswerLine.parse(before)
            #expect(known.map(\.text) == ["probe 0", "probe 2", "probe 4", "probe 6"])
            #expect(known.allSatisfy { $0.verdict == "exact" }, "\(before.errorText)")

            try change(environment)
            // Another line, so that no answer is kept.
            try project.write(
                Self.source(isProbed: true).replacing("'probe', x", with: "'probed', x"),
                to: SmallProgram.file)
            let after = try await project.hindsight("query", "--format", "jsonl", SmallProgram.file)
            let hits = try AnswerLine.parse(after)
            #expect(hits.count == 4)
            #expect(hits.allSatisfy { $0.verdict == "unverifiable" }, "\(after.errorText)")
            #expect(after.errorText.contains(reason), "\(after.errorText)")
        }

        @Test func anotherThreadCount() async throws {
            let python = try await PythonEnvironment.ready().python
            let processors = try await Command.run(
                python, ["-c", "import os; print(*sorted(os.sched_getaffinity(0)))"])
            let first = try #require(processors.text.split(separator: " ").first).trimmingCharacters(
                in: .whitespacesAndNewlines)
            guard processors.text.contains(" ") else {
                return WholeSystem.skipped("another thread count needs a second processor")
            }
            // Nothing sets the number: PyTorch takes what the process may use.
            let environment = Command.environment.filter {
                !$0.key.hasPrefix("OMP_NUM") && !$0.key.hasPrefix("MKL_NUM")
            }
            let source = """
                import torch

                weights = torch.ones(50)
                for epoch in range(4):
                    weights = weights * 1.5
                    print("epoch", epoch)

                """
            let project = try SmallProgram.makeProject(source: source)
            defer { project.remove() }
            let recorded = try await project.hindsight(
                "record", "--", python, SmallProgram.file, environment: environment)
            #expect(recorded.status == 0, "\(recorded.errorText)")

            try project.write(
                source.replacing("    print(", with: "    print('sum', weights.sum())\n    print("),
                to: SmallProgram.file)
            let onOne = """
                import os, sys
                os.sched_setaffinity(0, {\(first)})
                os.execv(sys.argv[1], sys.argv[1:])
                """
            let result = try await Command.run(
                python,
                ["-c", onOne, Checkout.hindsight.path, "query", "--format", "jsonl", SmallProgram.file],
                in: project.folder, environment: environment)
            let hits = try AnswerLine.parse(result)
            #expect(hits.count == 4, "\(result.errorText)")
            #expect(hits.allSatisfy { $0.verdict == "unverifiable" })
            #expect(result.errorText.contains("torch.threads was "), "\(result.errorText)")
        }
    }
}
