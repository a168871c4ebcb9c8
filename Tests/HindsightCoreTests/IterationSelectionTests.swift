import HindsightCore
import Testing

@Suite struct IterationSelectionTests {
    @Test func parsesRangesListsAndLast() throws {
        let selection = try IterationSelection(parsing: "epoch=30..40, 50,last,step=0,x=3..")
        #expect(
            selection.loops == [
                .init(name: "epoch", parts: [.range(30...40), .range(50...50), .last]),
                .init(name: "step", parts: [.range(0...0)]), .init(name: "x", parts: [.from(3)]),
            ])
    }

    @Test(arguments: ["", "3", "epoch=", "epoch=a", "epoch=-1", "epoch=4..2", "=3"])
    func refusesWhatItCannotRead(_ text: String) {
        #expect(throws: IterationSelectionError.self) { try IterationSelection(parsing: text) }
    }

    @Test func namesOneOfSeveralBoundNames() throws {
        let selection = try IterationSelection(parsing: "i=0")
        #expect(selection.entry(for: "i, (x, y)") != nil)
        #expect(selection.entry(for: "index") == nil)
        #expect(selection.names(unknownAmong: ["epoch", "(i, batch)"]) == [])
        #expect(selection.names(unknownAmong: ["epoch"]) == ["i"])
    }

    @Test func containsOnlyHitsInsideNamedLoops() throws {
        let selection = try IterationSelection(parsing: "epoch=1,last")
        func hit(_ index: Int) -> [Iteration] { [Iteration(loop: "epoch", index: index, value: .null)] }
        #expect(selection.contains(hit(1), isLast: { _ in false }))
        #expect(!selection.contains(hit(2), isLast: { _ in false }))
        #expect(selection.contains(hit(9), isLast: { $0 == 0 }))
        #expect(!selection.contains([], isLast: { _ in true }))
    }
}
