import HindsightCore
import PythonRuntime
import PythonSource
import RunStore

/// Answers are kept under what decides them: the run, the places in the recorded program, the statements and
/// what they need. A whole answer is kept, and each group's own, so that a probe is answered from what was kept
/// whatever stands beside it now.
extension Replayer {
    /// Hits of this query that were kept from earlier answers, in the run's order, with the lines of the
    /// sources as they are now; nil where not all of them were kept. Blocks on the store.
    public func keptAnswer(_ query: HindsightQuery) throws -> [Hit]? {
        let iterations = query.iterations
        var hits = try keptAnswer(query, selection: iterations)
        // A whole answer holds that of every selection.
        if hits == nil, let iterations, let whole = try keptAnswer(query, selection: nil) {
            hits = try whole.selected(by: iterations, history: material(of: query.run).history)
        }
        guard let hits else { return nil }
        // It was kept for somebody who wanted more.
        let counts = Dictionary(grouping: hits) { "\($0.file):\($0.line)" }
        return counts.values.allSatisfy { $0.count <= query.limit } ? hits : nil
    }

    private func keptAnswer(_ query: HindsightQuery, selection: IterationSelection?) throws -> [Hit]? {
        func kept(_ key: String, _ probes: [HindsightQuery.ProbePlace]) throws -> [Hit]? {
            let key = Self.key(key, selection)
            guard let hits = try store.keptAnswer(run: query.run.id, fingerprint: key),
                // Kept hits carry the ordinal of their probe instead of a line, which an edit elsewhere may move.
                hits.allSatisfy({ probes.indices.contains($0.line) })
            else { return nil }
            return hits.map { kept in
                var hit = kept
                hit.file = probes[kept.line].file
                hit.line = probes[kept.line].line
                return hit
            }
        }
        if let whole = try kept(query.answerKey, query.probesInOrder) { return whole }
        let groups = query.match.groups
        guard groups.count > 1 else { return nil }
        var answers: [SeparateAnswers.Part] = []
        for (number, group) in groups.enumerated() {
            guard let hits = try kept(group.key, query.probes(of: group)) else { return nil }
            answers.append(SeparateAnswers.Part(pass: number, block: group.block, hits: hits))
        }
        return SeparateAnswers(answers).merged
    }

    /// Keeps an answer that is final: the hits, and for each its probe's id.
    func keep(
        _ hits: [Hit], of probes: [String], nested: Set<String>, for query: HindsightQuery
    ) throws {
        func keep(_ key: String, _ places: [HindsightQuery.ProbePlace]) throws {
            let ordinals = Dictionary(
                places.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
            let kept = zip(hits, probes).compactMap { hit, probe -> Hit? in
                guard let ordinal = ordinals[probe] else { return nil }
                var hit = hit
                hit.line = ordinal
                return hit
            }
            let key = Self.key(key, query.iterations)
            try store.keepAnswer(run: query.run.id, fingerprint: key, hits: kept)
        }
        guard Set(probes).isSubset(of: query.probesInOrder.map(\.id)) else { return }
        try keep(query.answerKey, query.probesInOrder)
        guard query.match.groups.count > 1 else { return }
        for group in query.match.groups {
            let places = query.probes(of: group)
            let own = Set(places.map(\.id))
            // What is not exact may be the doing of the others.
            let isExact = zip(hits, probes).allSatisfy { !own.contains($1) || $0.verdict == .exact }
            if isExact, own.isDisjoint(with: nested) { try keep(group.key, places) }
        }
    }

    /// Changes whenever what is called exact may be something else than before.
    private static let judgement = 2

    private static func key(_ key: String, _ selection: IterationSelection?) -> String {
        // An answer of another runtime, or one that was judged by other rules, is not this one's.
        let key = "\(key) \(RuntimeResources.version) \(judgement)"
        guard let selection else { return key }
        return key + " " + selection.loops.map { "\($0.name)=\($0.parts)" }.joined(separator: ",")
    }
}

extension HindsightQuery {
    struct ProbePlace {
        var id: String
        var file: String
        var line: Int
    }

    /// By file and place: an order that stays when lines move.
    var probesInOrder: [ProbePlace] {
        match.files.sorted { $0.path < $1.path }.flatMap { file in
            file.probes.sorted { ($0.line, $0.column) < ($1.line, $1.column) }.map {
                ProbePlace(id: $0.id, file: file.path, line: $0.line)
            }
        }
    }

    func probes(of group: SourceMatch.Group) -> [ProbePlace] {
        let own = Set(group.probes)
        return probesInOrder.filter { own.contains($0.id) }
    }

    /// What decides the whole answer.
    fileprivate var answerKey: String {
        match.groups.isEmpty ? match.fingerprint : match.groups.map(\.key).joined(separator: " ")
    }
}

extension [Hit] {
    /// Those that a selection wants; nil where that cannot be told for all of them.
    fileprivate func selected(by selection: IterationSelection, history: LoopHistory) -> [Hit]? {
        let selection = HitSelection(iterations: selection, history: history)
        return selection.loopOfUnknownLength(among: self) == nil ? filter(selection.contains) : nil
    }
}
