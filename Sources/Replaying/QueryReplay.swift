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
    private let material: RecordedMaterial
    let cancellation: Cancellation
    private let emit: (ReplayEvent) -> Void
    private var unusable: Set<Int> = []
    /// Whether the present pass' worker was forked from a standing one.
    private var isForked = false
    private var childDeaths = 0
    /// What forked workers cannot answer, fresh ones do.
    private var needsFreshWorker = false
    private var notes: Set<String> = []
    /// Ids of probes that others called: alone they would have fewer hits.
    private var nested: Set<String> = []
    /// Whether values rest on files that the run did not use, as they are now.
    private var hasBorrowed = false
    /// The data of the program without probes where one with them differed, by the jumps that led there.
    var references: [[Jump]: ControlFile] = [:]
    /// Verdicts as told, for the hits of the first pass.
    private var told: [Verdict] = []
    /// Numbers of the first pass' hits that the selection wants.
    private var isWanted: [Bool] = []

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
    }

    /// A loop whose last iteration was asked for, and one of whose activations has an unknown length.
    private var loopOfUnknownLength: String?

    func run() throws {
        guard query.match.files.contains(where: { !$0.probes.isEmpty }) else { return emit(.finished) }
        try checkIsAlone()
        let plan = try planner.plan(selection: query.iterations)
        guard var answer = try answer(following: plan, isTold: true) else { return }
        if !plan.jumps.isEmpty,
            try answer.isMisled || (answer.isDoubtful && isWorthStartingAgain(instead: plan))
        {
            note(
                "the values could not be confirmed by starting from checkpoints; the run is executed again "
                    + "from its start")
            withdraw()
            guard let second = try self.answer(following: planner.fullPlan(stop: plan.stop), isTold: true)
            else { return }
            answer = second
        }
        if let judged = try isolated(answer) { return try finish(judged) }
        guard !cancellation.isCancelled else { return }
        try finish(answer)
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
        guard let main = try controlledPass(first, isFirst: isTold) else { return nil }
        var validation = Validation(
            isCaptureVerified: try !replayer.store.verifiedSegments(run: query.run.id).isEmpty,
            obstacles: main.differences, contradiction: main.evidence.contradiction)
        validation.add(main.doubts)
        let findings = main.findings
        keepSegments(main.evidence)
        if !main.evidence.verifiedSegments.isEmpty { validation.captureVerified() }
        var left = replayer.settings.validatingPasses
        var tried: Set<Plan> = []
        while left > 0, let list = validation.unsettled(findings).first {
            left -= 1
            let orders = list.map { main.hits[$0].order }
            guard let next = try planner.validation(of: orders, after: main.evidence.jumps),
                tried.insert(next.plan).inserted
            else { break }
            guard
                let again = try controlledPass(
                    next.plan, isFirst: false, executedFrom: next.executedFrom)
            else { return nil }
            keepSegments(again.evidence)
            validation.add(again.findings, evidence: again.evidence, executedFrom: next.executedFrom)
            validation.add(again.doubts)
            if isTold { tell(validation.verdicts(findings), of: main, isFinal: false) }
        }
        return Answer(
            main: main, verdicts: validation.verdicts(findings),
            isMisled: validation.doubts.contains(where: \.isJumped))
    }

    struct Answer {
        var main: ReplayPass
        var verdicts: [Verdict]
        /// Whether jumps led past writing what the program read later.
        var isMisled: Bool

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
        return try full < 60 || replayer.store.verifiedSegments(run: query.run.id).isEmpty
    }

    private func finish(_ answer: Answer) throws {
        try checkLastIsKnown()
        if answer.main.hits.isEmpty, let contradiction = answer.main.evidence.contradiction {
            let reasons = answer.main.doubts.map(\.reason) + [contradiction]
            throw ReplayFailure(
                "The replay of run \(query.run.id) did not go the way of the run, so it says nothing about "
                    + "these statements; \(reasons.joined(separator: "; ")).", output: answer.main.output)
        }
        if answer.main.evidence.isPastHorizon, case .interrupted(let how) = query.run.status {
            note("run \(query.run.id) was interrupted (\(how)); its values end there")
        }
        tell(answer.verdicts, of: answer.main, isFinal: true)
        let isLimited = tellLimits(answer.main)
        if !isLimited { keeping { try keep(answer) } }
        emit(.finished)
    }

    /// Says where there were more hits than are kept.
    private func tellLimits(_ main: ReplayPass) -> Bool {
        let limited = query.probesInOrder.filter { main.counts[$0.id, default: 0] > query.limit }
        for probe in limited {
            emit(.limited(file: probe.file, line: probe.line, count: main.counts[probe.id, default: 0]))
        }
        return !limited.isEmpty
    }

    private func keep(_ answer: Answer) throws {
        guard query.run.status != .running, !hasBorrowed, answer.main.evidence.firstContradiction == nil,
            answer.verdicts.allSatisfy({ verdict in
                switch verdict {
                case .exact, .diverged: true
                case .provisional, .unverifiable: false
                }
            })
        else { return }
        let wanted = answer.main.hits.indices.filter { isWanted[$0] }
        let kept = wanted.map { number in
            var hit = answer.main.hits[number]
            hit.verdict = answer.verdicts[number]
            return hit
        }
        try replayer.keep(
            kept, of: wanted.map { answer.main.probes[$0] }, nested: nested, for: asked)
    }

    /// An answer that was put together from several: told at once.
    private func finish(_ judged: [Judged]) throws {
        let wanted = judged.filter { isSelected($0.hit) }
        try checkLastIsKnown()
        withdraw()
        emit(.hits(wanted.map(\.hit)))
        let isFinal = wanted.allSatisfy { judged in
            switch judged.hit.verdict {
            case .exact, .diverged: true
            case .provisional, .unverifiable: false
            }
        }
        if isFinal, !hasBorrowed, asked.run.status != .running {
            keeping {
                try replayer.keep(
                    wanted.map(\.hit), of: wanted.map(\.statement), nested: nested, for: asked)
            }
        }
        emit(.finished)
    }

    private func keepSegments(_ evidence: Evidence) {
        keeping {
            for segment in evidence.verifiedSegments {
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

    /// One pass to its end, planned again where a checkpoint cannot be used, started again once where the
    /// worker dies; nil where the query was cancelled.
    func pass(
        _ first: Plan, isFirst: Bool, executedFrom: OrderKey? = nil, control: ControlFile.Task? = nil
    ) throws -> ReplayPass? {
        var plan = first
        var deaths = 0
        while !cancellation.isCancelled {
            if isFirst { emit(.planned(plan)) }
            // What confirms hits is not shown, and ends where they do.
            var pass = ReplayPass(
                plan: plan, material: material, executedFrom: executedFrom,
                limit: isFirst ? query.limit : .max, isWanted: { self.isSelected($0) })
            let outcome = try follow(&pass, isFirst: isFirst, control: control)
            log(pass, outcome, isFirst: isFirst)
            switch outcome {
            case .completed:
                nested.formUnion(pass.nested)
                hasBorrowed = hasBorrowed || pass.hasBorrowed
                return pass
            case .cancelled: return nil
            case .unusable(let checkpoint):
                try giveUp(checkpoint)
                if isFirst {
                    withdraw()
                    plan = try planner.plan(selection: query.iterations)
                } else if let from = executedFrom {
                    plan = try planner.plan(executing: from, through: first.stop?.order ?? from)
                } else {
                    plan = try planner.fullPlan(stop: first.stop)
                }
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
                needsFreshWorker = true
                if isFirst { withdraw() }
            case .died where isForked:
                childDeaths += 1
                if childDeaths == 2 { needsFreshWorker = true }
                if isFirst { withdraw() }
            case .died(let status, let output):
                deaths += 1
                guard deaths < 2 else {
                    let how = status > 128 ? "signal \(status - 128)" : "exit status \(status)"
                    throw ReplayFailure(
                        "The replay of run \(query.run.id) ended unexpectedly, twice (\(how)).",
                        output: output)
                }
                if isFirst { withdraw() }
            }
        }
        return nil
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

    private func log(_ pass: ReplayPass, _ outcome: ReplayPass.Outcome, isFirst: Bool) {
        var counts: [String: Int] = [:]
        for standing in pass.standings {
            switch standing {
            case .confirmed: counts["confirmed", default: 0] += 1
            case .unopposed: counts["unopposed", default: 0] += 1
            case .unwatched: counts["unwatched", default: 0] += 1
            case .contradicted: counts["contradicted", default: 0] += 1
            }
        }
        replayer.settings.logger.debug(
            "\(isFirst ? "first" : "validating") pass",
            metadata: [
                "run": "\(query.run.id)", "worker": "\(isForked ? "forked" : "fresh")",
                "outcome": "\(outcome)", "hits": "\(counts)",
                "jumps":
                    "\(pass.plan.jumps.map { "\($0.place.map(\.index))→\($0.target.map(String.init) ?? "exit")" })",
                "checks": "\(pass.plan.checks)", "stop": "\(pass.plan.stop?.order.components ?? [])",
                "seconds": "\(pass.plan.estimate.seconds)",
                "contradiction": "\(pass.evidence.contradiction ?? "none")",
            ])
    }

    static let refusal =
        "This system gives no copy-on-write view of the file system (user namespaces and overlays), so a "
        + "replay could change your files. `hindsight doctor` says what is missing. To replay all the same, "
        + "give --allow-weak-sandbox (in an editor: the setting allowWeakSandbox)."

    private func follow(
        _ pass: inout ReplayPass, isFirst: Bool, control: ControlFile.Task?
    ) throws -> ReplayPass.Outcome {
        let numbers = Set(pass.plan.jumps.map(\.checkpoint) + pass.plan.checks).sorted()
        var states: [StateLocation] = []
        for number in numbers {
            do {
                states.append(try replayer.store.stateLocation(of: query.run.id, checkpoint: number))
            } catch StoreError.damagedCheckpoint(_, _, let reason) {
                return .unusable(UnusableCheckpoint(number: number, reason: reason))
            }
        }
        let interpreter = query.run.interpreter
        guard FileManager.default.isExecutableFile(atPath: interpreter) else {
            return .noProgram(output: ["\(interpreter) is not there"])
        }
        let child = child(for: pass.plan)
        isForked = child != nil
        if cancellation.isCancelled { return .cancelled }
        let isWeak = replayer.sandboxRefused.withLock { $0 } && replayer.settings.sandbox == .allowWeak
        let worker: any ReplayWorker =
            if let child { child } else { try replayer.workers.process(for: material, isWeak: isWeak) }
        cancellation.add(worker)
        defer {
            worker.kill()
            cancellation.remove(worker)
        }
        var instructions = WorkerInstructions(
            root: query.run.root,
            sources: WorkerInstructions.Source.all(recorded: material.sources, edited: query.edited),
            groups: asked.match.groups.isEmpty ? nil : query.match.groups.map(\.key),
            recorded: material, plan: pass.plan, states: states, isPrivate: !isWeak)
        instructions.control = control?.use
        do {
            let file = control?.file.descriptor
            if isForked {
                try worker.connection.write(ChildInstructions(instructions), descriptor: file)
            } else {
                try worker.connection.write(instructions, descriptor: file)
            }
        } catch {
            // It died before it read; what it wrote on the way says why.
            return cancellation.isCancelled
                ? .cancelled : ReplayPass.Outcome(ofDead: worker)
        }
        return pass.follow(worker, cancellation: cancellation) { event, pass in
            self.tell(event, pass, isFirst: isFirst)
        }
    }

    /// A child of a worker that stands before everything the plan wants; nil where there is none.
    private func child(for plan: Plan) -> ForkedWorker? {
        guard query.mayUseStandingWorker, !needsFreshWorker,
            let worker = replayer.standing.worker(for: material),
            plan.stop.map({ worker.order < $0.order }) ?? true
        else { return nil }
        return worker.fork { cancellation.isCancelled }
    }

    // MARK: - Telling

    private func tell(_ event: ReplayPass.Event, _ pass: borrowing ReplayPass, isFirst: Bool) {
        switch event {
        case .note(let text): note(text)
        case .probeFailed(let file, let line, let message):
            if notes.insert("\(file):\(line) \(message)").inserted {
                emit(.probeFailed(file: file, line: line, message: message))
            }
        case .progress(var progress):
            if !isFirst { progress.phase = .checking }
            emit(.progress(progress))
        case .hits(let range):
            guard isFirst else { return }
            var batch: [Hit] = []
            for number in range {
                let hit = pass.hits[number]
                told.append(hit.verdict)
                isWanted.append(isSelected(hit))
                if isWanted[number] { batch.append(hit) }
            }
            if !batch.isEmpty { emit(.hits(batch)) }
        case .settled(let numbers):
            // Without a word about what it runs on, a pass confirms nothing yet.
            guard isFirst, pass.differences.isEmpty else { return }
            var updates: [VerdictUpdate] = []
            for number in numbers where number < told.count {
                guard pass.doubts.about(pass.hits[number]).isEmpty else { continue }
                switch pass.standings[number] {
                case .confirmed: update(number, .exact, pass.hits[number], &updates)
                case .contradicted(let reason): update(number, .diverged(reason), pass.hits[number], &updates)
                case .unopposed, .unwatched: break
                }
            }
            if !updates.isEmpty { emit(.verdicts(updates)) }
        }
    }

    /// Tells the verdicts that changed.
    private func tell(_ verdicts: [Verdict], of main: ReplayPass, isFinal: Bool) {
        var updates: [VerdictUpdate] = []
        for (number, verdict) in verdicts.enumerated() {
            // Only the last word may say that nothing could be found out.
            if !isFinal, case .provisional = verdict { continue }
            update(number, verdict, main.hits[number], &updates)
        }
        if !updates.isEmpty { emit(.verdicts(updates)) }
    }

    private func update(_ number: Int, _ verdict: Verdict, _ hit: Hit, _ updates: inout [VerdictUpdate]) {
        guard told[number] != verdict else { return }
        told[number] = verdict
        guard isWanted[number] else { return }
        updates.append(VerdictUpdate(order: hit.order, file: hit.file, line: hit.line, verdict: verdict))
    }

    private func withdraw() {
        guard !told.isEmpty else { return }
        told.removeAll()
        isWanted.removeAll()
        emit(.restarted)
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

    // MARK: - Selection

    private func checkLastIsKnown() throws {
        guard let loop = loopOfUnknownLength else { return }
        throw ReplayFailure(
            "Run \(query.run.id) did not note how many iterations every '\(loop)' loop had, so it cannot be "
                + "told which was the last; name the iterations by number.")
    }

    private func isSelected(_ hit: Hit) -> Bool {
        guard let selection = query.iterations else { return true }
        let key = hit.order.components
        return selection.contains(hit.iterations) { depth in
            let last =
                key.count > 2 * depth + 1
                ? material.history.lastIndex(ofActivation: Array(key[...(2 * depth)])) : nil
            if last == nil { loopOfUnknownLength = hit.iterations[depth].loop }
            return last == hit.iterations[depth].index
        }
    }
}
