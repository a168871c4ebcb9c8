import ArgumentParser
import Foundation
import RunStore

/// `--store`, as every command that reads runs has it.
struct StoreOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Use the store in this folder instead of .hindsight in the project's root.", valueName: "dir"))
    var store: String?

    var location: StoreLocation {
        Store.locate(from: FileManager.default.currentDirectoryPath, override: store)
    }

    /// The store; an error for people where nothing was recorded yet.
    func open() throws -> Store {
        let location = location
        guard let store = try Store.openExisting(location) else {
            throw StoreError.noRuns(directory: location.root)
        }
        return store
    }
}
