import Foundation

/// One of the programs in `Tests/Programs`.
package struct TrainingProgram: Sendable, CustomStringConvertible {
    /// What `program.json` says.
    private struct Sheet: Decodable {
        var title: String
        var question: String
        var picture: Picture
        var arguments: [String]
        var environment: [String: String]?
        var probes: [Probe]
    }

    /// Which probe's values the gallery's page draws.
    package struct Picture: Sendable, Decodable {
        package var probe: String
        /// The words before the numbers that are drawn; absent: all that are no counters.
        package var numbers: [String]?
    }

    package var name: String
    package var title: String
    /// What someone asks about the run, after the fact.
    package var question: String
    package var picture: Picture
    /// What follows the interpreter on the command line.
    package var arguments: [String]
    package var environment: [String: String]
    package var probes: [Probe]

    package var description: String { name }

    /// In the order of their names.
    package static let all: [TrainingProgram] = {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: Checkout.programs.path).sorted()
                .filter {
                    FileManager.default.fileExists(
                        atPath: Checkout.programs.appendingPathComponent("\($0)/program.json").path)
                }
                .map { try TrainingProgram(named: $0) }
        } catch {
            fatalError("\(error)")
        }
    }()

    /// The programs about handwritten digits, whose probes are many and each asked by itself.
    package static let digits = all.filter { $0.name.hasPrefix("digits_") }

    package static func named(_ name: String) -> TrainingProgram? { all.first { $0.name == name } }

    private init(named name: String) throws {
        let file = Checkout.programs.appendingPathComponent("\(name)/program.json")
        do {
            let sheet = try JSONDecoder().decode(Sheet.self, from: Data(contentsOf: file))
            self.name = name
            title = sheet.title
            question = sheet.question
            picture = sheet.picture
            arguments = sheet.arguments
            probes = sheet.probes
            // Small models: more threads only wait for each other.
            environment = Command.environment.merging(["OMP_NUM_THREADS": "1"]) { $1 }
                .merging(sheet.environment ?? [:]) { $1 }
        } catch {
            throw Probe.Mistake(description: "\(file.path) cannot be read: \(error)")
        }
    }

    /// The probes that are asked together: one that disturbs the training would cost the others their verdict.
    package var peaceful: [Probe] { probes.filter { $0.expectedVerdict == "exact" } }

    package func probe(_ name: String) -> Probe { probes.first { $0.name == name }! }

    /// A project of its own with a copy of the program.
    package func makeProject() throws -> Project {
        let project = try Project(name: name)
        let manager = FileManager.default
        let source = Checkout.programs.appendingPathComponent(name)
        for entry in try manager.contentsOfDirectory(atPath: source.path)
        where !["program.json", "__pycache__"].contains(entry) {
            try manager.copyItem(
                at: source.appendingPathComponent(entry), to: project.folder.appendingPathComponent(entry))
        }
        return project
    }

    /// Runs it under plain Python.
    package func run(in project: Project) async throws -> Command.Result {
        try await Command.run(
            PythonEnvironment.ready().python, arguments, in: project.folder, environment: environment)
    }

    /// What the program writes with the probes in it from the start, under plain Python: the truth that
    /// every answer is held against.
    package func foresight(_ probes: [Probe]) async throws -> [String] {
        let project = try makeProject()
        defer { project.remove() }
        for file in probes.files {
            try project.write(probes.edited(project.read(file), file: file).text, to: file)
        }
        let result = try await run(in: project)
        guard result.status == 0 else {
            throw Probe.Mistake(description: "Probes \(probes) break \(name):\n\(result.errorText)")
        }
        return probes.ownLines(in: result)
    }
}
