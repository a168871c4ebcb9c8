import HindsightCore
import Testing

@Suite struct EvidenceTests {
    let run = SampleRun(checkpointsAt: [.epoch(1), .stepExit(1), .epoch(2), .epochExit])

    func evidence(_ plan: Plan = Plan(), status: RunStatus = .finished(exitCode: 0)) -> Evidence {
        Evidence(records: run.records, status: status, horizon: nil, plan: plan)
    }

    func hit(_ key: [Int], _ text: String = "x") -> Hit {
        Hit(
            file: "train.py", line: 8, text: text, iterations: [], order: OrderKey(key),
            verdict: .provisional(""))
    }

    func log(_ record: LogRecord, text: String? = nil) -> ReplayObservation {
        .log(
            site: record.site, text: text ?? record.text, name: record.name, value: record.value,
            order: record.order)
    }

    @Test func goodCheckConfirms() {
        var evidence = evidence()
        #expect(evidence.observe(.hit(hit([1, 0, 1, 0, 0, 0]))).isEmpty)
        #expect(evidence.observe(log(run.records[0])).isEmpty)
        let settled = evidence.observe(.check(checkpoint: 0, order: OrderKey([1, 1]), difference: nil))
        #expect(settled == [.init(hit: 0, standing: .confirmed)])
    }

    @Test func differentMissingAndExtraRecordsContradict() {
        var different = evidence()
        _ = different.observe(.hit(hit([1, 0, 0, 0])))
        let settled = different.observe(log(run.records[0], text: "loss 7"))
        #expect(
            settled == [
                .init(
                    hit: 0,
                    standing: .contradicted(
                        "first difference: train.py:11 at epoch 0: recorded \"loss 0\", replayed \"loss 7\""))
            ])
        // From there on nothing is believed, not even after a check that finds no difference.
        _ = different.observe(.check(checkpoint: 0, order: OrderKey([1, 1]), difference: nil))
        guard case .contradicted = different.observe(.hit(hit([1, 1, 0, 0]))).first?.standing else {
            Issue.record("a hit after a difference must be contradicted")
            return
        }

        var missing = evidence()
        _ = missing.observe(.hit(hit([1, 0, 0, 0])))
        _ = missing.observe(.check(checkpoint: 0, order: OrderKey([1, 1]), difference: nil))
        #expect(missing.contradiction?.contains("the replay did not") == true)

