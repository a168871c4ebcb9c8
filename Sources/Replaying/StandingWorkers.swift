import Foundation
import HindsightCore
import RunStore
import Synchronization

/// Keeps the standing worker of the run that was asked about last; ends it when nobody asks any more or
/// memory gets short.
final class StandingWorkers: Sendable {
    typealias Start =
        @Sendable (RecordedMaterial, _ refused: @escaping @Sendable (StandingWorker.Refusal) -> Void)
        throws
        -> StandingWorker?

    private let start: Start
    private let settings: ReplaySettings
    private let state = Mutex(State())

    private struct State {
        var present: (run: RunID, worker: StandingWorker)?
        var lastUse = Date.distantPast
        var isWatched = false
        /// Runs that cannot have one.
        var refused: Set<RunID> = []
        /// How often the worker of a run ended on its way, without saying why.
        var deaths: [RunID: Int] = [:]
    }

    init(settings: ReplaySettings, start: @escaping Start) {
        self.settings = settings
        self.start = start
    }

    deinit { state.withLock { $0.present?.worker.kill() } }

    /// The worker of a run, started where it is not there yet; nil where there can be none.
    @discardableResult
    func worker(for material: RecordedMaterial) -> StandingWorker? {
        // A run in progress grows: what was read of it is old soon.
        guard settings.keepsStandingWorker, material.run.status != .running, material.run.processCount == 1
        else { return nil }
        let run = material.run.id
        return state.withLock { state in
            state.lastUse = Date()
            if let present = state.present, present.run == run, !present.worker.hasEnded,
                present.worker.files == FileThen.needed(of: material, jumping: true)
            {
                return present.worker
            }
            guard !state.refused.contains(run), !SystemMemory.isShort else { return nil }
            // It ends with the last of its children that somebody still listens to.
            state.present = nil
            do {
                let worker = try start(material) { [weak self] in self?.refuse(run, $0) }
                guard let worker else {
                    state.refused.insert(run)
                    return nil
                }
                state.present = (run, worker)
                if !state.isWatched {
                    state.isWatched = true
                    watch()
                }
                return worker
            } catch {
                settings.logger.debug(
                    "no standing worker", metadata: ["run": "\(run)", "reason": "\(error)"])
                state.refused.insert(run)
                return nil
            }
        }
    }

    private func refuse(_ run: RunID, _ refusal: StandingWorker.Refusal) {
        settings.logger.debug(
            "the standing worker does not stand", metadata: ["run": "\(run)", "reason": "\(refusal)"])
        state.withLock { state in
            if case .died = refusal { state.deaths[run, default: 0] += 1 }
            if case .died = refusal, state.deaths[run, default: 0] < 3 { return }
            state.refused.insert(run)
        }
    }

    private func watch() {
        DispatchQueue.global(qos: .utility).asyncAfter(deadline: .now() + 5) { [weak self] in
            guard let self else { return }
            let goesOn = state.withLock { state in
                let isShort = SystemMemory.isShort
                if isShort { state.present?.worker.kill() }
                if isShort || state.lastUse.timeIntervalSinceNow < -settings.idleSeconds {
                    state.present = nil
                }
                state.isWatched = state.present != nil
                return state.isWatched
            }
            if goesOn { watch() }
        }
    }
}
