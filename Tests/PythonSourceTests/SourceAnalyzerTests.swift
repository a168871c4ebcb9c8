import Foundation
import HindsightCore
import Testing

@testable import PythonSource

/// The interpreter that tests use: the first `python3` on the path.
private let interpreter: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
    return folders.map { "\($0)/python3" }.first { FileManager.default.isExecutableFile(atPath: $0) }
}()

@Suite("Source analyzer", .enabled(if: interpreter != nil, "needs python3 on the path"))
struct SourceAnalyzerTests {
    private let recorded = """
        for epoch in range(3):
            loss = epoch
            print("loss", loss)
        """

    private func loaded() async throws -> SourceAnalyzer {
        let analyzer = SourceAnalyzer(interpreter: interpreter!)
        try await analyzer.load(run: RunID("a1"), sources: [source(recorded)])
        return analyzer
    }

    private func source(_ text: String) -> RecordedSource {
        RecordedSource(path: "train.py", module: "__main__", text: text, loops: [])
    }

    @Test("finds a probe in an edited text")
    func findsProbe() async throws {
        let edited = """
            for epoch in range(3):
                loss = epoch
                print("é", loss * 2)
                print("loss", loss)
            """
        let match = try await loaded().match(
            run: RunID("a1"), files: [SourceFile(path: "train.py", text: edited)])
        let file = try #require(match.files.first)
        let probe = try #require(file.probes.first)
        #expect(file.probes.count == 1)
        #expect(probe.id == "train.py:3:4")
        #expect(probe.kind == .new)
        #expect(probe.loops == [LoopID("train.py:1:0")])
        // In bytes: the é has two.
        #expect(probe.endColumn == 25)
        #expect(file.logs.map(\.site) == ["train.py:3:4"])
        #expect(file.logs.map(\.line) == [4])
        #expect(file.loops.map(\.target) == ["epoch"])
        #expect(match.execute == [LoopID("train.py:1:0")])
    }

    @Test("keeps the fingerprint over edits that decide nothing")
    func fingerprint() async throws {
        let analyzer = try await loaded()
        func fingerprint(_ probe: String, before: String = "") async throws -> String {
            let text =
                before
                + recorded.replacingOccurrences(of: "    loss = epoch", with: "    loss = epoch\n" + probe)
            return try await analyzer.match(
                run: RunID("a1"), files: [SourceFile(path: "train.py", text: text)]
            ).fingerprint
        }
        let first = try await fingerprint("    print(loss)")
        #expect(try await fingerprint("    print( loss )  # why", before: "# moved\n\n") == first)
        #expect(try await fingerprint("    print(loss, 1)") != first)
    }

    @Test("gives the shape of a text and says where one does not parse")
    func outline() async throws {
        let analyzer = SourceAnalyzer(interpreter: interpreter!)
        let outline = try await analyzer.outline(of: recorded)
        #expect(outline.statements.count == 3)
        #expect(outline.logs.map(\.call) == ["print"])
        #expect(outline.loops.map(\.endLine) == [3])
        await #expect(throws: SyntaxFault.self) { try await analyzer.outline(of: "x = (") }
        await #expect(throws: SyntaxFault.self) { try await analyzer.outline(of: "x = 1\0") }
        // It is still there.
        #expect(try await analyzer.outline(of: "x = 1").statements.count == 1)
    }

    @Test("answers many requests at once, each its own")
    func concurrentRequests() async throws {
        let analyzer = SourceAnalyzer(interpreter: interpreter!)
        try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for count in 1...50 {
                group.addTask {
                    let text = String(repeating: "x = 1\n", count: count)
                    return (count, try await analyzer.outline(of: text).statements.count)
                }
            }
            for try await (asked, answered) in group { #expect(asked == answered) }
        }
    }

    @Test("names an interpreter that is missing")
    func missingInterpreter() async throws {
        let analyzer = SourceAnalyzer(interpreter: "/nowhere/python3")
        let error = await #expect(throws: SourceAnalysisError.self) { try await analyzer.outline(of: "") }
        #expect(error?.description.contains("/nowhere/python3") == true)
    }

    @Test("says what a run lacks that was not loaded")
    func unknownRun() async throws {
        let analyzer = SourceAnalyzer(interpreter: interpreter!)
        let error = await #expect(throws: SourceAnalysisError.self) {
            try await analyzer.match(run: RunID("b2"), files: [])
        }
        #expect(error?.description.contains("b2") == true)
    }
}

/// Interpreters that misbehave: small shell scripts in their place.
@Suite(
    "Source analyzer with a process that fails", .enabled(if: interpreter != nil, "needs python3 on the path")
)
struct FailingSideProcessTests {
    private func script(_ body: String) throws -> (path: String, folder: URL) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("python3")
        try "#!/bin/sh\n\(body)\n".write(to: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        return (file.path, folder)
    }

    @Test("starts again when the process dies, and tells it about the run again")
    func restarts() async throws {
        // Every second life is a real one; the first ones end after one answer.
        let (path, folder) = try script(
            """
            here=$(dirname "$0")
            echo life >> "$here/lives"
            if [ $(wc -l < "$here/lives") -eq 1 ]; then head -n 1 | "\(interpreter!)" "$@"; exit 1; fi
            exec "\(interpreter!)" "$@"
            """)
        defer { try? FileManager.default.removeItem(at: folder) }
        let analyzer = SourceAnalyzer(interpreter: path)
        let text = "print(1)\n"
        try await analyzer.load(
            run: RunID("a1"),
            sources: [RecordedSource(path: "a.py", module: "__main__", text: text, loops: [])])
        let match = try await analyzer.match(
            run: RunID("a1"), files: [SourceFile(path: "a.py", text: text + "print(2)\n")])
        #expect(match.files.first?.probes.count == 1)
        let lives = try String(contentsOf: folder.appendingPathComponent("lives"), encoding: .utf8)
        #expect(lives.split(separator: "\n").count == 2)
    }

    @Test("gives the last words of a process that will not run")
    func lastWords() async throws {
        let (path, folder) = try script("echo 'no Python here' >&2; exit 3")
        defer { try? FileManager.default.removeItem(at: folder) }
        let error = await #expect(throws: SourceAnalysisError.self) {
            try await SourceAnalyzer(interpreter: path).outline(of: "")
        }
        #expect(error?.description.contains("no Python here") == true)
    }

    @Test("gives up on a process that hangs")
    func hangs() async throws {
        let (path, folder) = try script("exec sleep 60")
        defer { try? FileManager.default.removeItem(at: folder) }
        let error = await #expect(throws: SourceAnalysisError.self) {
            try await SourceAnalyzer(interpreter: path, patience: 1).outline(of: "")
        }
        #expect(error?.description.contains("took longer than 1 s") == true)
    }

    @Test("ends the process when the analyzer is released")
    func ends() async throws {
        let (path, folder) = try script(
            "echo $$ > \"$(dirname \"$0\")/pid\"; exec \"\(interpreter!)\" \"$@\"")
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try await SourceAnalyzer(interpreter: path).outline(of: "")
        let text = try String(contentsOf: folder.appendingPathComponent("pid"), encoding: .utf8)
        let process = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        for _ in 0..<10_000 where kill(process, 0) == 0 {
            try await Task.sleep(for: .milliseconds(25))
        }
        #expect(kill(process, 0) != 0)
    }
}