        var extra = evidence()
        _ = extra.observe(
            .log(site: "train.py:3:0", text: "hello", name: nil, value: .null, order: OrderKey([1, 0, 1])))
        #expect(extra.contradiction?.contains("the run did not") == true)
    }

    @Test func addressesInTextsAreNoDifference() {
        var run = run
        run.records[0].text = "<Net object at 0x7f12ab> 0x1"
        var same = Evidence(records: run.records, status: .finished(exitCode: 0), horizon: nil, plan: Plan())
        _ = same.observe(log(run.records[0], text: "<Net object at 0x55cdefa> 0x1"))
        #expect(same.contradiction == nil)
        var other = Evidence(records: run.records, status: .finished(exitCode: 0), horizon: nil, plan: Plan())
        _ = other.observe(log(run.records[0], text: "<Net object at 0x7f12ab> 0x2"))
        #expect(other.contradiction != nil)
    }

    /// Two hits, the second behind probes that nobody watched, up to the program's end.
    private func unwatched() -> Evidence {
        var evidence = Evidence(
            records: [], status: .finished(exitCode: 0), horizon: nil, plan: Plan())
        _ = evidence.observe(.hit(hit([1, 0, 0, 0])))
        _ = evidence.observe(.unwatched(reason: "too often", order: OrderKey([1, 1])))
        _ = evidence.observe(.hit(hit([1, 2, 0, 0])))
        let settled = evidence.observe(.end(.finished(exitCode: 0)))
        #expect(settled.map(\.standing) == [.confirmed, .unwatched("too often")])
        #expect(evidence.awaitsControl)
        return evidence
    }

    @Test func aReplayWithoutTheProbesStandsInForWatchingThem() {
        var same = unwatched()
        #expect(
            same.observeControl(OrderKey([1, 3]), nil) == [.init(hit: 1, standing: .confirmed)])
        #expect(same.contradiction == nil && !same.awaitsControl)

        var early = unwatched()
        #expect(early.observeControl(OrderKey([1, 1]), nil).isEmpty)

        var other = unwatched()
        let settled = other.observeControl(OrderKey([1, 3]), "model.training: False")
        #expect(settled.map(\.hit) == [1])
        #expect(other.firstContradiction?.contains("model.training") == true && !other.awaitsControl)
    }

    @Test func whatIsNotWatchedAfterAComparisonIsNotConfirmedByIt() {
        var evidence = Evidence(
            records: [], status: .finished(exitCode: 0), horizon: nil, plan: Plan())
        _ = evidence.observe(.unwatched(reason: "first", order: OrderKey([1, 0])))
        _ = evidence.observe(.hit(hit([1, 0, 0, 0])))
        _ = evidence.observe(.control(order: OrderKey([1, 1]), difference: nil))
        _ = evidence.observe(.hit(hit([1, 1, 0, 0])))
        _ = evidence.observe(.unwatched(reason: "second", order: OrderKey([1, 2])))
        _ = evidence.observe(.hit(hit([1, 2, 0, 0])))
        let settled = evidence.observe(.end(.finished(exitCode: 0)))
        #expect(settled.map(\.standing) == [.confirmed, .confirmed, .unwatched("second")])
    }

    @Test func whatIsNotWatchedIsNotConfirmed() {
        let unwatched = ReplayObservation.unwatched(reason: "too large", order: OrderKey([1, 0, 2]))
        // The run may also have raised, or been interrupted: then nothing tells of its end.
        let ends: [(RunStatus, OrderKey?, ReplayObservation)] = [
            (.finished(exitCode: 0), nil, .end(.finished(exitCode: 0))),
            (.raised(exception: "E"), nil, .end(.raised(exception: "E"))),
            (.interrupted("SIGKILL"), OrderKey([1, 0, 5]), .passed(OrderKey([1, 1]))),
        ]
        for (status, horizon, end) in ends {
            let records = horizon == nil ? [] : [run.records[0]]
            var evidence = Evidence(records: records, status: status, horizon: horizon, plan: Plan())
            _ = evidence.observe(.hit(hit([1, 0, 0, 1])))
            _ = evidence.observe(unwatched)
            _ = evidence.observe(.hit(hit([1, 0, 2, 1])))
            for record in records { _ = evidence.observe(log(record)) }
            let standings = evidence.observe(end).map(\.standing)
            #expect(standings == [.confirmed, .unwatched("too large")], "\(status)")
        }
    }

    @Test func dataMadeAsRecordedEndTheDoubt() {
        var evidence = evidence()
        #expect(evidence.observe(.hit(hit([1, 0, 1, 0, 0, 0]))).isEmpty)
        let order = OrderKey([1, 1])
        _ = evidence.observe(log(run.records[0]))
        let settled = evidence.observe(.check(checkpoint: 0, order: order, difference: "name: 'a', 'b'"))
        guard case .contradicted = settled.first?.standing else {
            Issue.record("what led to a difference is not as recorded")
            return
        }
        _ = evidence.observe(.aligned(order))
        #expect(evidence.observe(.hit(hit([1, 1, 0, 0]))).isEmpty)
        #expect(evidence.contradiction == nil && evidence.firstContradiction != nil)
    }

    @Test func failedCheckContradictsOnlySinceTheLastGoodOne() {
        var evidence = evidence()
        _ = evidence.observe(.hit(hit([1, 0, 0, 0])))
        _ = evidence.observe(log(run.records[0]))
        _ = evidence.observe(.check(checkpoint: 0, order: OrderKey([1, 1]), difference: nil))
        _ = evidence.observe(.hit(hit([1, 1, 0, 0])))
        let settled = evidence.observe(
            .check(checkpoint: 1, order: OrderKey([1, 1, 1, 3]), difference: "model.weight: differs"))
        #expect(settled.map(\.hit) == [1])
        #expect(evidence.contradiction?.contains("model.weight") == true)
    }

    @Test func hitsAfterARestoreNeedMoreThanACheck() {
        let plan = Plan(jumps: [Jump(place: at(1, 0), target: nil, checkpoint: 1)])
        var evidence = evidence(plan)
        _ = evidence.observe(log(run.records[0]))
        _ = evidence.observe(
            .jump(JumpTaken(checkpoint: 1, from: OrderKey([1, 1, 1, 0]), to: OrderKey([1, 1, 1, 3]))))
        _ = evidence.observe(.hit(hit([1, 1, 2, 0])))
        _ = evidence.observe(log(run.records[1]))
        let settled = evidence.observe(.check(checkpoint: 2, order: OrderKey([1, 2]), difference: nil))
        #expect(settled == [.init(hit: 0, standing: .unopposed)])
        #expect(evidence.verifiedSegments.isEmpty)
    }

    @Test func jumpResynchronisesAfterADifference() {
        let plan = Plan(jumps: [Jump(place: at(1), target: 2, checkpoint: 2)])
        var evidence = evidence(plan)
        _ = evidence.observe(log(run.records[0], text: "other"))
        _ = evidence.observe(
            .jump(JumpTaken(checkpoint: 2, from: OrderKey([1, 1]), to: OrderKey([1, 2]))))
        _ = evidence.observe(.hit(hit([1, 2, 0, 0])))
        _ = evidence.observe(log(run.records[2]))
        _ = evidence.observe(log(run.records[3]))
        let settled = evidence.observe(.check(checkpoint: 3, order: OrderKey([1, 4]), difference: nil))
        // Nothing opposes it, but it was perhaps only read off what was restored.
        #expect(settled == [.init(hit: 0, standing: .unopposed)])
        #expect(evidence.verifiedSegments.map(\.from) == [2])
    }

    @Test func executionAcrossAJumpConfirms() {
        let plan = Plan(jumps: [Jump(place: at(1), target: 2, checkpoint: 2)])
        var evidence = Evidence(
            records: run.records, status: .finished(exitCode: 0), horizon: nil, plan: plan,
            executedFrom: OrderKey([1, 2]))
        _ = evidence.observe(log(run.records[0]))
        _ = evidence.observe(
            .jump(JumpTaken(checkpoint: 2, from: OrderKey([1, 1]), to: OrderKey([1, 2]))))
        _ = evidence.observe(.hit(hit([1, 2, 0, 0])))
        _ = evidence.observe(log(run.records[2]))
        _ = evidence.observe(log(run.records[3]))
        let settled = evidence.observe(.check(checkpoint: 3, order: OrderKey([1, 4]), difference: nil))
        #expect(settled == [.init(hit: 0, standing: .confirmed)])
    }

    @Test func recordedEndConfirmsAndAnotherEndContradicts() {
        var same = evidence()
        for record in run.records { _ = same.observe(log(record)) }
        _ = same.observe(.hit(hit([4, 0])))
        #expect(
            same.observe(.end(.finished(exitCode: 0))) == [.init(hit: 0, standing: .confirmed)])

        var other = evidence()
        for record in run.records { _ = other.observe(log(record)) }
        _ = other.observe(.hit(hit([4, 0])))
        _ = other.observe(.end(.raised(exception: "ValueError: x")))
        #expect(other.contradiction?.contains("ValueError: x") == true)
    }

    @Test func interruptedRunAnswersUpToWhereItCame() {
        var evidence = Evidence(
            records: Array(run.records.prefix(2)), status: .interrupted("SIGINT"),
            horizon: OrderKey([1, 2]), plan: Plan())
        _ = evidence.observe(.hit(hit([1, 0, 2, 0])))
        _ = evidence.observe(log(run.records[0]))
        _ = evidence.observe(log(run.records[1]))
        _ = evidence.observe(.hit(hit([1, 1, 4, 0])))
        let settled = evidence.observe(.passed(OrderKey([1, 3])))
        #expect(evidence.isPastHorizon)
        #expect(
            settled == [.init(hit: 0, standing: .confirmed), .init(hit: 1, standing: .unopposed)])
    }
}

