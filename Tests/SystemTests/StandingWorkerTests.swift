import Foundation
import Gallery
import LanguageServerProtocol
import Testing

extension WholeSystem {
    /// Queries that are answered by children of a worker which stands at the main loop.
    @Suite(.serialized) struct StandingWorkerTests {
        /// Looks at what it writes, so that what another child has written would show.
        private static let source = """
            import os
            import random
            import shutil
            import time

            random.seed(3)
            shutil.rmtree("out", ignore_errors=True)
            os.makedirs("out/deep")
            total = 0.0
            log = open("out/log.txt", "w")
            log.write("begun\\n")
            words = open("words.txt")

            for epoch in range(6):
                for step in range(20):
                    total += random.random()
                    time.sleep(0.005)
                before = sorted(os.listdir("out"))
                with open(f"out/deep/{epoch}.txt", "w") as file:
                    file.write(str(total))
                with open("out/all.txt", "a") as file:
                    file.write("x")
                log.write(f"{epoch} {total}\\n")
                log.flush()
                sizes = os.path.getsize("out/all.txt"), os.path.getsize("out/log.txt")
                print("epoch", epoch, words.readline().strip(), before, sizes, len(os.listdir("out/deep")))

            print("end", total)

            """

        private static func recorded() async throws -> Project {
            let project = try SmallProgram.makeProject(source: source)
            try project.write((0..<10).map { "word\($0)\n" }.joined(), to: "words.txt")
            let recorded = try await project.hindsight("record", "--", SmallProgram.python, SmallProgram.file)
            #expect(recorded.status == 0, "\(recorded.errorText)")
            return project
        }

        /// The program with a probe, and what the probe would have printed.
        private static func edited(_ number: Int, _ project: Project) async throws -> (
            source: String, expected: [String]
        ) {
            let isInner = number % 2 == 0
            let anchor = isInner ? "        time.sleep(0.005)" : "    log.flush()"
            let probe =
                String(repeating: " ", count: isInner ? 8 : 4)
                + "print('probe \(number)', epoch, total.hex(), sorted(os.listdir('out')), words.tell())"
            let text = source.replacingOccurrences(of: anchor, with: anchor + "\n" + probe)
            let folder = project.folder.appendingPathComponent("foresight")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            try Data(text.utf8).write(to: folder.appendingPathComponent("train.py"))
            try FileManager.default.copyItem(
                at: project.folder.appendingPathComponent("words.txt"),
                to: folder.appendingPathComponent("words.txt"))
            let result = try await Command.run("/usr/bin/env", [SmallProgram.python, "train.py"], in: folder)
            return (text, result.lines.filter { $0.hasPrefix("probe ") })
        }

        private static func check(_ values: JSONValue, _ expected: [String]) {
            let hits = (values["hits"]?.arrayValue ?? []).filter { $0["source"]?.stringValue == "replayed" }
            #expect(hits.compactMap { $0["text"]?.stringValue } == expected)
            #expect(hits.allSatisfy { $0["verdict"]?.stringValue == "exact" }, "\(hits)")
        }

        private static func client(_ project: Project) throws -> EditorClient {
            var environment = Command.environment
            environment["HINDSIGHT_LOG"] = "debug"
            let client = try EditorClient(directory: project.folder.path, environment: environment)
            try client.initialize(root: project.folder.path)
            try client.open(project.path(SmallProgram.file))
            _ = try client.completeValues(project.path(SmallProgram.file))
            return client
        }

        @Test func childrenDoNotSeeWhatOthersWrite() async throws {
            let project = try await Self.recorded()
            defer { project.remove() }
            let questions = try await Self.questions(5, project)
            let before = try project.contents()
            let client = try Self.client(project)
            let path = project.path(SmallProgram.file)
            for question in questions {
                client.change(path, to: question.source)
                Self.check(try client.completeValues(path, settled: true), question.expected)
            }
            #expect(client.log.contains("worker=forked"), "\(client.log)")
            #expect(!client.log.contains("worker=fresh"), "\(client.log)")
            #expect(try project.contents() == before)
            try client.shutDown()
        }

