import HindsightCore

/// What has arrived and is not in the index yet.
struct PendingRecords {
    var sources: [RecordedSource] = []
    var logs: [LogRecord] = []
    var milestones: [Milestone] = []
    var entropy: [EntropyRecord] = []
    var initialStates: [(name: String, state: String)] = []
    var notes: [String] = []
    var files: [FileRecord] = []
    var fingerprint: Fingerprint?
    var overhead: Double?
    /// Whether the recording ended early: nothing is taken any more.
    var isCut = false
    /// Where the first record of each kind stands in the run.
    var firstLog = 0
    var firstMilestone = 0
    var firstEntropy = 0

    var count: Int {
        sources.count + logs.count + milestones.count + entropy.count + initialStates.count + notes.count
            + files.count + (fingerprint == nil ? 0 : 1)
    }

    /// Takes out what goes into one transaction. Later records go on counting where these end.
    mutating func takeBatch() -> PendingRecords {
        var taken = self
        self = PendingRecords()
        isCut = taken.isCut
        logs = taken.logs.split(after: Self.batch)
        milestones = taken.milestones.split(after: Self.batch)
        entropy = taken.entropy.split(after: Self.batch)
        firstLog = taken.firstLog + taken.logs.count
        firstMilestone = taken.firstMilestone + taken.milestones.count
        firstEntropy = taken.firstEntropy + taken.entropy.count
        return taken
    }

    /// Records of one kind in a transaction at most: readers see progress, and on a full disk as much is
    /// kept as fits.
    private static let batch = 10_000

    /// Puts records that could not be written back in front of those that came since.
    mutating func putBack(_ taken: PendingRecords) {
        var whole = taken
        whole.sources += sources
        whole.logs += logs
        whole.milestones += milestones
        whole.entropy += entropy
        whole.initialStates += initialStates
        whole.notes += notes
        whole.files += files
        whole.fingerprint = fingerprint ?? taken.fingerprint
        whole.overhead = overhead ?? taken.overhead
        whole.isCut = isCut
        self = whole
    }
}

extension Array {
    /// Keeps the first elements and returns the others.
    fileprivate mutating func split(after count: Int) -> [Element] {
        guard self.count > count else { return [] }
        defer { removeLast(self.count - count) }
        return Array(self[count...])
    }
}
