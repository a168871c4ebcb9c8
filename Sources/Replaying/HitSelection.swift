import HindsightCore

/// Which hits were asked for.
struct HitSelection: Sendable {
    /// nil: all.
    let iterations: IterationSelection?
    let history: LoopHistory

    func contains(_ hit: Hit) -> Bool {
        iterations?.contains(hit.iterations) { lastIndex(at: $0, of: hit) == hit.iterations[$0].index }
            ?? true
    }

    /// A loop whose last iteration was asked for, and one of whose activations has an unknown length.
    func loopOfUnknownLength(among hits: some Sequence<Hit>) -> String? {
        guard let iterations else { return nil }
        for hit in hits {
            var unknown: String?
            _ = iterations.contains(hit.iterations) { depth in
                let last = lastIndex(at: depth, of: hit)
                if last == nil { unknown = hit.iterations[depth].loop }
                return last == hit.iterations[depth].index
            }
            if let unknown { return unknown }
        }
        return nil
    }

    private func lastIndex(at depth: Int, of hit: Hit) -> Int? {
        let key = hit.order.components
        return key.count > 2 * depth + 1 ? history.lastIndex(ofActivation: Array(key[...(2 * depth)])) : nil
    }
}
