import Foundation
import HindsightCore
import RunStore

/// Starts the interpreter of a run in the sandbox.
struct WorkerStart: Sendable {
    let store: Store
    let settings: ReplaySettings

    func process(
        for material: RecordedMaterial, isWeak: Bool, isStanding: Bool = false
    ) throws(ReplayFailure) -> WorkerProcess {
        let run = material.run
        let scratch = try ScratchFolder(
            needed: [run.root, run.workingDirectory, run.interpreter, store.location.directory])
        return try WorkerProcess(
            SandboxPlan(
                executable: run.interpreter, arguments: [run.interpreter] + run.command.dropFirst(),
                environment: WorkerEnvironment.variables(for: material),
                directory: run.workingDirectory, scratch: scratch.path,
                limits: settings.limits, isWeak: isWeak, isStanding: isStanding),
            launcher: settings.launcher, scratch: scratch)
    }

    /// A worker on its way to the run's main loop; nil where the run has none.
    func standing(
        for material: RecordedMaterial, refused: @escaping @Sendable (StandingWorker.Refusal) -> Void
    ) throws -> StandingWorker? {
        guard let activation = material.history.mainActivation,
            FileManager.default.isExecutableFile(atPath: material.run.interpreter)
        else { return nil }
        let process = try process(for: material, isWeak: false, isStanding: true)
        let sources = material.sources.map {
            WorkerInstructions.Source(path: $0.path, module: $0.module, recorded: $0.text, edited: nil)
        }
        // Its children need not compare again what it has found equal.
        let there = activation.iterations.first { $0.index == 0 }?.checkpoint.flatMap { checkpoint in
            checkpoint.isDamaged
                ? nil : try? store.stateLocation(of: material.run.id, checkpoint: checkpoint.number)
        }
        let states = [there].compactMap(\.self)
        var instructions = WorkerInstructions(
            root: material.run.root, sources: sources, groups: nil, recorded: material,
            plan: Plan(checks: states.map(\.number)), states: states, isPrivate: true)
        // Its children may jump.
        instructions.files = FileThen.needed(of: material, jumping: true)
        instructions.standing = activation.coordinate(at: 0)
        instructions.blobs = try store.blobLocations(of: material.run.id)
        return StandingWorker(
            process, instructions: instructions, order: activation.order(at: 0),
            secondsToArrive: material.history.elapsed(at: activation.order(at: 0)), refused: refused)
    }
}
