import Foundation
import HindsightCore
import PythonSource
import RunStore

/// One query's way to its answer: a pass that gives the hits, then passes that earn their verdicts.
final class QueryReplay {
    private let replayer: Replayer
    /// What was asked.
    let asked: HindsightQuery
    /// What is replayed now: what was asked, or some of its groups of probes.
    private(set) var query: HindsightQuery
    let material: RecordedMaterial
    let cancellation: Cancellation
    private let emit: (ReplayEvent) -> Void
    let runner: PassRunner
    let selection: HitSelection
    var feed: AnswerFeed
    /// Whether every value was told, and they are checked now.
    var isChecking = false
    private var unusable: Set<Int> = []
    private var notes: Set<String> = []
    /// Ids of probes that others called: alone they would have fewer hits.
    private var nested: Set<String> = []
    /// Whether values rest on files that the run did not use, as they are now.
    private var hasBorrowed = false
    /// The data of the program without probes where one with them differed, by the jumps that led there.
    var references: [[Jump]: ControlFile] = [:]

    init(
        replayer: Replayer, query: HindsightQuery, material: RecordedMaterial, cancellation: Cancellation,
        emit: @escaping (ReplayEvent) -> Void
    ) {
        self.replayer = replayer
        asked = query
        self.query = query
        self.material = material
        self.cancellation = cancellation
        self.emit = emit
        runner = PassRunner(replayer: replayer, asked: query, material: material)
        selection = HitSelection(iterations: query.iterations, history: material.history)
        feed = AnswerFeed(selection: selection, emit: emit)
    }

    func run() throws {
        guard query.match.files.contains(where: { !$0.probes.isEmpty }) else { return emit(.finished) }
        try checkIsAlone()
        let plan = try planner.plan(selection: query.iterations)
        let checked = try previewed(plan)
        guard !cancellation.isCancelled,
            var answer = try checked ?? answer(following: plan, isTold: true)
        else { return }
        if !answer.main.jumps.isEmpty,
            try answer.isMisled || (answer.isDoubtful && isWorthStartingAgain(instead: plan))
        {
            note(
                "the values could not be confirmed by starting from checkpoints; the run is executed again "
                    + "from its start")
            let isTold = !feed.isComplete
            if isTold { feed.withdraw() }
            guard let again = try wholePass(stop: plan.stop, isTold: isTold) else { return }
            guard let second = try validated(again, isTold: isTold) else { return }
            if !isTold { feed.replace(with: second.hits) }
            answer = second
        }
        if let isolated = try isolated(answer) { return try finish(isolated) }
        guard !cancellation.isCancelled else { return }
        try finish(answer)
    }

    /// Everything is executed, by one worker.
    private func wholePass(stop: Stop?, isTold: Bool) throws -> PassResult? {
        try pass(planner.fullPlan(stop: stop), isTold: isTold) { try self.planner.fullPlan(stop: stop) }
    }

    /// Goes on with some groups of probes only.
    func restrict(to groups: [SourceMatch.Group]) {
        query.match = asked.match.restricted(to: Set(groups.map(\.key)))
    }

    var planner: Planner {
        get throws { query.planner(for: material, unusable: unusable) }
    }

    /// The first pass and the validating ones; nil where the query was cancelled.
    func answer(following first: Plan, isTold: Bool) throws -> Answer? {
        guard isTold else {
            let main = try pass(first, isTold: false) { try self.planner.fullPlan(stop: first.stop) }
            return try main.flatMap { try validated($0, isTold: false) }
        }
        guard let (main, again) = try mainPass(first) else { return nil }
        // What went wrong somewhere may have to begin anew.
        if main.contradiction == nil { feed.complete() }
        return try validated(main, again: again, isTold: true)
    }

    /// Joins a pass with those that validate it.
    ///
    /// - Parameter again: what of it was executed a second time already.
    private func validated(_ first: PassResult, again: [Finding] = [], isTold: Bool) throws -> Answer? {
        guard let main = try controlled(first) else { return nil }
        var validation = Validation(
            isCaptureVerified: try isCaptureVerified,
            obstacles: main.differences, contradiction: main.contradiction)
        validation.add(main.doubts)
        validation.add(again: again)
        let findings = main.findings
        keepSegments(main)
        if !main.verifiedSegments.isEmpty { validation.captureVerified() }
        if !again.isEmpty, isTold { feed.settle(validation.verdicts(findings), isFinal: false) }
        var left = replayer.settings.validatingPasses
        var tried: Set<Plan> = []
        while left > 0, let list = validation.unsettled(findings).first {
            left -= 1
            let orders = list.map { findings[$0].hit.order }
            guard let next = try planner.validation(of: orders, after: main.jumps),
                tried.insert(next.plan).inserted
            else { break }
            let from = next.executedFrom
            let confirming = try pass(next.plan, isTold: false, executedFrom: from) {
                try self.planner.plan(executing: from, through: next.plan.stop?.order ?? from)
            }
            guard let confirming = try confirming.flatMap(controlled) else { return nil }
            keepSegments(confirming)
            if !confirming.verifiedSegments.isEmpty { validation.captureVerified() }
            validation.add(
                confirming.findings, contradiction: confirming.contradiction, executedFrom: from)
            validation.add(confirming.doubts)
            if isTold { feed.settle(validation.verdicts(findings), isFinal: false) }
        }
        return Answer(
            main: main, verdicts: validation.verdicts(findings),
            isMisled: validation.doubts.contains(where: \.isJumped))
    }

