import ArgumentParser
import Foundation
import HindsightCore
import RunStore

struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show everything that is known about a run.")

    @Argument(help: ArgumentHelp("The run: its id, the beginning of it, or its name.", valueName: "run"))
    var wanted: String

    @Flag(help: "Print a JSON object.")
    var json = false

    @OptionGroup var store: StoreOption

    func run() throws {
        let store = try store.open()
        let report = try RunReport(store.run(matching: wanted), in: store)
        if json {
            try JSONOutput.print(report)
        } else {
            print(report.text(inColour: Terminal.wantsColour))
        }
    }
}
