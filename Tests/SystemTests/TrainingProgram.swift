import Foundation

/// One of the programs in `Programs`.
struct TrainingProgram: Sendable, CustomStringConvertible {
    var name: String
    /// What follows the interpreter on the command line.
    var arguments: [String]
    var probes: [Probe]

    var description: String { name }

    static let digitsCNN = load("digits_cnn")
    static let digitsNumPy = load("digits_numpy")
    static let digitsPackage = load("digits_package")
    static let all = [digitsCNN, digitsNumPy, digitsPackage]

    private struct Start: Decodable {
        var arguments: [String]
    }

    private static func load(_ name: String) -> TrainingProgram {
        do {
            let folder = Checkout.programs.appendingPathComponent(name)
            let decoder = JSONDecoder()
            let start = try decoder.decode(
                Start.self, from: Data(contentsOf: folder.appendingPathComponent("program.json")))
            let probes = try FileManager.default.contentsOfDirectory(
                at: folder.appendingPathComponent("probes"), includingPropertiesForKeys: nil
            )
            .filter { $0.pathExtension == "json" }
            .sorted { $0.path < $1.path }
            .map { file in
                var probe = try decoder.decode(Probe.self, from: Data(contentsOf: file))
                probe.name = file.deletingPathExtension().lastPathComponent
                return probe
            }
            return TrainingProgram(name: name, arguments: start.arguments, probes: probes)
        } catch {
            fatalError("Tests/SystemTests/Programs/\(name) cannot be read: \(error)")
        }
    }

    func probe(_ name: String) -> Probe { probes.first { $0.name == name }! }

    /// A project of its own with a copy of the program.
    func makeProject() throws -> Project {
        let project = try Project(name: name)
        let manager = FileManager.default
        let source = Checkout.programs.appendingPathComponent(name)
        for entry in try manager.contentsOfDirectory(atPath: source.path)
        where !["probes", "program.json", "__pycache__"].contains(entry) {
            try manager.copyItem(
                at: source.appendingPathComponent(entry), to: project.folder.appendingPathComponent(entry))
        }
        return project
    }

    /// What the program writes with the probe in it from the start, under plain Python: the truth that
    /// every answer is held against.
    func foresight(_ probe: Probe) async throws -> [String] {
        let project = try makeProject()
        defer { project.remove() }
        for file in probe.files {
            try project.write(probe.edited(project.read(file), file: file).text, to: file)
        }
        let result = try await Command.run(
            PythonEnvironment.ready().python, arguments, in: project.folder)
        guard result.status == 0 else {
            throw Probe.Mistake(description: "Probe \(probe.name) breaks \(name):\n\(result.errorText)")
        }
        return probe.ownLines(in: result)
    }
}
