import ArgumentParser
import Foundation
import HindsightCore
import RunStore

struct Runs: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the recorded runs, newest first.")

    @Flag(help: "Print a JSON array.")
    var json = false

    @OptionGroup var store: StoreOption

    func run() throws {
        let location = store.location
        let store = try Store.openExisting(location)
        let runs = try store?.runs() ?? []
        let counts = try store?.counts() ?? [:]
        if json {
            try JSONOutput.print(runs.map { RunSummary($0, counts[$0.id]) })
            return
        }
        guard !runs.isEmpty else {
            // Not an error: there is nothing to list.
            StandardError.write(StoreError.noRuns(directory: location.root).description)
            return
        }
        var table = TextTable(
            columns: [
                .init("RUN"), .init("NAME"), .init("PROGRAM"), .init("STARTED"), .init("DURATION", .right),
                .init("STATUS"), .init("CHECKPOINTS", .right), .init("LOG RECORDS", .right),
                .init("OVERHEAD", .right),
            ])
        let now = Date()
        for run in runs {
            let counts = counts[run.id]
            table.add([
                .init(run.id.description, .bold), .init(run.name ?? ""), .init(run.program),
                .init(HumanText.ago(run.started, now: now)), .init(HumanText.duration(run.duration)),
                run.status.cell, .init("\(counts?.checkpoints ?? 0)"), .init("\(counts?.logRecords ?? 0)"),
                .init(HumanText.share(run.overhead, of: run.duration)),
            ])
        }
        print(table.text(inColour: Terminal.wantsColour))
    }
}

/// A run as `runs --json` prints it.
struct RunSummary: Encodable {
    var run: String
    var name: String?
    var program: String
    var module: String?
    var command: [String]
    var started: Date
    var duration: Double
    var status: String
    var exitCode: Int?
    var reason: String?
    var checkpoints: Int
    var logRecords: Int
    /// Seconds.
    var overhead: Double

    init(_ run: Run, _ counts: RunCounts?) {
        self.run = run.id.description
        name = run.name
        program = run.program
        module = run.module
        command = run.command
        started = run.started
        duration = run.duration
        status = run.status.word
        exitCode = run.status.exitCode
        reason = run.status.reason
        checkpoints = counts?.checkpoints ?? 0
        logRecords = counts?.logRecords ?? 0
        overhead = run.overhead
    }
}
