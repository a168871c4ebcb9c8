import Foundation
import Gallery
import LanguageServerProtocol
import Testing

extension WholeSystem {
    /// The server on a recorded project, through the wire only.
    @Suite struct LanguageServerSessionTests {
        private static let source = """
            import helper

            # 𝔘 non-BMP, é two bytes
            total = 0.0
            for epoch in range(8):
                for step in range(5):
                    total += helper.weight(epoch, step)
                print("𝔘 epoch", epoch, "loss", 1 / (1 + total))
            print("done", total)

            """

        private static let helper = """
            def weight(epoch, step):
                value = (epoch + 1) * 0.25 / (step + 1)
                return value

            """

        private static let probe = "        print(\"w\", epoch, step, total.hex())\n"

        private func recorded() async throws -> Project {
            let project = try Project(name: "session")
            try FileManager.default.createDirectory(
                at: project.folder.appendingPathComponent(".git"), withIntermediateDirectories: true)
            try project.write(Self.source, to: "train.py")
            try project.write(Self.helper, to: "helper.py")
            let result = try await project.hindsight("record", "--", "python3", "train.py")
            #expect(result.status == 0, "\(result.errorText)")
            return project
        }

        private func texts(_ values: JSONValue, _ source: String) -> [String] {
            (values["hits"]?.arrayValue ?? []).filter { $0["source"]?.stringValue == source }
                .compactMap { $0["text"]?.stringValue }
        }

        /// What the probe would have printed.
        private func foresight(_ project: Project, _ source: String) async throws -> [String] {
            try project.write(source, to: "foresight.py")
            let result = try await Command.run(
                "/usr/bin/env", ["python3", "foresight.py"], in: project.folder)
            try FileManager.default.removeItem(at: project.folder.appendingPathComponent("foresight.py"))
            return result.lines
        }

        @Test func aProbeIsTypedAnsweredRemovedAndTypedAgain() async throws {
            let project = try await recorded()
            defer { project.remove() }
            let path = project.path("train.py")
            let edited = Self.source.replacingOccurrences(
                of: "    print(\"𝔘 epoch", with: Self.probe + "    print(\"𝔘 epoch")
            let expected = try await foresight(project, edited)
            let before = try project.contents()

            let client = try EditorClient(directory: project.folder.path)
            try client.initialize(root: project.folder.path)
            try client.open(path)
            let recorded = try client.completeValues(path)
            #expect(texts(recorded, "recorded") == expected.filter { !$0.hasPrefix("w ") })

            client.change(path, to: edited)
            let values = try client.completeValues(path, settled: true)
            #expect(values["hits"]?.arrayValue?.compactMap { $0["text"]?.stringValue } == expected)
            #expect(values["hits"]?.arrayValue?.allSatisfy { $0["verified"] == true } == true)
            #expect(try client.hints(path).contains { $0["label"]?.stringValue?.hasSuffix("×40 ✓") == true })
            try client.waitForDiagnostics(path) { diagnostics in
                diagnostics.contains {
                    $0["message"]?.stringValue?.hasPrefix(expected.last { $0.hasPrefix("w ") }!) == true
                }
            }

            client.change(path, to: Self.source)
            let removed = try client.values(path)
            #expect(texts(removed, "replayed").isEmpty)
            #expect(texts(removed, "recorded").count == 9)
            client.change(path, to: edited)
            _ = try client.completeValues(path)
            #expect(try client.shutDown() == 0)
            #expect(try project.contents() == before)

            // Another server finds the answer in the store.
            let next = try EditorClient(directory: "/")
            try next.initialize()
            try next.open(path, text: edited)
            let kept = try next.completeValues(path)
            #expect(kept["hits"]?.arrayValue?.compactMap { $0["text"]?.stringValue } == expected)
            try next.shutDown()
        }

        @Test func positionsCountWhatWasAgreed() async throws {
            let project = try await recorded()
            defer { project.remove() }
            let path = project.path("train.py")
            for (encoding, length) in [("utf-8", 55), ("utf-16", 53), ("utf-32", 52)] {
                let client = try EditorClient(directory: project.folder.path)
                try client.initialize(
                    capabilities: [
                        "general": ["positionEncodings": [.string(encoding)]],
                        "textDocument": ["inlayHint": [:]],
                    ])
                try client.open(path)
                _ = try client.completeValues(path)
                let hint = try client.hints(path).first
                #expect(hint?["position"]?["line"] == 7)
                #expect(hint?["position"]?["character"]?.integerValue == length, "\(encoding)")
                // An edit behind the character lands where it should.
                client.change(
                    path, to: client.text(path).replacingOccurrences(of: "\"loss\"", with: "\"Loss\""))
                client.change(path, to: Self.source)
                let values = try client.completeValues(path)
                #expect(texts(values, "recorded").count == 9)
                try client.shutDown()
            }
        }