@Suite struct ValidationTests {
    let empty = Evidence(records: [], status: .finished(exitCode: 0), horizon: nil, plan: Plan())

    func finding(
        _ index: Int, _ text: String, of statement: String = "train.py:8:4",
        _ standing: Standing = .unopposed
    ) -> Finding {
        let slot = statement == "train.py:8:4" ? 1 : 2
        let hit = Hit(
            file: "train.py", line: 8, text: text, iterations: [], order: OrderKey([1, index, 2, slot]),
            verdict: .provisional(""))
        return Finding(hit, of: statement, standing)
    }

    func validation(contradiction: String? = nil, obstacles: [String] = []) -> Validation {
        Validation(isCaptureVerified: true, obstacles: obstacles, contradiction: contradiction)
    }

    @Test func oneEqualHitByExecutionProvesTheStatement() {
        var validation = validation()
        let findings = [finding(0, "a"), finding(1, "b")]
        #expect(validation.unsettled(findings) == [[0, 1]])
        validation.add(
            [finding(1, "b", .confirmed)], contradiction: empty.contradiction, executedFrom: OrderKey([1, 1]))
        #expect(validation.verdicts(findings) == [.exact, .exact])
        #expect(validation.unsettled(findings).isEmpty)
    }

    @Test func aStatementDoesNotVouchForAnotherOnItsLine() {
        var validation = validation()
        let other = "train.py:8:14"
        let findings = [finding(0, "a"), finding(0, "c", of: other), finding(1, "b")]
        #expect(validation.unsettled(findings) == [[0, 2], [1]])
        validation.add(
            [finding(0, "a", .confirmed)], contradiction: empty.contradiction, executedFrom: OrderKey([1, 0]))
        #expect(validation.verdicts(findings).map(\.name) == ["exact", "provisional", "exact"])
        #expect(validation.unsettled(findings) == [[1]])
    }