        /// Outside the inner loop nothing takes as long as comparing checkpoints: values are shown before.
        @Test func valuesComeBeforeTheirEvidence() async throws {
            let source = """
                import random, time

                random.seed(3)
                total = 0.0
                for epoch in range(6):
                    for step in range(60):
                        total += random.random()
                        time.sleep(0.005)
                    print("epoch", epoch)

                """
            let project = try SmallProgram.makeProject(source: source)
            defer { project.remove() }
            let recorded = try await project.hindsight("record", "--", SmallProgram.python, SmallProgram.file)
            #expect(recorded.status == 0, "\(recorded.errorText)")
            func edited(_ value: String) -> String {
                source.replacingOccurrences(
                    of: "    print(\"epoch\"", with: "    print('probe', \(value))\n    print(\"epoch\"")
            }
            try project.write(edited("total.hex()"), to: "foresight.py")
            let truth = try await Command.run(
                "/usr/bin/env", [SmallProgram.python, "foresight.py"], in: project.folder)
            let client = try Self.client(project)
            let path = project.path(SmallProgram.file)
            client.change(path, to: edited("total.hex()"))
            Self.check(
                try client.completeValues(path, settled: true), truth.lines.filter { $0.hasPrefix("probe") })
            #expect(client.log.contains("preview=true"), "\(client.log)")
            #expect(!client.log.contains("worker=fresh"), "\(client.log)")

            // What evidence shows to be wrong does not stay.
            client.change(path, to: edited("random.random()"))
            let values = try client.completeValues(path, settled: true)
            let hits = (values["hits"]?.arrayValue ?? []).filter { $0["source"]?.stringValue == "replayed" }
            #expect(hits.count == 6)
            #expect(hits.allSatisfy { $0["verdict"]?.stringValue == "diverged" }, "\(hits)")
            try client.shutDown()
        }

        @Test func whoeverIsKilledTheAnswersAreTrue() async throws {
            let project = try await Self.recorded()
            defer { project.remove() }
            let questions = try await Self.questions(20, project)
            let client = try Self.client(project)
            let path = project.path(SmallProgram.file)
            var random = SystemRandomNumberGenerator()
            for question in questions {
                client.change(path, to: question.source)
                usleep(UInt32.random(in: 0..<900_000, using: &random))
                if let victim = Self.workers(of: client).randomElement() { kill(victim, SIGKILL) }
                Self.check(try client.completeValues(path, settled: true), question.expected)
            }
            try client.shutDown()
        }

        private static func questions(_ count: Int, _ project: Project) async throws -> [(
            source: String, expected: [String]
        )] {
            var questions: [(source: String, expected: [String])] = []
            for number in 0..<count { questions.append(try await edited(number, project)) }
            return questions
        }

        /// Every process in the sandboxes of a server.
        private static func workers(of client: EditorClient) -> [pid_t] {
            var parents: [pid_t: pid_t] = [:]
            var names: [pid_t: String] = [:]
            for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
                guard let pid = pid_t(name),
                    let stat = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
                    let end = stat.lastIndex(of: ")"),
                    let parent = stat[end...].split(separator: " ").dropFirst(2).first.flatMap({ pid_t($0) })
                else { continue }
                parents[pid] = parent
                let command = try? String(contentsOfFile: "/proc/\(name)/cmdline", encoding: .utf8)
                names[pid] = command ?? ""
            }
            func isBelow(_ pid: pid_t) -> Bool {
                guard let parent = parents[pid], parent > 1 else { return false }
                return parent == client.processIdentifier || isBelow(parent)
            }
            return parents.keys.filter { pid in
                let name = names[pid] ?? ""
                return isBelow(pid) && (name.hasPrefix("hindsight-sandbox") || name.contains("train.py"))
            }
        }
    }
}