    struct Answer {
        var main: PassResult
        var verdicts: [Verdict]
        /// Whether jumps led past writing what the program read later.
        var isMisled: Bool

        /// With their verdicts.
        var hits: [Hit] {
            zip(main.findings, verdicts).map { finding, verdict in
                var hit = finding.hit
                hit.verdict = verdict
                return hit
            }
        }

        var isDoubtful: Bool {
            verdicts.contains { verdict in
                switch verdict {
                case .exact, .unverifiable: false
                case .provisional, .diverged: true
                }
            }
        }
    }

    /// Starting again without jumps helps where checkpoints hold too little, and not where a probe disturbs
    /// the training; which one it is cannot be told apart cheaply.
    private func isWorthStartingAgain(instead plan: Plan) throws -> Bool {
        let full = try planner.fullPlan(stop: plan.stop).estimate.seconds
        return try full < 60 || !isCaptureVerified
    }

    private func finish(_ answer: Answer) throws {
        let main = answer.main
        try checkLastIsKnown(main.findings.lazy.map(\.hit))
        if main.findings.isEmpty, let contradiction = main.contradiction {
            let reasons = main.doubts.map(\.reason) + [contradiction]
            throw ReplayFailure(
                "The replay of run \(query.run.id) did not go the way of the run, so it says nothing about "
                    + "these statements; \(reasons.joined(separator: "; ")).", output: main.output)
        }
        if main.isPastHorizon, case .interrupted(let how) = query.run.status {
            note("run \(query.run.id) was interrupted (\(how)); its values end there")
        }
        feed.settle(answer.verdicts, isFinal: true)
        let isLimited = tellLimits(main.counts)
        if !isLimited { keeping { try keep(answer) } }
        emit(.finished)
    }

    /// Says where there were more hits than are kept.
    private func tellLimits(_ counts: [String: Int]) -> Bool {
        let limited = query.probesInOrder.filter { counts[$0.id, default: 0] > query.limit }
        for probe in limited {
            emit(.limited(file: probe.file, line: probe.line, count: counts[probe.id, default: 0]))
        }
        return !limited.isEmpty
    }

    private func keep(_ answer: Answer) throws {
        guard query.run.status != .running, !hasBorrowed, answer.main.firstContradiction == nil,
            answer.verdicts.allSatisfy(\.isFinal)
        else { return }
        let wanted = zip(answer.hits, answer.main.findings).filter { selection.contains($0.0) }
        try replayer.keep(wanted.map(\.0), of: wanted.map(\.1.statement), nested: nested, for: asked)
    }

    /// An answer that was put together from several: told at once.
    private func finish(_ isolated: Isolated) throws {
        let judged = isolated.hits
        let wanted = judged.filter { selection.contains($0.hit) }
        try checkLastIsKnown(judged.lazy.map(\.hit))
        feed.replace(with: wanted.map(\.hit))
        let isLimited = tellLimits(isolated.counts)
        if wanted.allSatisfy(\.hit.verdict.isFinal), !isLimited, !hasBorrowed, asked.run.status != .running {
            keeping {
                try replayer.keep(
                    wanted.map(\.hit), of: wanted.map(\.statement), nested: nested, for: asked)
            }
        }
        emit(.finished)
    }

    /// Whether segments of the run, started from restored checkpoints, have ended in the recorded state.
    private var isCaptureVerified: Bool {
        get throws { try !replayer.store.verifiedSegments(run: query.run.id).isEmpty }
    }

    private func keepSegments(_ pass: PassResult) {
        keeping {
            for segment in pass.verifiedSegments {
                try replayer.store.addVerifiedSegment(run: query.run.id, from: segment.from, to: segment.to)
            }
        }
    }

    /// What cannot be kept, on a full disk say, costs the next query time and this one nothing.
    private func keeping(_ write: () throws -> Void) {
        do {
            try write()
        } catch {
            note("the answer was not kept for the next time: \(error)")
        }
    }

    // MARK: - Passes

