import Foundation
import Testing

/// A program's recorded run, made once for all tests of this process, and the project that it lies in.
struct RecordedProgram: Sendable {
    var program: TrainingProgram
    var project: Project
    /// The same program in a project of its own without Hindsight.
    var plain: Command.Result
    var recorded: Command.Result
    /// The files that the two runs left behind.
    var plainContents: [String: Data?]
    var recordedContents: [String: Data?]

    static func of(_ program: TrainingProgram) async throws -> RecordedProgram {
        try await Recordings.shared.recording(of: program)
    }

    /// What the probe writes under plain Python; run once, though every way of asking is held against it.
    func foresight(_ probe: Probe) async throws -> [String] {
        try await Recordings.shared.foresight(of: program, probe)
    }

    /// Its project, lent to one test at a time: a query reads the probe off the file on disk.
    func withProject<Result: Sendable>(
        _ body: @Sendable (Project) async throws -> Result
    ) async throws -> Result {
        let lock = try await FileLock(at: project.folder.appendingPathExtension("lock"))
        defer { lock.release() }
        return try await body(project)
    }

    /// Types a probe into the project's files for as long as `body` runs.
    func withProbe<Result: Sendable>(
        _ probe: Probe, _ body: @Sendable (Project) async throws -> Result
    ) async throws -> Result {
        try await withProject { project in
            let originals = try probe.files.map { ($0, try project.read($0)) }
            do {
                for (file, text) in originals {
                    try project.write(probe.edited(text, file: file).text, to: file)
                }
                let result = try await body(project)
                for (file, text) in originals { try project.write(text, to: file) }
                return result
            } catch {
                for (file, text) in originals { try project.write(text, to: file) }
                throw error
            }
        }
    }
}

private actor Recordings {
    static let shared = Recordings()

    private var made: [String: Task<RecordedProgram, any Error>] = [:]
    private var foreseen: [String: Task<[String], any Error>] = [:]

    func foresight(of program: TrainingProgram, _ probe: Probe) async throws -> [String] {
        let key = "\(program.name)/\(probe.name)"
        let task = foreseen[key] ?? Task { try await program.foresight(probe) }
        foreseen[key] = task
        return try await task.value
    }

    func recording(of program: TrainingProgram) async throws -> RecordedProgram {
        let task =
            made[program.name]
            ?? Task {
                let python = try await PythonEnvironment.ready().python
                let plainProject = try program.makeProject()
                defer { plainProject.remove() }
                let plain = try await Command.run(python, program.arguments, in: plainProject.folder)
                let project = try program.makeProject()
                let recorded = try await project.hindsight(["record", "--", python] + program.arguments)
                return RecordedProgram(
                    program: program, project: project, plain: plain, recorded: recorded,
                    plainContents: try plainProject.contents(), recordedContents: try project.contents())
            }
        made[program.name] = task
        return try await task.value
    }
}
