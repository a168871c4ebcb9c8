import HindsightCore
import Testing

@Suite struct PlannerTests {
    @Test func outerProbeSkipsEveryInnerLoop() {
        let run = SampleRun(checkpointsAt: (0..<4).map { .stepExit($0) })
        let plan = run.planner(execute: [SampleRun.epoch]).plan()
        #expect(plan.jumps.map(\.place) == (0..<4).map { at($0, 0) })
        #expect(plan.jumps.allSatisfy { $0.target == nil })
        #expect(plan.checks.isEmpty)
        #expect(plan.stop == nil)
        #expect(plan.restsOnRestoredState)
        #expect(abs(plan.estimate.executedSeconds - 2) < 0.001)
    }

    @Test func innerProbeExecutesEverythingAndChecksOnTheWay() {
        let run = SampleRun(checkpointsAt: [.epoch(1), .stepExit(2), .epochExit])
        let plan = run.planner(execute: [SampleRun.epoch, SampleRun.step]).plan()
        #expect(plan.jumps.isEmpty)
        #expect(plan.checks == [0, 1, 2])
        #expect(!plan.restsOnRestoredState)
        #expect(abs(plan.estimate.executedSeconds - 122) < 0.001)
    }

    @Test func anExitRightBeforeABoundaryThatIsComparedIsNotCompared() {
        let run = SampleRun(checkpointsAt: [.stepExit(0), .epoch(1), .stepExit(1), .stepExit(2), .epoch(3)])
        let plan = run.planner(execute: [SampleRun.epoch, SampleRun.step]).plan()
        #expect(plan.jumps.isEmpty)
        let compared = [run.checkpoint(.boundary, [1, 1]), run.checkpoint(.exit, [1, 1, 1, 3])]
        #expect(plan.checks == compared + [run.checkpoint(.boundary, [1, 3])])
        // Where the boundary's is damaged, the exit's is what there is.
        let without = run.planner(
            execute: [SampleRun.epoch, SampleRun.step], unusable: [run.checkpoint(.boundary, [1, 1])])
        #expect(without.plan().checks.first == run.checkpoint(.exit, [1, 0, 1, 3]))
    }

