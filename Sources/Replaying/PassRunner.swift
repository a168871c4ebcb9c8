import Foundation
import HindsightCore
import RunStore
import Synchronization

/// Finds workers for the plans of one query, and follows them.
final class PassRunner: Sendable {
    private let replayer: Replayer
    private let asked: HindsightQuery
    private let material: RecordedMaterial
    private let state = Mutex(State())

    private struct State {
        /// What forked workers cannot answer, fresh ones do.
        var needsFreshWorker = false
        var childDeaths = 0
    }

    init(replayer: Replayer, asked: HindsightQuery, material: RecordedMaterial) {
        self.replayer = replayer
        self.asked = asked
        self.material = material
    }

    /// Whether a worker that stands may answer: starting one more costs next to nothing then.
    func hasStandingWorker(for plan: Plan) -> Bool { standingWorker(for: plan) != nil }

    private var standingWorker: StandingWorker? {
        guard asked.mayUseStandingWorker, !state.withLock({ $0.needsFreshWorker }) else { return nil }
        return replayer.standing.worker(for: material)
    }

    /// A worker has died. Where it happens to children again and again, fresh workers do the rest.
    func noteDeath(isForked: Bool) {
        guard isForked else { return }
        state.withLock { state in
            state.childDeaths += 1
            if state.childDeaths == 2 { state.needsFreshWorker = true }
        }
    }

    func requireFreshWorker() { state.withLock { $0.needsFreshWorker = true } }

    /// Follows a pass to its end with one worker.
    ///
    /// - Parameters:
    ///   - query: what is replayed: what was asked, or some of its groups of probes.
    ///   - tell: hears what the pass tells, on this thread.
    /// - Returns: how it ended, and whether its worker was forked from a standing one.
    func follow(
        _ pass: inout ReplayPass, for query: HindsightQuery, cancellation: Cancellation,
        tell: (ReplayPass.Event, borrowing ReplayPass) -> Void
    ) throws -> (outcome: ReplayPass.Outcome, isForked: Bool) {
        let numbers = Set(pass.plan.jumps.map(\.checkpoint) + pass.plan.checks).sorted()
        var states: [StateLocation] = []
        for number in numbers {
            do {
                states.append(try replayer.store.stateLocation(of: query.run.id, checkpoint: number))
            } catch StoreError.damagedCheckpoint(_, _, let reason) {
                return (.unusable(UnusableCheckpoint(number: number, reason: reason)), false)
            }
        }
        let interpreter = query.run.interpreter
        guard FileManager.default.isExecutableFile(atPath: interpreter) else {
            return (.noProgram(output: ["\(interpreter) is not there"]), false)
        }
        let child = child(for: pass.plan, cancellation)
        let isForked = child != nil
        if cancellation.isCancelled { return (.cancelled, isForked) }
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
        instructions.control = pass.control?.use
        instructions.isPreview = pass.isPreview
        do {
            let file = pass.control?.file.descriptor
            if isForked {
                try worker.connection.write(ChildInstructions(instructions), descriptor: file)
            } else {
                try worker.connection.write(instructions, descriptor: file)
            }
        } catch {
            // It died before it read; what it wrote on the way says why.
            return (cancellation.isCancelled ? .cancelled : ReplayPass.Outcome(ofDead: worker), isForked)
        }
        let outcome = pass.follow(
            worker, cancellation: cancellation, longestSilence: replayer.settings.longestSilence, tell: tell)
        log(pass, outcome, isForked: isForked)
        return (outcome, isForked)
    }

    /// A worker that stands before everything the plan wants.
    private func standingWorker(for plan: Plan) -> StandingWorker? {
        standingWorker.flatMap { worker in
            plan.stop.map { worker.order < $0.order } ?? true ? worker : nil
        }
    }

    private func child(for plan: Plan, _ cancellation: Cancellation) -> ForkedWorker? {
        standingWorker(for: plan)?.fork { cancellation.isCancelled }
    }

    private func log(_ pass: ReplayPass, _ outcome: ReplayPass.Outcome, isForked: Bool) {
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
            "a pass",
            metadata: [
                "run": "\(material.run.id)", "worker": "\(isForked ? "forked" : "fresh")",
                "outcome": "\(outcome)", "hits": "\(counts)",
                "jumps":
                    "\(pass.plan.jumps.map { "\($0.place.map(\.index))→\($0.target.map(String.init) ?? "exit")" })",
                "checks": "\(pass.plan.checks)", "stop": "\(pass.plan.stop?.order.components ?? [])",
                "stretch": "\(pass.stretchText)", "preview": "\(pass.isPreview)",
                "seconds": "\(pass.plan.estimate.seconds)",
                "contradiction": "\(pass.evidence.contradiction ?? "none")",
            ])
    }
}