        @Test func aModuleOfTheProjectIsAnsweredToo() async throws {
            let project = try await recorded()
            defer { project.remove() }
            let path = project.path("helper.py")
            let client = try EditorClient(directory: project.folder.path)
            try client.initialize()
            try client.open(path)
            try client.open(project.path("train.py"))
            client.insert("    print('v', value)", atLine: 2, in: path)
            let values = try client.completeValues(path, settled: true)
            #expect(texts(values, "replayed").count == 40)
            #expect(values["hits"]?[0]?["file"] == "helper.py")
            #expect(values["hits"]?[0]?["line"] == 3)
            // The other document's own statements are untouched by that.
            let other = try client.completeValues(project.path("train.py"))
            #expect(texts(other, "recorded").count == 9)
            #expect(texts(other, "replayed").isEmpty)
            try client.shutDown()
        }

        @Test func aHistoryIsShownWithoutAStatement() async throws {
            let project = try await recorded()
            defer { project.remove() }
            let path = project.path("train.py")
            let expected = try await foresight(
                project,
                Self.source.replacingOccurrences(
                    of: "    print(\"𝔘 epoch", with: "        print(\"total =\", total)\n    print(\"𝔘 epoch")
            )
            let client = try EditorClient(directory: project.folder.path)
            try client.initialize(root: project.folder.path)
            try client.open(path)
            _ = try client.completeValues(path)
            let offer = try client.hover(path, line: 6, character: 10)
            #expect(offer?.contains("show the history of total") == true)
            let place: JSONValue = ["line": 6, "character": 10]
            let actions = try client.request(
                "textDocument/codeAction",
                [
                    "textDocument": client.identifier(path), "range": ["start": place, "end": place],
                    "context": ["diagnostics": []],
                ])
            let action = try #require(
                actions.arrayValue?.first {
                    $0["title"]?.stringValue == "Hindsight: show the history of total"
                })
            try client.request(
                "workspace/executeCommand",
                [
                    "command": action["command"]!["command"]!,
                    "arguments": action["command"]!["arguments"]!,
                ])
            try client.waitForDiagnostics(path) { diagnostics in
                diagnostics.contains { $0["message"]?.stringValue?.hasPrefix("total = ") == true }
            }
            let values = try client.completeValues(path, settled: true)
            #expect(texts(values, "replayed") == expected.filter { $0.hasPrefix("total = ") })
            #expect(values["hits"]?.arrayValue?.allSatisfy { $0["verified"] == true } == true)
            #expect(try client.hover(path, line: 6, character: 10)?.contains("exact") == true)
            try client.shutDown()
        }

        @Test func aRunThatIsRecordedLaterShowsUp() async throws {
            let project = try Project(name: "later")
            defer { project.remove() }
            try project.write("for i in range(3):\n    print('i', i)\n", to: "train.py")
            let path = project.path("train.py")
            let client = try EditorClient(directory: project.folder.path)
            try client.initialize(capabilities: [:])
            try client.open(path)
            #expect(texts(try client.completeValues(path), "recorded").isEmpty)
            _ = try await project.hindsight("record", "--", "python3", "train.py")
            try client.waitForDiagnostics(path) {
                $0.contains { $0["message"]?.stringValue?.hasPrefix("i 2") == true }
            }
            try client.shutDown()
        }

        @Test func typingFastKeepsTheTextRight() async throws {
            let project = try await recorded()
            defer { project.remove() }
            let path = project.path("train.py")
            let client = try EditorClient(directory: project.folder.path)
            try client.initialize()
            try client.open(path)
            _ = try client.completeValues(path)
            var typed = ""
            for character in Self.probe.dropLast() {
                typed.append(character)
                client.change(
                    path,
                    to: Self.source.replacingOccurrences(
                        of: "    print(\"𝔘 epoch", with: typed + "\n    print(\"𝔘 epoch"))
            }
            let values = try client.completeValues(path, settled: true)
            #expect(texts(values, "replayed").count == 40)
            #expect(values["version"]?.integerValue == client.version(path))
            try client.shutDown()
        }
    }
}
