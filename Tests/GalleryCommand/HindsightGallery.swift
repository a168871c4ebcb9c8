import ArgumentParser
import Foundation
import Gallery

/// Records every program of the gallery, asks every probe, and prints what it said and what that cost.
@main struct HindsightGallery: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hindsight-gallery",
        abstract: "Record the programs of Tests/Programs, ask their probes, and compare with foresight.")

    @Argument(help: "Programs; all where none is named.")
    var programs: [String] = []

    @Flag(help: "Ask each program's probes together only, not one by one as well.")
    var together = false

    @Flag(help: "Write these programs' sections of Tests/Programs/README.md, with pictures of the answers.")
    var page = false

    func run() async throws {
        let chosen = try programs.isEmpty ? TrainingProgram.all : programs.map(program(named:))
        Self.tell(Self.row(["PROGRAM", "PROBE", "LEVEL", "HITS", "VERDICT", "SECONDS", "OF RUN"]))
        var sections: [String: String] = [:]
        var faults = 0
        for program in chosen {
            let recording = try await RecordedProgram.of(program)
            defer { recording.project.remove() }
            faults += tell(unseen(recording))
            let run = recording.recorded.seconds
            Self.tell(Self.row([program.name, "(recorded)", "", "", "", Self.seconds(run), ""]))
            let answer = try await recording.ask(program.peaceful)
            for probe in program.probes where !together || probe.verdict != nil {
                let answer = try await recording.ask([probe])
                show(answer, of: program, "\(probe)", probe.level.rawValue, run)
                faults += tell(answer.faults(against: try await recording.foresight([probe])))
            }
            show(answer, of: program, "(together)", "", run)
            faults += tell(answer.faults(against: try await recording.foresight(program.peaceful)))
            sections[program.name] = GalleryPage.section(program, answer)
        }
        if page, faults == 0 {
            let old = (try? String(contentsOf: GalleryPage.file, encoding: .utf8)) ?? ""
            try GalleryPage.text(sections, old: old).write(
                to: GalleryPage.file, atomically: true, encoding: .utf8)
        }
        if faults > 0 { throw ExitCode(1) }
    }

    private func program(named name: String) throws -> TrainingProgram {
        guard let program = TrainingProgram.named(name) else {
            throw ValidationError("There is no \(name) in \(Checkout.programs.path).")
        }
        return program
    }

    private func unseen(_ recording: RecordedProgram) -> [String] {
        guard recording.plain.status == 0 else { return ["it fails: \(recording.plain.errorText)"] }
        let isSame =
            recording.recorded.status == recording.plain.status
            && recording.recorded.lines == recording.plain.lines
            && recording.recorded.errorLines == recording.plain.errorLines
        return isSame ? [] : ["recording changed what it prints: \(recording.recorded.errorText)"]
    }

    private func show(
        _ answer: Answer, of program: TrainingProgram, _ probe: String, _ level: String, _ run: Double
    ) {
        let verdicts = Set(answer.hits.map(\.verdict)).sorted().joined(separator: ", ")
        Self.tell(
            Self.row([
                program.name, probe, level, "\(answer.hits.count)", verdicts, Self.seconds(answer.seconds),
                String(format: "%.0f %%", 100 * answer.seconds / run),
            ]))
    }

    /// How many there are.
    private func tell(_ faults: [String]) -> Int {
        for fault in faults { Self.tell("    FAULT: \(fault)") }
        return faults.count
    }

    /// At once: a program may take a while, and the output may be a file.
    private static func tell(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    private static func seconds(_ seconds: Double) -> String { String(format: "%.1f", seconds) }

    private static func row(_ cells: [String]) -> String {
        zip(cells, [24, 24, 7, 6, 14, 8, 7]).enumerated().map { index, cell in
            let gap = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
            return [3, 5, 6].contains(index) ? gap + cell.0 : cell.0 + gap
        }.joined(separator: " ")
    }
}
