import HindsightCore
import RunStore

/// A store and everything that is known about its runs. There is one for each store, however many folders the
/// client has open.
final class Project {
    let location: StoreLocation
    let archive: any RunArchive
    let disk: DiskSources
    /// Reads of the store, in order.
    let work: BlockingWork
    var sessions: [RunID: RunSession] = [:]
    var stamp: String

    init(location: StoreLocation, archive: any RunArchive, stamp: String) {
        self.location = location
        self.archive = archive
        self.stamp = stamp
        disk = DiskSources(root: location.root)
        work = BlockingWork(label: "store reads")
    }
}
