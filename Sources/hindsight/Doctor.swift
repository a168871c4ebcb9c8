import ArgumentParser
import Foundation
import HindsightCore
import Replaying
import RunStore

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check what recording and replaying need, and say how to get what is missing.")

    @Flag(help: "Print a JSON array.")
    var json = false

    @Flag(help: "Read every checkpoint whole and compare it with its hash.")
    var verify = false

    @Flag(
        help: ArgumentHelp(
            "Trust the runs in the store from now on.",
            discussion:
                "Replaying a run executes code that its store holds. Stores that your own recordings made "
                + "are trusted anyway."))
    var trustStore = false

    @OptionGroup var store: StoreOption

    func run() throws {
        let location = store.location
        if trustStore { try StoreRegistry.ofUser().trust(store.open()) }
        var findings = PythonExamination.findings()
        findings += SystemExamination.findings(root: location.root)
        findings.append(StoreExamination.database())
        findings += StoreExamination.findings(at: location, readingEverything: verify)
        if json {
            try JSONOutput.print(findings)
        } else {
            var table = TextTable(columns: [.init("STATE"), .init("WHAT"), .init("FOUND")])
            for finding in findings {
                table.add([finding.state.cell, .init(finding.subject), .init(finding.message)])
                if let advice = finding.advice { table.add([.init(""), .init(""), .init("→ " + advice)]) }
            }
            print(table.text(inColour: Terminal.wantsColour))
        }
        if findings.contains(where: { $0.state == .problem }) { throw ExitCode(1) }
    }
}

/// One line of `doctor`.
struct Finding: Encodable {
    enum State: String, Encodable {
        case ok
        case warn
        case problem

        var cell: TextTable.Cell {
            switch self {
            case .ok: .init("ok", .green)
            case .warn: .init("warn", .yellow)
            case .problem: .init("problem", .red)
            }
        }
    }

    var state: State
    var subject: String
    var message: String
    /// What to do about it.
    var advice: String?

    init(_ state: State, _ subject: String, _ message: String, advice: String? = nil) {
        self.state = state
        self.subject = subject
        self.message = message
        self.advice = advice
    }
}
