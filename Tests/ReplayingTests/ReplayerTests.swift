import Foundation
import HindsightCore
import RunStore
import Testing

@testable import Replaying

@Suite struct ReplayerTests {
    @Test func innerProbeIsExecutedThroughoutAndExact() async throws {
        let run = try FakeRun(checkpointsAt: [.epoch(1), .epoch(3), .epochExit])
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([8])))
        #expect(answer.failure == nil)
        #expect(answer.isFinished)
        #expect(answer.texts == (1...12).map { "x \($0)" })
        #expect(answer.verdicts == ["exact"])
        #expect(answer.hits.first?.iterations.map(\.loop) == ["epoch", "step"])
    }

    @Test func outerProbeSkipsInnerLoopsAndIsExactAfterAValidatingPass() async throws {
        let run = try FakeRun(checkpointsAt: [
            .stepExit(0), .epoch(1), .stepExit(1), .epoch(2), .stepExit(2), .epoch(3), .stepExit(3),
        ])
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([11, 14])))
        #expect(answer.failure == nil)
        #expect(answer.texts == ["x 3", "x 6", "x 9", "x 12", "final 12"])
        #expect(answer.plans.first?.jumps.count == 4)
        #expect(answer.verdicts == ["exact"])
        #expect(answer.restarts == 0)
        #expect(try !run.store.verifiedSegments(run: run.run.id).isEmpty)
    }

    @Test func probesBeforeAndAfterTheLoopAreExact() async throws {
        let run = try FakeRun(checkpointsAt: [.epoch(1), .epoch(3), .epochExit])
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([3, 14])))
        #expect(answer.failure == nil)
        #expect(answer.texts == ["before", "final 12"])
        #expect(answer.verdicts == ["exact"])
    }

    @Test func valuesThatRestoredStateDoesNotHoldAreFoundOut() async throws {
        let run = try FakeRun(
            checkpointsAt: [
                .stepExit(0), .epoch(1), .stepExit(1), .epoch(2), .stepExit(2), .epoch(3), .stepExit(3),
            ], fake: "incomplete")
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([11])))
        #expect(answer.failure == nil)
        // The pass with jumps cannot be believed; the whole run is executed again.
        #expect(answer.replacements == 1)
        #expect(answer.texts == ["hidden 3", "hidden 6", "hidden 9", "hidden 12"])
        #expect(answer.verdicts == ["exact"])
    }

    @Test func aProbeThatDisturbsIsNeverExact() async throws {
        let run = try FakeRun(
            checkpointsAt: [
                .stepExit(0), .epoch(1), .stepExit(1), .epoch(2), .stepExit(2), .epoch(3), .stepExit(3),
            ], fake: "disturb")
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([11])))
        #expect(answer.failure == nil)
        #expect(answer.isFinished)
        #expect(answer.hits.count == 4)
        #expect(!answer.verdicts.contains("exact"))
        #expect(answer.hits.first?.verdict.reason?.contains("first difference") == true)
    }

    @Test func aReplayThatDiffersIsDiverged() async throws {
        let run = try FakeRun(checkpointsAt: [.epoch(1)], fake: "random")
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([8])))
        #expect(answer.failure == nil)
        #expect(answer.verdicts == ["diverged"])
        #expect(answer.hits.first?.verdict.reason?.contains("x: 3 was recorded, 6 found") == true)
    }

    @Test func anotherInterpreterVersionIsUnverifiable() async throws {
        let run = try FakeRun(checkpointsAt: [.epoch(1)], fake: "facts")
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([8])))
        #expect(answer.failure == nil)
        #expect(answer.verdicts == ["unverifiable"])
        #expect(answer.hits.first?.verdict.reason?.contains("python was 3.11") == true)
    }

    @Test func selectionGivesOnlyItsHits() async throws {
        let run = try FakeRun(checkpointsAt: [.epoch(1), .epoch(2), .epoch(3), .epochExit])
        let answer = await Answer(
            Replayer(store: run.store).replay(try run.query([8], iterations: "epoch=2,step=last")))
        #expect(answer.failure == nil)
        #expect(answer.texts == ["x 9"])
        #expect(answer.verdicts == ["exact"])
        let wrong = await Answer(
            Replayer(store: run.store).replay(try run.query([8], iterations: "fold=2")))
        #expect(wrong.failure?.description.contains("no loop over 'fold'") == true)
    }

    @Test func anUnusableCheckpointIsPlannedAround() async throws {
        let run = try FakeRun(
            checkpointsAt: [.stepExit(0), .stepExit(1), .stepExit(2), .stepExit(3)], fake: "unusable")
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([11])))
        #expect(answer.failure == nil)
        #expect(answer.texts == ["x 3", "x 6", "x 9", "x 12"])
        #expect(answer.notes.contains { $0.contains("checkpoint 1 cannot be used") })
        #expect(answer.verdicts == ["exact"])
    }

    @Test func checkpointsOfAnotherFormatAreTriedOnce() async throws {
        let run = try FakeRun(
            checkpointsAt: [.stepExit(0), .stepExit(1), .stepExit(2), .stepExit(3)], fake: "format")
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([11])))
        #expect(answer.failure == nil)
        #expect(answer.texts == ["x 3", "x 6", "x 9", "x 12"])
        #expect(answer.notes.count == 1)
        #expect(answer.notes.first?.contains("none of the checkpoints") == true)
    }

    @Test func aCutOffPackIsPlannedAroundAndMarked() async throws {
        let run = try FakeRun(checkpointsAt: [.stepExit(0), .stepExit(1), .stepExit(2), .stepExit(3)])
        let file = try run.store.stateLocation(of: run.run.id, checkpoint: 2).stream.file
        #expect(truncate(file, 0) == 0)
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([11])))
        #expect(answer.failure == nil)
        #expect(answer.texts == ["x 3", "x 6", "x 9", "x 12"])
        #expect(answer.verdicts == ["exact"])
        #expect(try run.store.checkpoints(of: run.run.id)[2].isDamaged)
    }

    @Test func aCrashIsRetriedOnceAndThenTold() async throws {
        let run = try FakeRun(checkpointsAt: [], fake: "crash")
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([8])))
        #expect(!answer.isFinished)
        #expect(answer.failure?.description.contains("signal 6") == true)
        #expect(answer.failure?.output.contains { $0.contains("Segmentation fault (fake)") } == true)
    }

    @Test func aMissingInterpreterIsToldPlainly() async throws {
        let run = try FakeRun(checkpointsAt: [])
        try FileManager.default.removeItem(atPath: run.run.interpreter)
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([8])))
        #expect(answer.failure?.description.contains(run.run.interpreter) == true)
    }

    @Test func nothingIsWrittenToTheProject() async throws {
        let run = try FakeRun(checkpointsAt: [.epoch(1)], fake: "write")
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([8])))
        #expect(answer.failure == nil)
        #expect(answer.verdicts == ["exact"])
        #expect(FileManager.default.fileExists(atPath: run.root + "/train.py"))
        #expect(!FileManager.default.fileExists(atPath: run.root + "/written.txt"))
    }

    @Test func answersAreKeptAndFollowTheirLines() async throws {
        let run = try FakeRun(checkpointsAt: [.epoch(1)])
        let replayer = Replayer(store: run.store)
        _ = await Answer(replayer.replay(try run.query([8])))
        var moved = try run.query([8])
        moved.match.files[0].probes[0].line = 20
        moved.match.files[0].probes[0].id = "train.py:20:8"
        let answer = await Answer(replayer.replay(moved))
        #expect(answer.failure == nil)
        #expect(answer.plans.isEmpty)
        #expect(answer.texts == (1...12).map { "x \($0)" })
        #expect(Set(answer.hits.map(\.line)) == [20])
        #expect(answer.verdicts == ["exact"])
    }

    @Test func eachProbesAnswerIsKeptWhateverStoodBesideIt() async throws {
        let run = try FakeRun(checkpointsAt: [.epoch(1), .stepExit(2)])
        let replayer = Replayer(store: run.store)
        let both = await Answer(replayer.replay(try run.query([8, 11])))
        #expect(both.verdicts == ["exact"])
        for (line, count) in [(8, 12), (11, 4)] {
            let alone = await Answer(replayer.replay(try run.query([line])))
            #expect(alone.plans.isEmpty)
            #expect(alone.texts == both.hits.filter { $0.line == line }.map(\.text))
            #expect(alone.hits.count == count)
        }
        _ = await Answer(replayer.replay(try run.query([14])))
        let all = await Answer(replayer.replay(try run.query([8, 11, 14])))
        #expect(all.plans.isEmpty)
        #expect(all.texts == both.texts + ["final 12"])
        #expect(all.verdicts == ["exact"])
    }

    @Test func aWholeAnswerHoldsThatOfASelection() async throws {
        let run = try FakeRun(checkpointsAt: [.epoch(1)])
        let replayer = Replayer(store: run.store)
        _ = await Answer(replayer.replay(try run.query([8])))
        for (selection, texts) in [
            ("epoch=1", ["x 4", "x 5", "x 6"]), ("epoch=last,step=0", ["x 10"]), ("step=7", []),
        ] {
            let answer = await Answer(replayer.replay(try run.query([8], iterations: selection)))
            #expect(answer.failure == nil)
            #expect(answer.plans.isEmpty)
            #expect(answer.texts == texts)
        }
    }

    @Test func whatIsBeyondTheLimitIsCounted() async throws {
        let run = try FakeRun(checkpointsAt: [.epoch(1)])
        let replayer = Replayer(store: run.store)
        var query = try run.query([8, 11])
        query.limit = 5
        let answer = await Answer(replayer.replay(query))
        #expect(answer.failure == nil)
        #expect(answer.hits.filter { $0.line == 8 }.map(\.text) == (1...5).map { "x \($0)" })
        #expect(answer.hits.filter { $0.line == 11 }.count == 4)
        #expect(answer.verdicts == ["exact"])
        #expect(answer.notes == ["train.py:8 gave 12"])
        // Such an answer is not taken for the whole.
        let whole = await Answer(replayer.replay(try run.query([8, 11])))
        #expect(whole.hits.count == 16)
        // Only what is asked for counts.
        query.iterations = try IterationSelection(parsing: "epoch=3")
        let last = await Answer(replayer.replay(query))
        #expect(last.hits.count == 4)
        #expect(last.notes.isEmpty)
    }

    @Test func cancellingKillsTheWholeProcessTree() async throws {
        let run = try FakeRun(checkpointsAt: [], fake: "hang")
        let query = try run.query([8])
        let replayer = Replayer(store: run.store)
        let task = Task { await Answer(replayer.replay(query)) }
        #expect(try await Self.happens { Self.processes(mentioning: run.root) > 0 })
        task.cancel()
        _ = await task.value
        #expect(try await Self.happens { Self.processes(mentioning: run.root) == 0 })
    }

    /// Whether something comes true; the limit is long, since it only ends what would never end.
    private static func happens(_ condition: () -> Bool) async throws -> Bool {
        for _ in 0..<10_000 {
            if condition() { return true }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    /// Living processes whose command line holds the text.
    private static func processes(mentioning text: String) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.filter { Int($0) != nil }.filter { name in
            guard let data = FileManager.default.contents(atPath: "/proc/\(name)/cmdline") else {
                return false
            }
            return String(decoding: data, as: UTF8.self).contains(text)
        }.count
    }

    @Test func noProbesIsAnEmptyAnswer() async throws {
        let run = try FakeRun(checkpointsAt: [])
        let answer = await Answer(Replayer(store: run.store).replay(try run.query([])))
        #expect(answer.failure == nil)
        #expect(answer.isFinished)
        #expect(answer.hits.isEmpty)
    }
}
