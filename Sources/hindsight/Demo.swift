import ArgumentParser
import Foundation

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show it all on a small program: record, type a log statement, see its past values.",
        discussion: """
            Needs Python 3 and nothing else. The program lies in a temporary folder, which is removed at the \
            end, with its store. The exit code is 0 only if all values came and were found exact.
            """
    )

    @Flag(help: "Keep the folder with the program and its recorded run.")
    var keep = false

    @Option(help: ArgumentHelp("The Python to run the program with.", valueName: "path"))
    var python = "python3"

    func run() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("hindsight-demo-\(UUID().uuidString.prefix(8).lowercased())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { if !keep { try? FileManager.default.removeItem(at: folder) } }
        try Demonstration(folder: folder, python: python).show()
        if keep { print("The program and its run are in \(folder.path).") }
    }
}

/// One showing, in a folder of its own.
private struct Demonstration {
    let folder: URL
    let python: String

    private var file: URL { folder.appendingPathComponent(DemoProgram.file) }

    /// A store that the user's shell names is not the demo's.
    private var environment: [String: String] {
        ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("HINDSIGHT_") }
    }

    private var executable: URL {
        get throws {
            guard let url = Bundle.main.executableURL?.resolvingSymlinksInPath() else {
                throw DemoEditor.Failure(description: "the path of this executable cannot be found out")
            }
            return url
        }
    }

    func show() throws {
        try DemoProgram.source.write(to: file, atomically: true, encoding: .utf8)
        try record()
        var screen = DemoScreen()
        let editor = try DemoEditor(executable: executable, file: file, environment: environment)
        screen.say("\nIts source in an editor, with a log statement typed into the inner loop:\n")
        try type(with: editor, screen: &screen)
        try editor.close()
    }

    private func record() throws {
        print("$ hindsight record -- \(python) \(DemoProgram.file)")
        // What comes next is the program's own output, and must stand below the line above.
        fflush(nil)
        let process = Process()
        process.executableURL = try executable
        process.arguments = ["record", "--", python, DemoProgram.file]
        process.currentDirectoryURL = folder
        process.environment = environment
        let start = Date()
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw DemoEditor.Failure(
                description: """
                    the program could not be recorded (exit code \(process.terminationStatus)). \
                    Is there a Python 3 called \(python)? Another one can be named with --python.
                    """)
        }
        print("The program ran for \(Self.seconds(Date().timeIntervalSince(start))) and is recorded.")
        fflush(nil)
    }

    private func type(with editor: DemoEditor, screen: inout DemoScreen) throws {
        var lines = DemoProgram.source.components(separatedBy: "\n")
        if lines.last == "" { lines.removeLast() }
        let first = lines.firstIndex(of: DemoProgram.shownFrom)!
        screen.draw(lines, from: first, hints: try editor.look(lineCount: lines.count).hints, typed: nil)
        screen.pause(milliseconds: 1200)

        let line = lines.firstIndex(of: DemoProgram.anchor)! + 1
        lines.insert("", at: line)
        try editor.type(DemoProgram.indentation, line: line, column: 0)
        try editor.type("\n", line: line, column: DemoProgram.indentation.count)
        lines[line] = DemoProgram.indentation
        for letter in DemoProgram.typed {
            try editor.type(String(letter), line: line, column: lines[line].utf8.count)
            lines[line].append(letter)
            screen.draw(lines, from: first, hints: [:], typed: line)
            screen.pause(milliseconds: 30)
        }

        let lastKey = Date()
        var firstValue: Double?
        while true {
            let picture = try editor.look(lineCount: lines.count)
            let elapsed = Date().timeIntervalSince(lastKey)
            if picture.replayed > 0, firstValue == nil { firstValue = elapsed }
            screen.draw(lines, from: first, hints: picture.hints, typed: line)
            let isSettled = picture.complete && picture.verdicts["provisional", default: 0] == 0
            if isSettled || elapsed > 120 {
                screen.finish(lines, from: first, hints: picture.hints, typed: line)
                return try report(picture, first: firstValue, all: elapsed, screen: screen)
            }
            usleep(10_000)
        }
    }

    private func report(
        _ picture: DemoEditor.Picture, first: Double?, all: Double, screen: DemoScreen
    ) throws {
        guard let first, picture.complete else {
            throw DemoEditor.Failure(
                description:
                    "only \(picture.replayed) values were replayed in two minutes, and not all of them")
        }
        let verdicts = picture.verdicts.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key)" }
        screen.say(
            """

            \(picture.replayed) values were replayed that the run never printed; the first came \
            \(Self.seconds(first)) after the last key, all within \(Self.seconds(all)).
            Verdict: \(verdicts.joined(separator: ", ")).
            """)
        guard picture.verdicts == ["exact": picture.replayed] else {
            throw DemoEditor.Failure(
                description: "not every value could be checked; `hindsight doctor` says what is missing here")
        }
    }

    private static func seconds(_ value: Double) -> String {
        value < 1 ? "\(Int((value * 1000).rounded())) ms" : String(format: "%.1f s", value)
    }
}
