import HindsightCore
import LanguageServerProtocol
import Testing

@testable import EditorServer

@Suite struct NumberTests {
    private static let cases: [(String, [(String, Double)])] = [
        ("gnorm 0.731", [("gnorm", 0.731)]),
        ("epoch 3: loss=-0.25, acc 91.5%", [("epoch", 3), ("loss", -0.25), ("acc", 91.5)]),
        ("0x1.8p+1", [("", 3.0)]),
        ("tensor(1.5e-3, requires_grad=True)", [("tensor", 0.0015)]),
        ("took 12ms", [("took", 12)]),
        ("conv1 3x3 1.2.3 v2 info x_1", []),
        ("inf -inf", [("", Double.infinity), ("", -Double.infinity)]),
        ("train/loss: .5 7.", [("train/loss", 0.5), ("", 7)]),
        ("", []),
    ]

    @Test(arguments: cases)
    func numbersAreFoundWithTheirLabels(text: String, expected: [(String, Double)]) {
        let numbers = NumberScanner.numbers(in: text)
        #expect(numbers.map(\.label) == expected.map(\.0))
        #expect(numbers.map(\.value) == expected.map(\.1))
    }

    @Test func notANumberIsFound() {
        #expect(NumberScanner.numbers(in: "loss NaN")[0].value.isNaN)
    }

    @Test func sparklinesShowTheTrend() {
        #expect(Sparkline.draw([1, 2, 3], width: 8) == "▁▅█")
        #expect(Sparkline.draw([5, 5], width: 8) == "▄▄")
        #expect(Sparkline.draw([1, .nan, 3], width: 8) == "▁×█")
        #expect(Sparkline.draw((0..<100).map(Double.init), width: 4) == "▁▃▆█")
        #expect(Sparkline.draw([1], width: 8) == "")
        #expect(Sparkline.draw([-1e308, 1e308], width: 2) == "▁█")
    }
}

@Suite struct SeriesTests {
    private func hit(_ index: Int, _ text: String, name: String? = nil, _ verdict: Verdict = .exact) -> Hit {
        Hit(
            file: "a.py", line: 1, text: text, name: name,
            iterations: [Iteration(loop: "i", index: index, value: .integer(index))],
            order: OrderKey([1, index, 0]), verdict: verdict)
    }

    @Test func hitsComeInAnyOrder() {
        let order = Array(0..<200).shuffled()
        var series = Series()
        for start in stride(from: 0, to: 200, by: 7) {
            series.add(order[start..<min(200, start + 7)].map { hit($0, "x \(Double($0) / 4)") })
        }
        #expect(series.hits.map(\.order.components[1]) == Array(0..<200))
        #expect(series.columns[0].first?.value == 0)
        #expect(series.columns[0].last?.value == 49.75)
        #expect(series.columns[0].minimum == 0)
        #expect(series.columns[0].maximum == 49.75)
        #expect(abs(series.columns[0].mean - 24.875) < 1e-9)
    }

    @Test func theSameHitCountsOnce() {
        var series = Series([hit(0, "x 1", .provisional("why")), hit(1, "x 2")])
        series.add([hit(0, "x 1"), hit(1, "x 3")])
        #expect(series.count == 2)
        #expect(series.columns[0].maximum == 3)
        #expect(series.verdicts.filter { $0.value > 0 } == ["exact": 2])
    }

    @Test func severalNamesAtOnePlaceStay() {
        var series = Series([hit(0, "1", name: "a"), hit(0, "2", name: "b")])
        series.add([hit(0, "3", name: "c")])
        #expect(series.hits.compactMap(\.name) == ["a", "b", "c"])
    }

    @Test func countersAreNoMeasurements() {
        let series = Series((0..<5).map { hit($0, "epoch \($0) loss \(Double($0) + 0.5)") })
        #expect(series.measurements.map(\.label) == ["loss"])
    }
}

@Suite struct PlacementTests {
    private let document = TextDocument("a = 1\nprint(a)\nb = 2\n    print(b)\n")

    private func placements(after range: Range<Int>, _ text: String) -> [Range<Int>] {
        var placements = Placements([
            Placement(statement: .recorded("a"), range: 6..<14),
            Placement(statement: .recorded("b"), range: 25..<33),
        ])
        placements.follow(replacing: range, with: text, in: document)
        return placements.all.map(\.range)
    }

    @Test func editsOnOtherLinesMoveStatements() {
        #expect(placements(after: 0..<1, "alpha") == [10..<18, 29..<37])
        #expect(placements(after: 15..<20, "") == [6..<14, 20..<28])
        #expect(placements(after: 34..<34, "more") == [6..<14, 25..<33])
    }

    @Test func aTouchedLineLosesItsStatement() {
        #expect(placements(after: 6..<6, "# ") == [27..<35])
        #expect(placements(after: 14..<14, "  # remark") == [35..<43])
        #expect(placements(after: 8..<9, "x") == [25..<33])
        #expect(placements(after: 21..<25, "") == [6..<14])
        #expect(placements(after: 0..<34, "") == [])
        // The line break before a statement: its line is joined with the one above.
        #expect(placements(after: 5..<6, "") == [24..<32])
    }

    @Test func wholeLinesComeAndGo() {
        #expect(placements(after: 6..<6, "new()\n") == [12..<20, 31..<39])
        #expect(placements(after: 5..<5, "\nnew()") == [12..<20, 31..<39])
        #expect(placements(after: 14..<14, "\n") == [6..<14, 26..<34])
        #expect(placements(after: 6..<15, "") == [16..<24])
        // The same insertion as a client sees it that compares texts: `print(c)\n` before `print(a)`.
        #expect(placements(after: 12..<12, "c)\nprint(") == [15..<23, 34..<42])
    }
}