    @Test func probeOutsideLoopsSkipsTheOutermostLoop() {
        let run = SampleRun(checkpointsAt: [.epoch(0), .stepExit(0), .epoch(2), .epochExit])
        let plan = run.planner(execute: []).plan()
        #expect(
            plan.jumps == [Jump(place: at(0), target: nil, checkpoint: run.checkpoint(.exit, [1, 4]))])
        // Execution arrives at the loop's first boundary before it jumps: that is evidence for the preamble.
        #expect(plan.checks == [run.checkpoint(.boundary, [1, 0])])
    }

    @Test func loopWithoutExitCheckpointIsEnteredLate() {
        let run = SampleRun(checkpointsAt: [.epoch(1), .epoch(2)])
        let plan = run.planner(execute: []).plan()
        #expect(plan.jumps == [Jump(place: at(0), target: 2, checkpoint: 1)])
        #expect(abs(plan.estimate.executedSeconds - 62) < 0.001)
    }

    @Test func jumpThatCostsMoreToBelieveThanItSavesIsNotTaken() {
        // The only checkpoint is the one jumped to: believing it takes executing all that was jumped over.
        let run = SampleRun(checkpointsAt: [.epoch(2)])
        #expect(run.planner(execute: []).plan().jumps.isEmpty)
    }

    @Test func aPlanEndsWhereNoProbeIsMetAnyMore() throws {
        let run = SampleRun(checkpointsAt: (0..<4).map { .stepExit($0) } + [.epochExit])
        let exit = run.checkpoint(.exit, [1, 4])
        let planner = run.planner(execute: [SampleRun.epoch], confinedTo: [SampleRun.epoch])
        #expect(planner.plan().stop?.order == OrderKey([1, 4]))
        #expect(planner.plan().checks == [exit])
        let division = try #require(planner.division())
        #expect(division.whole == planner.plan())
        #expect(division.cuts.allSatisfy { division.plan(from: $0).stop == division.whole.stop })
        // Where nothing is compared behind the loop, or it may be entered again, the program's end is evidence.
        #expect(run.planner(execute: [SampleRun.epoch]).plan().stop == nil)
        #expect(
            run.planner(execute: [SampleRun.epoch], confinedTo: [SampleRun.epoch], unusable: [exit]).plan()
                .stop
                == nil)
        #expect(
            run.planner(execute: [SampleRun.epoch], confinedTo: [SampleRun.epoch, SampleRun.step]).plan().stop
                == nil)
    }

    @Test func damagedAndUnusableCheckpointsAreLeftOut() {
        let run = SampleRun(
            checkpointsAt: (0..<4).map { .stepExit($0) }, damaged: [.stepExit(1)])
        let plan = run.planner(execute: [SampleRun.epoch], unusable: [2]).plan()
        #expect(plan.jumps.map(\.checkpoint) == [0, 3])
        #expect(plan.checks.isEmpty)
    }

    @Test func checkpointWithLostStateIsOnlyChecked() {
        var run = SampleRun(checkpointsAt: [.epoch(2)])
        run.checkpoints[0].lost = ["it"]
        let plan = run.planner(execute: []).plan()
        #expect(plan.jumps.isEmpty)
        #expect(plan.checks == [0])
    }

    @Test func jumpBeginsWhereGeneratorsRestAsTheyDidInTheRun() {
        var run = SampleRun(checkpointsAt: [.epoch(1), .epoch(2), .epoch(3), .epochExit])
        for index in run.checkpoints.indices { run.checkpoints[index].reachableFrom = 1 }
        let plan = run.planner(execute: []).plan()
        #expect(plan.jumps == [Jump(place: at(1), target: nil, checkpoint: 3)])
        // Execution arrives where the jump begins.
        #expect(plan.checks == [0])
        #expect(abs(plan.estimate.executedSeconds - 32) < 0.001)
    }

    @Test func checkpointIsNoGoalForAJumpThatWouldBeginThere() {
        var run = SampleRun(checkpointsAt: [.epoch(1)])
        run.checkpoints[0].reachableFrom = 1
        let plan = run.planner(execute: []).plan()
        #expect(plan.jumps.isEmpty)
        #expect(plan.checks == [0])
    }

    @Test func selectionJumpsToTheNearestCheckpointAndStopsAtTheNextEvidence() throws {
        let run = SampleRun(checkpointsAt: [.epoch(1), .epoch(2), .epoch(3), .epochExit])
        let planner = run.planner(execute: [SampleRun.epoch, SampleRun.step])
        let plan = planner.plan(selection: try IterationSelection(parsing: "epoch=2"))
        #expect(plan.jumps == [Jump(place: at(0), target: 2, checkpoint: 1)])
        #expect(plan.checks == [2])
        #expect(plan.stop?.coordinate == at(3))
        #expect(plan.stop?.kind == .boundary)
        #expect(abs(plan.estimate.executedSeconds - 32) < 0.001)
    }

    @Test func selectionOfInnerIterationsLeavesTheInnerLoopEarly() throws {
        let run = SampleRun(checkpointsAt: [
            .stepExit(0), .stepExit(1), .stepExit(2), .stepExit(3), .epochExit,
        ])
        let planner = run.planner(execute: [SampleRun.epoch, SampleRun.step])
        let plan = planner.plan(selection: try IterationSelection(parsing: "i=0"))
        #expect(plan.jumps.map(\.place) == [at(0, 1), at(1, 1), at(2, 1)])
        // The last wanted step is followed by execution up to evidence.
        #expect(plan.checks == [run.checkpoint(.exit, [1, 3, 1, 3])])
        #expect(plan.stop?.kind == .exit)
        #expect(plan.stop?.coordinate == at(3, 3))
    }

    @Test func lastIterationIsKnownFromTheExit() throws {
        let run = SampleRun(checkpointsAt: [.epoch(2), .epoch(3), .epochExit])
        let planner = run.planner(execute: [SampleRun.epoch, SampleRun.step])
        let plan = planner.plan(selection: try IterationSelection(parsing: "epoch=last"))
        #expect(plan.jumps == [Jump(place: at(0), target: 3, checkpoint: 1)])
        #expect(plan.checks == [2])
        #expect(plan.stop?.kind == .exit)
    }

    @Test func twoSelectedIterationsAreReachedOneAfterTheOther() throws {
        let run = SampleRun(checkpointsAt: [.epoch(1), .epoch(5), .epoch(6), .epoch(7)], epochs: 8)
        let planner = run.planner(execute: [SampleRun.epoch, SampleRun.step])
        let plan = planner.plan(selection: try IterationSelection(parsing: "epoch=0,6"))
        #expect(plan.jumps == [Jump(place: at(1), target: 6, checkpoint: 2)])
        #expect(plan.checks == [0, 3])
    }

    @Test func innerCheckpointIsReachedThroughTheOuterLoop() throws {
        let run = SampleRun(checkpointsAt: [.epoch(2), .step(2, 2), .epoch(3)])
        let planner = run.planner(execute: [SampleRun.epoch, SampleRun.step])
        let plan = planner.plan(selection: try IterationSelection(parsing: "epoch=2,i=2"))
        #expect(
            plan.jumps == [
                Jump(place: at(0), target: 2, checkpoint: 0),
                Jump(place: at(2, 0), target: 2, checkpoint: 1),
            ])
        #expect(plan.checks == [2])
        #expect(plan.stop?.coordinate == at(3))
    }

    @Test func withoutCheckpointsEverythingIsExecuted() {
        let run = SampleRun(checkpointsAt: [])
        let plan = run.planner(execute: [SampleRun.epoch]).plan()
        #expect(plan.jumps.isEmpty)
        #expect(plan.checks.isEmpty)
    }

    @Test func validationExecutesWhatWasJumpedOver() {
        let run = SampleRun(checkpointsAt: [
            .epoch(1), .stepExit(0), .stepExit(1), .epoch(2), .stepExit(2), .epoch(3), .stepExit(3),
        ])
        let planner = run.planner(execute: [SampleRun.epoch])
        // Hits after the step loop of each epoch, read off its exit checkpoint.
        let jumps = (0..<4).map { e in
            JumpTaken(
                checkpoint: run.checkpoint(.exit, [1, e, 1, 3]), from: OrderKey([1, e, 1, 0]),
                to: OrderKey([1, e, 1, 3]))
        }
        let orders = (0..<4).map { OrderKey([1, $0, 2, 0]) }
        let validation = planner.validation(of: orders, after: jumps)
        let plan = validation?.plan
        // Starts at a boundary's checkpoint, runs one step loop, ends at evidence after the hit.
        #expect(plan?.jumps.count == 1)
        #expect(plan?.jumps.first?.target != nil)
        #expect(plan.map { $0.estimate.executedSeconds < 60 } == true)
        #expect(plan?.stop != nil)
        #expect(plan?.checks.isEmpty == false)
    }

    @Test func validationOfAHitAfterTheLoopRunsTheLastIterations() {
        let run = SampleRun(checkpointsAt: [.epoch(1), .epoch(3), .epochExit])
        let planner = run.planner(execute: [])
        let jump = JumpTaken(checkpoint: 2, from: OrderKey([1, 0]), to: OrderKey([1, 4]))
        let plan = planner.validation(of: [OrderKey([2, 0])], after: [jump])?.plan
        #expect(plan?.jumps == [Jump(place: at(0), target: 3, checkpoint: 1)])
        #expect(plan?.checks == [2])
        #expect(plan?.stop == nil)
    }

    @Test func continuousLoopIsExecutedFromItsStart() throws {
        let run = SampleRun(checkpointsAt: [.epoch(2), .epoch(3), .stepExit(0), .stepExit(1), .stepExit(2)])
        let planner = run.planner(execute: [SampleRun.epoch], continuous: [SampleRun.epoch])
        let plan = planner.plan(selection: try IterationSelection(parsing: "epoch=2"))
        // No jump of the epoch loop; what is nested and carries nothing is still passed over.
        #expect(plan.jumps.map(\.place) == [at(0, 0), at(1, 0), at(2, 0)])
        let validation = planner.plan(executing: OrderKey([1, 1, 1, 0]), through: OrderKey([1, 1, 2, 0]))
        #expect(validation.jumps.map(\.place) == [at(0, 0)])
    }

    @Test func fullPlanNeverJumps() {
        let run = SampleRun(checkpointsAt: [.epoch(1), .stepExit(1), .epochExit])
        let plan = run.planner(execute: []).fullPlan()
        #expect(plan.jumps.isEmpty)
        #expect(plan.checks == [0, 1, 2])
    }

    @Test func aPlanIsDividedAtBoundariesWithCheckpoints() throws {
        let run = SampleRun(checkpointsAt: [
            .epoch(0), .epoch(1), .epoch(2), .step(2, 1), .epoch(3), .epochExit,
        ])
        let division = try #require(run.planner(execute: [SampleRun.epoch, SampleRun.step]).division())
        #expect(division.whole.jumps.isEmpty)
        #expect(division.cuts.map(\.order.components) == [[1, 0], [1, 1], [1, 2], [1, 2, 1, 1], [1, 3]])
        #expect(division.cuts.map(\.seconds) == [2, 32, 62, 72, 92])
        #expect(division.startSeconds == 2)
        #expect(division.lastCheck == OrderKey([1, 4]))
        // The middle of what is left, where either side is worth a worker.
        let cut = division.cut(after: OrderKey([]), before: nil, position: 2, worth: 10)
        #expect(cut?.order == OrderKey([1, 2]))
        #expect(division.cut(after: OrderKey([]), before: cut?.order, position: 2, worth: 10)?.seconds == 32)
        #expect(division.cut(after: OrderKey([1, 1]), before: nil, position: 32, worth: 50) == nil)
        #expect(division.cut(after: OrderKey([1, 2]), before: nil, position: 62, worth: 5)?.seconds == 92)
        #expect(division.seconds(before: OrderKey([1, 1, 1, 2])) == 32)
    }

    @Test func theRestOfAPlanBeginsAtItsCut() throws {
        let run = SampleRun(checkpointsAt: [.epoch(1), .epoch(2), .step(2, 1), .epoch(3), .epochExit])
        let division = try #require(run.planner(execute: [SampleRun.epoch, SampleRun.step]).division())
        let outer = try #require(division.cuts.first { $0.order == OrderKey([1, 3]) })
        let last = division.plan(from: outer)
        #expect(last.jumps == [Jump(place: at(0), target: 3, checkpoint: run.checkpoint(.boundary, [1, 3]))])
        #expect(last.checks == [run.checkpoint(.exit, [1, 4])])
        #expect(abs(last.estimate.executedSeconds - 32) < 0.001)
        // A boundary inside is come to through the outer loop's.
        let inner = try #require(division.cuts.first { $0.order == OrderKey([1, 2, 1, 1]) })
        let rest = division.plan(from: inner)
        #expect(rest.jumps.map(\.place) == [at(0), at(2, 0)])
        #expect(rest.checks == [run.checkpoint(.boundary, [1, 3]), run.checkpoint(.exit, [1, 4])])
    }

    @Test func theRestOfAPlanSkipsWhatTheWholeSkips() throws {
        let run = SampleRun(
            checkpointsAt: (0..<8).map { .stepExit($0) } + (1..<8).map { .epoch($0) }, epochs: 8)
        let division = try #require(run.planner(execute: [SampleRun.epoch]).division())
        #expect(division.whole.jumps.count == 8)
        let cut = try #require(division.cuts.last)
        #expect(division.plan(from: cut).jumps.map(\.place) == [at(0), at(7, 0)])
    }

    @Test func whatCarriesOverIterationsIsNotDivided() {
        let run = SampleRun(checkpointsAt: [.epoch(1), .epoch(2)])
        let planner = run.planner(execute: [SampleRun.epoch], continuous: [SampleRun.epoch])
        #expect(planner.division() == nil)
    }
}
