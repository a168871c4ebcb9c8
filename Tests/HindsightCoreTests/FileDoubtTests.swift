import HindsightCore
import Testing

@Suite struct FileDoubtTests {
    private func hit(_ key: [Int]) -> Hit {
        Hit(
            file: "train.py", line: 1, text: "", iterations: [], order: OrderKey(key),
            verdict: .provisional(""))
    }

    @Test func whatPassesEndsWhereTheDataAreKnown() {
        var doubts = [
            FileDoubt(order: OrderKey([2]), reason: "a thread", isJumped: false, passes: true),
            FileDoubt(order: OrderKey([2]), reason: "a file", isJumped: false),
        ]
        #expect(doubts.about(hit([1])).isEmpty)
        doubts.pass(OrderKey([3, 1]))
        #expect(doubts.about(hit([3, 0])) == ["a thread", "a file"])
        #expect(doubts.about(hit([3, 1])) == ["a file"])
        // Told again, since the thread is still there, it ends at a later place.
        doubts.append(FileDoubt(order: OrderKey([3, 1]), reason: "a thread", isJumped: false, passes: true))
        doubts.pass(OrderKey([5]))
        #expect(doubts.about(hit([4])) == ["a file", "a thread"])
        #expect(doubts.about(hit([6])) == ["a file"])
    }

    @Test func oneHitMayBeConcernedAlone() {
        let doubts = [
            FileDoubt(
                order: OrderKey([2, 4]), end: OrderKey([2, 4, 0]), reason: "an address", isJumped: false)
        ]
        #expect(doubts.about(hit([2, 4])) == ["an address"])
        #expect(doubts.about(hit([2, 3])).isEmpty && doubts.about(hit([2, 5])).isEmpty)
    }
}