    /// The pass that gives the hits: by several workers where that is worth it.
    func mainPass(
        _ first: Plan, isPreview: Bool = false
    ) throws -> (main: PassResult, again: [Finding])? {
        if query.iterations == nil, let division = try planner.division(), division.whole == first {
            let divided = DividedPass(
                division, of: query, isPreview: isPreview, material: material, runner: runner,
                slots: replayer.slots,
                workers: material.workers(within: replayer.settings.limits),
                cancellation: cancellation)
            if try divided.isWorthwhile(isCaptureVerified: isCaptureVerified) {
                if !isChecking { emit(.planned(first)) }
                switch try divided.run(&feed, emit: tell) {
                case .completed(let result, let again):
                    note(result)
                    return (kept(result), again)
                case .cancelled: return nil
                case .abandoned(let outcome, let isForked):
                    // One worker alone can go on without a checkpoint, or afresh.
                    feed.withdraw()
                    var deaths = 0
                    try take(outcome, isForked: isForked, deaths: &deaths)
                    if isPreview { return nil }
                }
            }
        }
        let plan = unusable.isEmpty ? first : try planner.plan(selection: query.iterations)
        return try pass(plan, isTold: true, isPreview: isPreview) {
            try self.planner.plan(selection: self.query.iterations)
        }.map { ($0, []) }
    }

    /// Not more hits of each statement than were asked for: the workers have kept that many each.
    private func kept(_ result: PassResult) -> PassResult {
        guard result.counts.values.contains(where: { $0 > query.limit }) else { return result }
        var result = result
        var counts: [String: Int] = [:]
        let numbers = result.findings.indices.filter { number in
            counts[result.findings[number].statement, default: 0] += 1
            return counts[result.findings[number].statement, default: 0] <= query.limit
        }
        result.findings = numbers.map { result.findings[$0] }
        let places = Dictionary(uniqueKeysWithValues: zip(numbers, numbers.indices))
        result.openEnds = result.openEnds.map { $0.moved { places[$0] } }
        feed.withdraw()
        feed.add(result.findings.map(\.hit), of: OrderKey([]))
        return result
    }

    /// One pass to its end, planned again where a checkpoint cannot be used, started again once where the
    /// worker dies; nil where the query was cancelled.
    ///
    /// - Parameters:
    ///   - isTold: whether its hits are the answer's; what confirms hits is not shown, and ends where they do.
    ///   - replanned: another plan for the same, without the checkpoints that turned out to be unusable.
    func pass(
        _ first: Plan, isTold: Bool, executedFrom: OrderKey? = nil, control: ControlFile.Task? = nil,
        isPreview: Bool = false, replanned: () throws -> Plan
    ) throws -> PassResult? {
        var plan = first
        var deaths = 0
        var isTold = isTold
        let mayReplace = isTold
        while !cancellation.isCancelled {
            if isTold, !isChecking { emit(.planned(plan)) }
            var pass = ReplayPass(
                plan: plan, material: material, executedFrom: executedFrom,
                limit: query.limit, selection: query.iterations,
                control: isPreview
                    ? nil : control ?? reference(for: plan) ?? ControlFile.Task(saving: query),
                isPreview: isPreview)
            replayer.slots.take()
            defer { replayer.slots.giveBack() }
            let (outcome, isForked) = try runner.follow(&pass, for: query, cancellation: cancellation) {
                tell($0, $1, isTold: isTold)
            }
            switch outcome {
            case .completed:
                let result = PassResult(of: pass)
                note(result)
                if mayReplace, !isTold { feed.replace(with: pass.hits) }
                return result
            case .cancelled: return nil
            default:
                let isPlanSpoilt = try take(outcome, isForked: isForked, deaths: &deaths)
                // What does not come at once is no preview.
                if isPreview { return nil }
                // Of what was called complete, nothing is taken back.
                if isTold, feed.isComplete { isTold = false }
                if isTold { feed.withdraw() }
                if isPlanSpoilt { plan = try replanned() }
            }
        }
        return nil
    }

    private func note(_ result: PassResult) {
        nested.formUnion(result.nested)
        hasBorrowed = hasBorrowed || result.hasBorrowed
    }