    @Test func aPassThatWentWrongProvesOnlyWhatWasExecutedAgain() {
        var validation = validation(contradiction: "first difference: x")
        let findings = [finding(0, "a", .confirmed), finding(1, "b"), finding(2, "c")]
        #expect(validation.unsettled(findings).isEmpty)
        validation.add(
            [finding(1, "b", .confirmed)], contradiction: empty.contradiction, executedFrom: OrderKey([1, 1]))
        let verdicts = validation.verdicts(findings)
        #expect(verdicts == [.exact, .exact, .diverged("first difference: x")])
    }

    @Test func anUnequalHitSpoilsTheStatement() {
        var validation = validation()
        validation.add(
            [finding(1, "c", .confirmed)], contradiction: empty.contradiction, executedFrom: OrderKey([1, 1]))
        let verdicts = validation.verdicts([finding(0, "a"), finding(1, "b")])
        #expect(verdicts.map(\.name) == ["diverged", "diverged"])
    }

    @Test func withoutProofNothingIsExact() {
        #expect(validation().verdicts([finding(0, "a")])[0].name == "provisional")
        #expect(validation().verdicts([finding(0, "a", .confirmed)]) == [.exact])
    }

    @Test func obstaclesMakeValuesUnverifiable() {
        let validation = validation(obstacles: ["threads"])
        #expect(validation.verdicts([finding(0, "a", .confirmed)]) == [.unverifiable("threads")])
        let wrong = validation.verdicts([finding(0, "a", .contradicted("first difference: x"))])
        #expect(wrong == [.unverifiable("threads; first difference: x")])
    }
}
