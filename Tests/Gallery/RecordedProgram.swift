import Foundation

/// A program's recorded run, made once for all tests of this process, and the project that it lies in.
package struct RecordedProgram: Sendable {
    package var program: TrainingProgram
    package var project: Project
    /// The same program in a project of its own without Hindsight.
    package var plain: Command.Result
    package var recorded: Command.Result
    /// The files that the two runs left behind.
    package var plainContents: [String: Data?]
    package var recordedContents: [String: Data?]

    package static func of(_ program: TrainingProgram) async throws -> RecordedProgram {
        try await Recordings.shared.recording(of: program)
    }

    /// What the probes write under plain Python; run once, though every way of asking is held against it.
    package func foresight(_ probes: [Probe]) async throws -> [String] {
        try await Recordings.shared.foresight(of: program, probes)
    }

    /// Its project, lent to one test at a time: a query reads the probe off the file on disk.
    package func withProject<Result: Sendable>(
        _ body: @Sendable (Project) async throws -> Result
    ) async throws -> Result {
        let lock = try await FileLock(at: project.folder.appendingPathExtension("lock"))
        defer { lock.release() }
        return try await body(project)
    }

    /// Types probes into the project's files for as long as `body` runs.
    package func withProbes<Result: Sendable>(
        _ probes: [Probe], _ body: @Sendable (Project) async throws -> Result
    ) async throws -> Result {
        try await withProject { project in
            let originals = try probes.files.map { ($0, try project.read($0)) }
            do {
                for (file, text) in originals {
                    try project.write(probes.edited(text, file: file).text, to: file)
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

    /// What the command line says about probes.
    package func ask(_ probes: [Probe]) async throws -> Answer {
        let owners = try probes.files.map { ($0, try probes.edited(project.read($0), file: $0).lines) }
        return try await withProbes(probes) { project in
            let before = try project.contents()
            let result = try await project.hindsight(
                ["query", "--format", "jsonl"] + probes.files, environment: program.environment)
            return Answer(
                probes: probes, owners: Dictionary(uniqueKeysWithValues: owners), status: result.status,
                errorText: result.errorText, seconds: result.seconds, hits: try AnswerLine.parse(result),
                changedProject: try project.contents() != before)
        }
    }
}

private actor Recordings {
    static let shared = Recordings()

    private var made: [String: Task<RecordedProgram, any Error>] = [:]
    private var foreseen: [String: Task<[String], any Error>] = [:]

    func foresight(of program: TrainingProgram, _ probes: [Probe]) async throws -> [String] {
        let key = "\(program.name)/\(probes.map(\.name).joined(separator: "+"))"
        let task = foreseen[key] ?? Task { try await program.foresight(probes) }
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
                let plain = try await program.run(in: plainProject)
                let project = try program.makeProject()
                let recorded = try await project.hindsight(
                    ["record", "--", python] + program.arguments, environment: program.environment)
                return RecordedProgram(
                    program: program, project: project, plain: plain, recorded: recorded,
                    plainContents: try plainProject.contents(), recordedContents: try project.contents())
            }
        made[program.name] = task
        return try await task.value
    }
}
