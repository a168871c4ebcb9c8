import Foundation

/// What a query said, and how it compares with the truth.
package struct Answer: Sendable {
    package var probes: [Probe]
    /// By file, whose each of the probes' lines is.
    package var owners: [String: [Int: String]]
    package var status: Int32
    package var errorText: String
    package var seconds: Double
    package var hits: [AnswerLine]
    /// Whether files of the project were touched.
    package var changedProject: Bool

    package init(
        probes: [Probe], owners: [String: [Int: String]], status: Int32 = 0, errorText: String = "",
        seconds: Double = 0, hits: [AnswerLine], changedProject: Bool
    ) {
        self.probes = probes
        self.owners = owners
        self.status = status
        self.errorText = errorText
        self.seconds = seconds
        self.hits = hits
        self.changedProject = changedProject
    }

    package func hits(of probe: Probe) -> [AnswerLine] {
        hits.filter { owners[$0.file]?[$0.line] == probe.name }
    }

    /// Everything in which this answer is not what the gallery promises, as sentences.
    ///
    /// - Parameter foresight: the lines that the probes write under plain Python.
    package func faults(against foresight: [String]) -> [String] {
        guard status == 0 else { return ["the query failed: \(errorText)"] }
        var faults = changedProject ? ["the query changed the project"] : []
        if hits.contains(where: { owners[$0.file]?[$0.line] == nil }) {
            faults.append("a hit names a line that is no probe's")
        }
        let believed = Set(probes.filter { $0.expectedVerdict == "exact" }.map(\.name))
        faults += differences(
            told: lines { believed.contains($0) },
            truth: foresight.filter { line in believed.contains(owner(of: line)) })
        for probe in probes {
            let own = hits(of: probe)
            if !foresight.contains(where: { owner(of: $0) == probe.name }) {
                faults.append("\(probe) writes nothing even in foresight")
            }
            let others = Set(own.map(\.verdict)).subtracting([probe.expectedVerdict])
            if !others.isEmpty {
                faults.append(
                    "\(probe): verdict \(others.sorted()), not \(probe.expectedVerdict)\n\(errorText)")
            }
            if own.contains(where: { $0.verified != ($0.verdict == "exact") }) {
                faults.append("\(probe): `verified` and the verdict disagree")
            }
            if let reason = probe.reason, !errorText.contains(reason) {
                faults.append("\(probe): the reason does not say `\(reason)`\n\(errorText)")
            }
            faults += wrongPlaces(own, of: probe).map { "\(probe): \($0)" }
        }
        return faults
    }

    /// The texts of hits line by line, in their order; those on the standard error behind the others.
    private func lines(of isWanted: (String) -> Bool) -> [String] {
        let streams = Dictionary(uniqueKeysWithValues: probes.map { ($0.name, $0.stream ?? .stdout) })
        return [Probe.Stream.stdout, .stderr].flatMap { stream in
            hits.filter { hit in
                guard let owner = owners[hit.file]?[hit.line], isWanted(owner) else { return false }
                return streams[owner] == stream
            }
            .flatMap { $0.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
        }
    }

    private func owner(of line: String) -> String {
        // The longest: one probe's prefix may begin another one's.
        probes.filter { line.hasPrefix($0.prefix) }.max { $0.prefix.count < $1.prefix.count }?.name ?? ""
    }

    private func differences(told: [String], truth: [String]) -> [String] {
        var faults: [String] = []
        if told.count != truth.count {
            faults.append("\(told.count) lines where foresight has \(truth.count)\n\(errorText)")
        }
        if let first = zip(told, truth).enumerated().first(where: { $0.element.0 != $0.element.1 }) {
            faults.append(
                "line \(first.offset) differs\nhindsight: \(first.element.0)\nforesight: \(first.element.1)")
        }
        return faults
    }

    private func wrongPlaces(_ hits: [AnswerLine], of probe: Probe) -> [String] {
        guard let levels = probe.iterations else {
            return hits.allSatisfy { !$0.iteration.isEmpty } ? [] : ["a hit without a coordinate"]
        }
        guard hits.allSatisfy({ $0.iteration.map(\.loop) == levels.map(\.loop) }) else {
            return ["loops \(Set(hits.map { $0.iteration.map(\.loop) })), not \(levels.map(\.loop))"]
        }
        var faults: [String] = []
        let indexes = hits.map { $0.iteration.map(\.index) }
        // A loop that is run several times counts from the start again.
        let isOnce = levels.allSatisfy { $0.count != nil }
        if isOnce, zip(indexes, indexes.dropFirst()).contains(where: { $1.lexicographicallyPrecedes($0) }) {
            faults.append("the hits are not in the order of the iterations")
        }
        for (depth, level) in levels.enumerated() {
            let seen = Set(indexes.map { $0[depth] })
            let all = Set(0..<(level.count ?? (seen.max() ?? -1) + 1))
            if probe.sparse == true ? !seen.isSubset(of: all) : seen != all {
                faults.append("\(level.loop): iterations \(seen.sorted()) of \(all.count)")
            }
        }
        return faults
    }
}
