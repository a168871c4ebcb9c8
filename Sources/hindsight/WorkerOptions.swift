import ArgumentParser
import HindsightCore

/// What replays may take of the machine.
struct WorkerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How many workers may share a long replay; as many as there are processors for, where it is not given.",
            valueName: "count"))
    var workers: Int?

    @Option(help: ArgumentHelp("Added to the niceness of workers, from 0 to 19.", valueName: "number"))
    var niceness = WorkerLimits.usualNiceness

    @Option(
        help: ArgumentHelp(
            "Megabytes of memory that a worker may ask for; as many as it wants, where it is not given.",
            valueName: "megabytes"))
    var memory: Int?

    var limits: WorkerLimits { WorkerLimits(workers: workers, niceness: niceness, memory: memory) }

    func validate() throws {
        if let workers, workers < 1 { throw ValidationError("--workers is a number above 0, not \(workers)") }
        guard (0...19).contains(niceness) else {
            throw ValidationError("--niceness is a number from 0 to 19, not \(niceness)")
        }
        if let memory, memory < 1 { throw ValidationError("--memory is a number above 0, not \(memory)") }
    }
}
