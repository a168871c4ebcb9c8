import ArgumentParser
import Foundation
import Recording

struct Record: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a program and record it.",
        usage:
            "hindsight record [--budget <percent>] [--name <name>] [--store <dir>] [--verbose] -- <command> [<arg> ...]",
        discussion: """
            The program needs no change. It prints what it always prints and ends with its own exit code. \
            Every Python program of the project that runs below the command becomes a run.
            """
    )

    @Option(
        help: ArgumentHelp(
            "How much of the program's time recording may take at most.", valueName: "percent"))
    var budget = 1.0

    @Option(help: "A name for the run, to find it by.")
    var name: String?

    @Flag(help: "Say on standard error, after the program's end, which runs were recorded.")
    var verbose = false

    @OptionGroup var store: StoreOption

    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("The command and its arguments.", valueName: "command"))
    var command: [String] = []

    private var words: [String] { command.first == "--" ? Array(command.dropFirst()) : command }

    /// The program's output is its own, so that only who asked is told, and who sits before a terminal and would
    /// wait for values in vain.
    private static func tell(_ runs: [RecordedRun], isVerbose: Bool) {
        if runs.isEmpty, isVerbose || isatty(STDERR_FILENO) != 0 {
            StandardError.write("hindsight: no Python program of this project ran, so nothing was recorded")
        }
        guard isVerbose else { return }
        for run in runs { StandardError.write("hindsight: recorded run \(run.id) of \(run.program)") }
    }

    func validate() throws {
        guard budget > 0, budget <= 100 else {
            throw ValidationError("--budget is a percentage above 0 and up to 100, not \(budget)")
        }
        // The parser hands over everything from the first word that it does not know.
        if ["-h", "--help"].contains(command.first) { throw CleanExit.helpRequest(self) }
        if let first = command.first, first != "--", first.hasPrefix("-") {
            throw ValidationError("unknown option \(first); put -- before the command")
        }
        guard let first = words.first, !first.isEmpty else {
            throw ValidationError("name the command to record: hindsight record -- python train.py")
        }
    }

    func run() throws {
        let options = RecordingOptions(
            name: name, budget: budget / 100, store: store.store,
            warn: { StandardError.write("hindsight: \($0)") },
            recorded: { [verbose] runs in Self.tell(runs, isVerbose: verbose) })
        let end: CommandEnd
        do {
            end = try Recorder.record(words, options: options)
        } catch let failure as LaunchFailure {
            StandardError.write("hindsight: \(failure)")
            throw ExitCode(failure.exitCode)
        }
        switch end {
        case .exited(let code): throw ExitCode(code)
        case .signalled(let number):
            Recorder.dieBy(signal: number)
            // Only a signal that does not end a process comes here.
            throw ExitCode(128 + number)
        }
    }
}
