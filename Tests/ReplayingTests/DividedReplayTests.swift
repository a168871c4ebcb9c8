import Foundation
import HindsightCore
import Testing

@testable import Replaying

/// Replays that several workers share. The fake run's steps have taken a second each, so that there is always
/// enough to share.
@Suite struct DividedReplayTests {
    private static let boundaries: [FakeRun.Place] = [.epoch(0), .epoch(1), .epoch(2), .epoch(3)]

    private static func replayer(_ run: FakeRun, workers: Int = 2) -> Replayer {
        Replayer(store: run.store, settings: ReplaySettings(limits: WorkerLimits(workers: workers)))
    }

    @Test func twoWorkersGiveTheWholeAnswer() async throws {
        let run = try FakeRun(checkpointsAt: Self.boundaries)
        let answer = await Answer(Self.replayer(run).replay(try run.query([8, 11, 14])))
        #expect(answer.failure == nil)
        #expect(answer.isFinished)
        #expect(answer.restarts == 0)
        let epochs = (0..<4).map { e in (1...3).map { "x \(e * 3 + $0)" } + ["x \(e * 3 + 3)"] }
        #expect(answer.texts == epochs.joined() + ["final 12"])
        #expect(answer.verdicts == ["exact"])
        #expect(answer.beginnings.contains("the start"))
        #expect(answer.beginnings.contains { $0.hasPrefix("epoch") })
        #expect(answer.plans.count == 1)
        // Of what was executed from restored states something was checked, and that is kept with the run.
        #expect(try !run.store.verifiedSegments(run: run.run.id).isEmpty)
    }

    @Test func oneWorkerDoesAllWhereNoMoreAreAllowed() async throws {
        let run = try FakeRun(checkpointsAt: Self.boundaries)
        let answer = await Answer(Self.replayer(run, workers: 1).replay(try run.query([8])))
        #expect(answer.beginnings == ["the start"])
        #expect(answer.verdicts == ["exact"])
    }

    @Test func shortReplaysAreNotShared() async throws {
        let run = try FakeRun(checkpointsAt: Self.boundaries, stepSeconds: 0.05)
        let answer = await Answer(Self.replayer(run).replay(try run.query([8])))
        #expect(answer.beginnings == ["the start"])
    }

    @Test func whatCheckpointsDoNotHoldIsFoundOutWhereStretchesMeet() async throws {
        let run = try FakeRun(checkpointsAt: Self.boundaries, fake: "incomplete")
        let answer = await Answer(Self.replayer(run).replay(try run.query([11])))
        #expect(answer.failure == nil)
        #expect(answer.replacements == 1)
        #expect(answer.texts == ["hidden 3", "hidden 6", "hidden 9", "hidden 12"])
        #expect(answer.verdicts == ["exact"])
    }

    @Test func aCheckpointThatBothReadOffVouchesForNothing() async throws {
        // Every loop that the plan skips is skipped by both workers where their stretches meet.
        let run = try FakeRun(
            checkpointsAt: Self.boundaries + (0..<4).map { .stepExit($0) }, fake: "incomplete",
            tailSeconds: 3)
        var settings = ReplaySettings(limits: WorkerLimits(workers: 2))
        settings.validatingPasses = 0
        let answer = await Answer(
            Replayer(store: run.store, settings: settings).replay(try run.query([11])))
        #expect(answer.failure == nil)
        #expect(answer.beginnings.contains { $0.hasPrefix("epoch") })
        // With nobody to validate them, the values that checkpoints gave are found wanting and executed.
        #expect(answer.texts == ["hidden 3", "hidden 6", "hidden 9", "hidden 12"])
        #expect(answer.verdicts == ["exact"])
    }

    @Test func hitsOutOfOrderAreLeftToOneWorker() async throws {
        let run = try FakeRun(checkpointsAt: Self.boundaries, fake: "late")
        let answer = await Answer(Self.replayer(run).replay(try run.query([8, 11])))
        #expect(answer.failure == nil)
        #expect(answer.hits.filter { $0.line == 8 }.count == 12)
        #expect(answer.hits.filter { $0.line == 11 }.count == 4)
    }

    @Test func aDisturbingProbeIsFoundThoughManyWorkersRun() async throws {
        let run = try FakeRun(checkpointsAt: Self.boundaries, fake: "disturb")
        let answer = await Answer(Self.replayer(run).replay(try run.query([11])))
        #expect(answer.failure == nil)
        #expect(answer.hits.count == 4)
        // Nothing had been disturbed when the first was read; nothing that was is told as exact.
        #expect(!answer.hits.dropFirst().contains { $0.verdict == .exact })
    }

    @Test func aWorkerThatDiesIsReplacedAndThenDoneWithout() async throws {
        let run = try FakeRun(checkpointsAt: Self.boundaries, fake: "crash after jumps")
        let answer = await Answer(Self.replayer(run).replay(try run.query([8])))
        #expect(answer.failure == nil)
        #expect(answer.texts == (1...12).map { "x \($0)" })
        #expect(answer.verdicts == ["exact"])
    }

    @Test func anUnusableCheckpointIsDoneWithout() async throws {
        let run = try FakeRun(checkpointsAt: Self.boundaries, fake: "format")
        let answer = await Answer(Self.replayer(run).replay(try run.query([8])))
        #expect(answer.failure == nil)
        #expect(answer.texts == (1...12).map { "x \($0)" })
        #expect(answer.notes.count == 1)
    }

    @Test func noMoreIsGivenThanWasAskedForWhoeverFoundIt() async throws {
        let run = try FakeRun(checkpointsAt: Self.boundaries)
        var query = try run.query([8, 11])
        query.limit = 5
        let answer = await Answer(Self.replayer(run).replay(query))
        #expect(answer.hits.filter { $0.line == 8 }.map(\.text) == (1...5).map { "x \($0)" })
        #expect(answer.hits.filter { $0.line == 11 }.count == 4)
        #expect(answer.notes == ["train.py:8 gave 12"])
        #expect(answer.verdicts == ["exact"])
    }

    @Test func aWorkerThatHangsIsReplacedOnceAndThenTold() async throws {
        let run = try FakeRun(checkpointsAt: [], fake: "hang silently", stepSeconds: 0.001)
        let replayer = Replayer(store: run.store, settings: ReplaySettings(longestSilence: 0.2))
        let answer = await Answer(replayer.replay(try run.query([8])))
        #expect(answer.failure?.description.contains("twice") == true)
        #expect(answer.failure?.output.contains { $0.contains("said nothing") } == true)
    }
}
