import HindsightCore
import Testing

@testable import PythonSource

@Suite("Motion of ranges with edits")
struct OutlineMotionTests {
    typealias Position = OutlineMotion.Position

    private func file() -> SourceMatch.File {
        SourceMatch.File(
            path: "train.py",
            probes: [
                .init(
                    id: "train.py:5:4", line: 5, endLine: 6, column: 4, endColumn: 10, kind: .new,
                    call: "print",
                    function: nil, loops: [], atModuleLevel: true, site: nil)
            ],
            logs: [.init(site: "train.py:2:0", line: 2, endLine: 2, column: 0, endColumn: 8)],
            loops: [.init(loop: LoopID("train.py:4:0"), line: 4, endLine: 6, target: "i")],
            changes: [.init(line: 1, endLine: 1, kind: .training, message: "")]
        )
    }

    private func edit(_ from: (Int, Int), _ to: (Int, Int), _ text: String) -> SourceMatch.File {
        OutlineMotion(
            replacing: Position(line: from.0, column: from.1), to: Position(line: to.0, column: to.1),
            with: text
        ).moved(file())
    }

    @Test("a line inserted before moves what follows")
    func insertion() {
        let moved = edit((3, 0), (3, 0), "x = 1\n")
        #expect(moved.logs[0].line == 2)
        #expect(moved.probes[0].line == 6 && moved.probes[0].endLine == 7)
        #expect(moved.loops[0].line == 5 && moved.loops[0].endLine == 7)
    }

    @Test("a deleted line takes its entries along")
    func deletion() {
        let moved = edit((2, 0), (3, 0), "")
        #expect(moved.logs.isEmpty)
        #expect(moved.probes[0].line == 4)
        #expect(moved.changes[0].line == 1)
    }

    @Test("typing inside a statement makes it longer")
    func inside() {
        let moved = edit((6, 2), (6, 2), "é")
        #expect(moved.probes[0].line == 5 && moved.probes[0].endColumn == 12)
        #expect(edit((5, 7), (5, 7), "\n").probes[0].endLine == 7)
    }

    @Test("typing right before or behind a statement leaves its text alone")
    func edges() {
        #expect(edit((5, 4), (5, 4), "a;").probes[0].column == 6)
        #expect(edit((6, 10), (6, 10), " # why").probes[0].endColumn == 10)
        #expect(edit((2, 8), (2, 8), "\n").logs[0].endLine == 2)
    }

    @Test("replacing a statement's beginning removes it, replacing its end cuts it")
    func overlaps() {
        #expect(edit((5, 0), (5, 6), "").probes.isEmpty)
        #expect(edit((5, 4), (6, 10), "y = 2").probes.isEmpty)
        let cut = edit((6, 1), (7, 3), "")
        #expect(cut.probes[0].endLine == 6 && cut.probes[0].endColumn == 1)
    }

    @Test("a loop inside which lines come and go follows")
    func loops() {
        #expect(edit((5, 0), (6, 0), "").loops[0].endLine == 5)
        #expect(edit((4, 0), (7, 0), "").loops.isEmpty)
    }
}