    /// What follows from a pass that did not come to its end; throws where nothing can.
    ///
    /// - Returns: whether another plan is needed.
    @discardableResult
    private func take(_ outcome: ReplayPass.Outcome, isForked: Bool, deaths: inout Int) throws -> Bool {
        switch outcome {
        case .completed, .cancelled, .indivisible: break
        case .unusable(let checkpoint):
            try giveUp(checkpoint)
            return true
        case .refused(let output):
            replayer.sandboxRefused.withLock { $0 = true }
            guard replayer.settings.sandbox == .allowWeak else {
                throw ReplayFailure(Self.refusal, output: output)
            }
            note(
                "this system gives no copy-on-write view; the replay runs without one, and what the "
                    + "program writes, it really writes")
        case .noProgram(let output):
            throw ReplayFailure(
                "The interpreter of run \(query.run.id), \(query.run.interpreter), cannot be started in "
                    + "\(query.run.workingDirectory). Restore it, or record the program again.",
                output: output)
        case .cold(let reason):
            replayer.settings.logger.debug("a fresh worker is needed", metadata: ["reason": "\(reason)"])
            runner.requireFreshWorker()
        case .died where isForked: runner.noteDeath(isForked: true)
        case .died(let status, let output):
            deaths += 1
            guard deaths < 2 else {
                let how = status > 128 ? "signal \(status - 128)" : "exit status \(status)"
                throw ReplayFailure(
                    "The replay of run \(query.run.id) ended unexpectedly, twice (\(how)).",
                    output: output)
            }
        }
        return false
    }

    /// Plans no more with a checkpoint, or with none where trying one after the other would lead nowhere.
    private func giveUp(_ checkpoint: UnusableCheckpoint) throws {
        guard unusable.insert(checkpoint.number).inserted else {
            throw ReplayFailure(
                "Checkpoint \(checkpoint.number) of run \(query.run.id) cannot be used (\(checkpoint.reason)), "
                    + "and the replay's worker asked for it again. Please report this.")
        }
        if checkpoint.concernsRun || unusable.count >= Self.mostUnusable {
            unusable.formUnion(material.history.checkpoints.map(\.number))
            note(
                "none of the checkpoints of run \(query.run.id) can be used (checkpoint \(checkpoint.number): "
                    + "\(checkpoint.reason)); the replay goes through the program from its start. Record the "
                    + "program again for faster answers.")
        } else {
            let damage = try replayer.store.verify(run: query.run.id, checkpoint: checkpoint.number)
            if damage != nil { replayer.forget(query.run.id) }
            note(
                "checkpoint \(checkpoint.number) cannot be used (\(damage ?? checkpoint.reason)); the replay "
                    + "goes on without it")
        }
    }

    /// Each costs another start of the program.
    private static let mostUnusable = 6

    static let refusal =
        "This system gives no copy-on-write view of the file system (user namespaces and overlays), so a "
        + "replay could change your files. `hindsight doctor` says what is missing. To replay all the same, "
        + "give --allow-weak-sandbox (in an editor: the setting allowWeakSandbox)."

    // MARK: - Telling

    private func tell(_ event: ReplayPass.Event, _ pass: borrowing ReplayPass, isTold: Bool) {
        switch event {
        case .note(let text): note(text)
        case .probeFailed(let file, let line, let message):
            tell(.probeFailed(file: file, line: line, message: message))
        case .progress(var progress):
            if !isTold { progress.phase = .checking }
            tell(.progress(progress))
        case .hits(let numbers): if isTold { feed.add(Array(pass.hits[numbers]), of: OrderKey([])) }
        case .whole:
            if isTold, pass.evidence.contradiction == nil { feed.complete() }
        case .settled(let numbers):
            if isTold {
                feed.settle(
                    pass.verdicts(settled: numbers).lazy.map { ($0.number, $0.verdict) }, of: OrderKey([]))
            }
        }
    }

    /// What several passes may tell is told once.
    private func tell(_ event: ReplayEvent) {
        switch event {
        case .note(let text): note(text)
        case .probeFailed(let file, let line, let message):
            if notes.insert("\(file):\(line) \(message)").inserted { emit(event) }
        case .progress(var progress) where isChecking:
            progress.phase = .checking
            emit(.progress(progress))
        default: emit(event)
        }
    }

    /// Notes are told once, however many passes meet the same.
    func note(_ text: String) {
        if notes.insert(text).inserted { emit(.note(text)) }
    }

    private func checkIsAlone() throws {
        let count = query.run.processCount
        guard count > 1 else { return }
        throw ReplayFailure(
            "Run \(query.run.id) is one of \(count) processes that trained together, and a replay of one alone "
                + "would wait for the others. Ask a run that was recorded with one process.")
    }

    private func checkLastIsKnown(_ hits: some Sequence<Hit>) throws {
        guard let loop = selection.loopOfUnknownLength(among: hits) else { return }
        throw ReplayFailure(
            "Run \(query.run.id) did not note how many iterations every '\(loop)' loop had, so it cannot be "
                + "told which was the last; name the iterations by number.")
    }
}

extension Verdict {
    /// Whether asking again would say the same.
    fileprivate var isFinal: Bool {
        switch self {
        case .exact, .diverged: true
        case .provisional, .unverifiable: false
        }
    }
}
