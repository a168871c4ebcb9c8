import HindsightCore

/// What was told of an answer so far: hits, by the beginning of the stretch that gave them, with the verdicts told
/// last.
struct AnswerFeed {
    private struct Told {
        var hit: Hit
        /// Whether the selection wants it: others are only needed to judge.
        var isWanted: Bool
    }

    private let emit: (ReplayEvent) -> Void
    private let selection: HitSelection
    private var stretches: [OrderKey: [Told]] = [:]
    /// Whether it was told that every hit is there: nothing is taken back any more, only replaced.
    private(set) var isComplete = false

    init(selection: HitSelection, emit: @escaping (ReplayEvent) -> Void) {
        self.selection = selection
        self.emit = emit
    }

    mutating func add(_ hits: [Hit], of stretch: OrderKey) {
        let new = hits.map { Told(hit: $0, isWanted: selection.contains($0)) }
        stretches[stretch, default: []] += new
        let batch = new.filter(\.isWanted).map(\.hit)
        if !batch.isEmpty { emit(.hits(batch)) }
    }

    /// Tells the verdicts that changed of a stretch's hits, by their numbers there.
    mutating func settle(_ verdicts: some Sequence<(Int, Verdict)>, of stretch: OrderKey) {
        var updates: [VerdictUpdate] = []
        update(verdicts, of: stretch, &updates)
        if !updates.isEmpty { emit(.verdicts(updates)) }
    }

    /// Tells the verdicts that changed, of all hits in the order of their stretches.
    mutating func settle(_ verdicts: [Verdict], isFinal: Bool) {
        var updates: [VerdictUpdate] = []
        var first = 0
        for stretch in stretches.keys.sorted() {
            let count = stretches[stretch]?.count ?? 0
            let own = zip(0..., verdicts[first..<min(verdicts.count, first + count)]).filter { _, verdict in
                // Only the last word may say that nothing could be found out.
                if !isFinal, case .provisional = verdict { return false }
                return true
            }
            update(own, of: stretch, &updates)
            first += count
        }
        if !updates.isEmpty { emit(.verdicts(updates)) }
    }

    private mutating func update(
        _ verdicts: some Sequence<(Int, Verdict)>, of stretch: OrderKey, _ updates: inout [VerdictUpdate]
    ) {
        guard var told = stretches.removeValue(forKey: stretch) else { return }
        for (number, verdict) in verdicts where number < told.count && told[number].hit.verdict != verdict {
            told[number].hit.verdict = verdict
            guard told[number].isWanted else { continue }
            let hit = told[number].hit
            updates.append(VerdictUpdate(order: hit.order, file: hit.file, line: hit.line, verdict: verdict))
        }
        stretches[stretch] = told
    }

    /// Whether these hits were told, and no others.
    func holds(_ hits: [Hit]) -> Bool {
        let told = stretches.sorted { $0.key < $1.key }.flatMap(\.value).map(\.hit)
        return told.count == hits.count
            && zip(told, hits).allSatisfy { told, hit in
                var told = told
                told.verdict = hit.verdict
                return told == hit
            }
    }

    mutating func complete() {
        guard !isComplete else { return }
        isComplete = true
        emit(.complete)
    }

    /// Puts other hits, with their last verdicts, in the place of all.
    mutating func replace(with hits: [Hit]) {
        stretches = [OrderKey([]): hits.map { Told(hit: $0, isWanted: selection.contains($0)) }]
        emit(.replaced(hits.filter(selection.contains)))
    }

    /// Takes everything back.
    mutating func withdraw() {
        guard !stretches.isEmpty else { return }
        stretches.removeAll()
        emit(.restarted)
    }

    /// Takes one stretch's hits back.
    mutating func withdraw(_ stretch: OrderKey) {
        guard stretches.removeValue(forKey: stretch)?.isEmpty == false else { return }
        emit(.restarted)
        let left = stretches.sorted { $0.key < $1.key }.flatMap(\.value).filter(\.isWanted).map(\.hit)
        if !left.isEmpty { emit(.hits(left)) }
    }
}
