import HindsightCore
import Testing

@Suite struct SeparateAnswersTests {
    private func part(_ pass: Int, _ block: String?, _ orders: [[Int]]) -> SeparateAnswers.Part {
        SeparateAnswers.Part(
            pass: pass, block: block,
            hits: orders.enumerated().map { index, order in
                Hit(
                    file: "train.py", line: pass, text: "\(pass).\(index)", iterations: [],
                    order: OrderKey(order), verdict: .exact)
            })
    }

    @Test func differentSlotsNeedNoHelp() {
        let answers = SeparateAnswers([
            part(0, nil, [[1, 0, 2, 0], [1, 1, 2, 0]]), part(1, nil, [[1, 0, 1, 0, 0, 0], [4, 0]]),
        ])
        #expect(answers.canBeTold)
        #expect(answers.merged?.map(\.text) == ["1.0", "0.0", "0.1", "1.1"])
    }

    @Test func statementsOfOneBlockFollowTheText() {
        let slots = [[1, 0, 0, 0], [1, 1, 0, 0]]
        let merged = SeparateAnswers([part(0, "b", slots), part(1, "b", slots)]).merged
        #expect(merged?.map(\.text) == ["0.0", "1.0", "0.1", "1.1"])
        #expect(merged.map { Set($0.map(\.order)).count } == 4)
    }

    @Test func whatElseSharesASlotCannotBeTold() {
        let slot = [[1, 0, 0, 0]]
        #expect(SeparateAnswers([part(0, "b", slot), part(1, "c", slot)]).merged == nil)
        #expect(!SeparateAnswers([part(0, nil, slot), part(1, "c", slot)]).canBeTold)
        // Executed twice in a slot: which came first, the other's or the second of these?
        #expect(SeparateAnswers([part(0, "b", slot + [[1, 0, 0, 1]]), part(1, "b", slot)]).merged == nil)
    }

    @Test func onePassKeepsItsOwnOrder() {
        let parts = [part(0, nil, [[1, 0, 0, 0], [1, 0, 0, 2]]), part(0, nil, [[1, 0, 0, 1]])]
        #expect(SeparateAnswers(parts).merged?.map(\.order.components.last) == [0, 1, 2])
    }
}
