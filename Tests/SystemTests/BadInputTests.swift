import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// What cannot be answered gets an error for people and exit code 1; what can, is answered all the same.
    @Suite(.serialized) struct BadInputTests {
        private func expectSentence(
            _ result: Command.Result, naming words: String...,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(result.status == 1, sourceLocation: sourceLocation)
            #expect(!result.signalled, "\(result.errorText)", sourceLocation: sourceLocation)
            #expect(result.output.isEmpty, sourceLocation: sourceLocation)
            for word in words {
                #expect(
                    result.errorText.contains(word), "\(result.errorText)", sourceLocation: sourceLocation)
            }
            #expect(
                !result.errorText.contains("Traceback") && !result.errorText.contains("Error Domain"),
                "\(result.errorText)", sourceLocation: sourceLocation)
        }

        private func query(_ project: Project, _ probe: Probe) async throws -> Command.Result {
            try project.write(
                probe.edited(SmallProgram.source, file: SmallProgram.file).text, to: SmallProgram.file)
            return try await project.hindsight("query", "--format", "jsonl", SmallProgram.file)
        }

        private func expectForesight(
            _ result: Command.Result, _ probe: Probe, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            #expect(result.status == 0, "\(result.errorText)", sourceLocation: sourceLocation)
            let hits = try AnswerLine.parse(result)
            #expect(
                hits.map(\.text) == (try await SmallProgram.foresight(probe)), sourceLocation: sourceLocation)
            #expect(hits.allSatisfy { $0.verdict == "exact" }, sourceLocation: sourceLocation)
        }

        @Test func noRunYet() async throws {
            let project = try SmallProgram.makeProject()
            defer { project.remove() }
            expectSentence(
                try await project.hindsight("query", SmallProgram.file), naming: "hindsight record")
            #expect(!FileManager.default.fileExists(atPath: project.path(".hindsight")))
        }

        @Test func runOfAnotherProgram() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            try project.write("for i in range(3):\n    print(i)\n", to: "other.py")
            expectSentence(try await project.hindsight("query", "other.py"), naming: "other.py")
        }

        @Test func noSuchRun() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            expectSentence(
                try await project.hindsight("query", "--run", "ffffffff", SmallProgram.file),
                naming: "ffffffff")
        }

        @Test func noSuchLoop() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            // With the whole answer at hand, too.
            try await expectForesight(query(project, SmallProgram.outerProbe), SmallProgram.outerProbe)
            expectSentence(
                try await project.hindsight(
                    "query", "--format", "jsonl", "--iterations", "epok=2", SmallProgram.file),
                naming: "epok", "epoch")
        }

        @Test func missingInterpreter() async throws {
            let project = try SmallProgram.makeProject()
            defer { project.remove() }
            // A virtual environment that is deleted after the run.
            let environment = project.folder.deletingLastPathComponent().appendingPathComponent("venv")
            let made = try await Command.run(
                Command.find(SmallProgram.python)!, ["-m", "venv", "--without-pip", environment.path])
            try #require(made.status == 0, "\(made.errorText)")
            let python = environment.appendingPathComponent("bin/python").path
            #expect(try await project.hindsight("record", "--", python, SmallProgram.file).status == 0)
            try FileManager.default.removeItem(at: environment)
            expectSentence(try await query(project, SmallProgram.outerProbe), naming: python)
        }

        @Test func commandThatDoesNotExist() async throws {
            let project = try SmallProgram.makeProject()
            defer { project.remove() }
            let result = try await project.hindsight("record", "--", "no-such-python", SmallProgram.file)
            #expect(result.status == 127)
            #expect(result.errorText.contains("no-such-python"))
        }

        @Test func damagedCheckpoints() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            let packs = try Self.packs(of: project)
            try #require(!packs.isEmpty, "the run has no checkpoint to damage")

            // Cut in the middle, then nothing left at all.
            let file = try FileHandle(forUpdating: packs[0])
            try file.truncate(atOffset: try file.seekToEnd() / 2)
            try file.close()
            try await expectForesight(
                try await query(project, SmallProgram.outerProbe), SmallProgram.outerProbe)
            for pack in packs { try FileManager.default.removeItem(at: pack) }
            try await expectForesight(
                try await query(project, SmallProgram.innerProbe), SmallProgram.innerProbe)
        }

        @Test func alteredCheckpoints() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            for pack in try Self.packs(of: project) {
                var bytes = try Data(contentsOf: pack)
                for index in stride(from: 40, to: bytes.count, by: 97) { bytes[index] ^= 0x10 }
                try bytes.write(to: pack)
            }
            try await expectForesight(
                try await query(project, SmallProgram.outerProbe), SmallProgram.outerProbe)
        }

        /// The store's files that hold states.
        private static func packs(of project: Project) throws -> [URL] {
            let store = project.folder.appendingPathComponent(".hindsight")
            return FileManager.default.enumerator(at: store, includingPropertiesForKeys: nil)!
                .compactMap { $0 as? URL }
                .filter { $0.path.contains("pack") && !$0.hasDirectoryPath }
                .sorted { $0.path < $1.path }
        }

        @Test func aCommentThatCannotBeAskedIsNamed() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            try project.write(
                SmallProgram.source.replacingOccurrences(
                    of: "history.append(total)",
                    with: "history.append(total)  #? total +\n    #? len(history)"),
                to: SmallProgram.file)
            // The project is found from the file, wherever the shell stands.
            let result = try await Command.run(
                Checkout.hindsight.path,
                ["query", "--format", "jsonl", project.path(SmallProgram.file)],
                in: FileManager.default.temporaryDirectory)
            #expect(result.status == 0, "\(result.errorText)")
            #expect(result.errorText.contains("\(SmallProgram.file):15: "), "\(result.errorText)")
            #expect(result.errorText.contains("`total +` is no expression"), "\(result.errorText)")
            let hits = try AnswerLine.parse(result)
            #expect(hits.map(\.text) == (1...6).map { "len(history) = \($0)" })
            #expect(hits.map(\.value) == (1...6).map { .integer($0) })
            #expect(hits.allSatisfy { $0.name == "len(history)" && $0.line == 16 && $0.verified })
        }

        @Test func unreadableSource() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            let url = project.folder.appendingPathComponent(SmallProgram.file)
            try Data([0x70, 0xFF, 0xFE, 0x0A]).write(to: url)
            expectSentence(try await project.hindsight("query", SmallProgram.file), naming: SmallProgram.file)
            try FileManager.default.removeItem(at: url)
            expectSentence(try await project.hindsight("query", SmallProgram.file), naming: SmallProgram.file)
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
            expectSentence(try await project.hindsight("query", SmallProgram.file), naming: SmallProgram.file)
        }

        @Test func sourceThatDoesNotParse() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            try project.write(SmallProgram.source + "print(\n", to: SmallProgram.file)
            expectSentence(try await project.hindsight("query", SmallProgram.file), naming: SmallProgram.file)
        }

        @Test func noProbe() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            let result = try await project.hindsight("query", "--format", "jsonl", SmallProgram.file)
            #expect(result.status == 0, "\(result.errorText)")
            #expect(result.output.isEmpty)
        }

        @Test func changedTraining() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            // The answer comes from the program as it was recorded; the user is told.
            let changed = SmallProgram.source.replacingOccurrences(of: "gauss(0, 1)", with: "gauss(0, 2)")
            try project.write(
                SmallProgram.outerProbe.edited(changed, file: SmallProgram.file).text, to: SmallProgram.file)
            let result = try await project.hindsight("query", "--format", "jsonl", SmallProgram.file)
            try await expectForesight(result, SmallProgram.outerProbe)
            #expect(result.errorText.contains("\(SmallProgram.file):12"), "\(result.errorText)")
        }

        @Test func probeThatDisturbs() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            let probe = Probe(
                name: "disturbing", about: "draws from the program's generator", prefix: "drawn ",
                insertions: [
                    .init(
                        file: SmallProgram.file, place: .after, anchor: "        total += weights[i]",
                        lines: [#"        print("drawn", random.random())"#])
                ])
            let result = try await query(project, probe)
            #expect(result.status == 0, "\(result.errorText)")
            let hits = try AnswerLine.parse(result)
            #expect(!hits.isEmpty)
            #expect(!hits.contains { $0.verdict == "exact" || $0.verified })
        }

        @Test func probeThatFails() async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            let probe = Probe(
                name: "failing", about: "names something that does not exist", prefix: "nothing ",
                insertions: [
                    .init(
                        file: SmallProgram.file, place: .after, anchor: "    history.append(total)",
                        lines: [#"    print("nothing", no_such_name)"#])
                ])
            let result = try await query(project, probe)
            #expect(!result.signalled)
            #expect(result.errorText.contains("no_such_name"), "\(result.errorText)")
        }

        @Test func fullDisk() async throws {
            let project = try SmallProgram.makeProject(
                source: SmallProgram.source.replacingOccurrences(
                    of: "weights = [0.0] * 50",
                    with: "weights = [0.0] * 50\nballast = [random.random() for _ in range(200_000)]"))
            defer { project.remove() }
            let disk = project.folder.deletingLastPathComponent().appendingPathComponent("disk")
            try FileManager.default.createDirectory(at: disk, withIntermediateDirectories: true)
            guard let mount = Command.find("mount"),
                try await Command.run(mount, ["-t", "tmpfs", "-o", "size=600k", "tmpfs", disk.path]).status
                    == 0
            else {
                WholeSystem.skipped("a small disk cannot be mounted here")
                return
            }
            var environment = Command.environment
            environment["HINDSIGHT_STORE"] = disk.appendingPathComponent("store").path
            do {
                let recorded = try await project.hindsight(
                    ["record", "--", SmallProgram.python, SmallProgram.file], environment: environment)
                let plain = try await Command.run(
                    Command.find(SmallProgram.python)!, [SmallProgram.file], in: project.folder)
                #expect(recorded.status == 0)
                #expect(recorded.lines == plain.lines)
                let source = try project.read(SmallProgram.file)
                try project.write(
                    SmallProgram.outerProbe.edited(source, file: SmallProgram.file).text,
                    to: SmallProgram.file)
                let answer = try await project.hindsight(
                    ["query", "--format", "jsonl", SmallProgram.file], environment: environment)
                // Checkpoints are given up, records are not; and an answer is told though it cannot be kept.
                #expect(answer.status == 0, "\(answer.errorText)")
                let foresight = try await SmallProgram.foresight(SmallProgram.outerProbe, source: source)
                let lines = try AnswerLine.parse(answer)
                #expect(lines.map(\.text) == foresight, "\(recorded.errorText)\n\(answer.errorText)")
                #expect(lines.allSatisfy { $0.verdict == "exact" })
            } catch {
                Issue.record(error)
            }
            _ = try await Command.run(Command.find("umount")!, [disk.path])
        }
    }
}
