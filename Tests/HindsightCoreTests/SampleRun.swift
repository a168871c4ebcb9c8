import HindsightCore

/// A run with an epoch loop and a step loop in it, then a few lines: built by hand, in the runtime's keys.
struct SampleRun {
    static let epoch = LoopID("train.py:5:0")
    static let step = LoopID("train.py:7:4")

    let epochs: Int
    var steps = 3
    var checkpoints: [Checkpoint] = []
    var milestones: [Milestone] = []
    var records: [LogRecord] = []

    let loops = [
        RecordedLoop(id: epoch, line: 5, endLine: 12, target: "epoch"),
        RecordedLoop(id: step, line: 7, endLine: 10, target: "i, batch"),
    ]

    enum Place: Hashable {
        case epoch(Int)
        case epochExit
        case step(Int, Int)
        case stepExit(Int)
    }

    /// The step loop takes ten seconds an iteration; the preamble two.
    init(checkpointsAt places: [Place], damaged: Set<Place> = [], epochs: Int = 4) {
        self.epochs = epochs
        func add(_ place: Place, _ kind: CheckpointKind, _ at: Coordinate, _ key: [Int], _ elapsed: Double) {
            milestones.append(
                Milestone(kind: kind, coordinate: at, order: OrderKey(key), elapsed: elapsed))
            guard places.contains(place) else { return }
            checkpoints.append(
                Checkpoint(
                    number: checkpoints.count, kind: kind, coordinate: at, order: OrderKey(key),
                    elapsed: elapsed, size: 1000, lost: [], isDamaged: damaged.contains(place)))
        }
        for e in 0..<epochs {
            let outer = LoopPosition(loop: Self.epoch, occurrence: 0, index: e)
            let start = 2.0 + Double(e * steps * 10)
            add(.epoch(e), .boundary, [outer], [1, e], start)
            for s in 0..<steps {
                let inner = LoopPosition(loop: Self.step, occurrence: 0, index: s)
                add(.step(e, s), .boundary, [outer, inner], [1, e, 1, s], start + Double(s * 10))
            }
            let inner = LoopPosition(loop: Self.step, occurrence: 0, index: steps)
            add(.stepExit(e), .exit, [outer, inner], [1, e, 1, steps], start + Double(steps * 10))
            records.append(record(line: 11, "loss \(e)", [1, e, 3], epoch: e))
        }
        let end = LoopPosition(loop: Self.epoch, occurrence: 0, index: epochs)
        add(.epochExit, .exit, [end], [1, epochs], 2 + Double(epochs * steps * 10))
        records.append(record(line: 13, "done", [3], epoch: nil))
    }

    func record(line: Int, _ text: String, _ key: [Int], epoch: Int?) -> LogRecord {
        LogRecord(
            site: "train.py:\(line):4", text: text, name: nil, value: .null,
            iterations: epoch.map { [Iteration(loop: "epoch", index: $0, value: .integer($0))] } ?? [],
            order: OrderKey(key))
    }

    func planner(
        execute: Set<LoopID>, probeLoops: [[LoopID]] = [], confinedTo: Set<LoopID>? = nil,
        continuous: Set<LoopID> = [], unusable: Set<Int> = []
    ) -> Planner {
        Planner(
            history: LoopHistory(checkpoints: checkpoints, milestones: milestones), loops: loops,
            execute: execute, probeLoops: probeLoops, confinedTo: confinedTo, continuous: continuous,
            unusable: unusable)
    }

    func checkpoint(_ kind: CheckpointKind, _ key: [Int]) -> Int {
        checkpoints.first { $0.kind == kind && $0.order == OrderKey(key) }!.number
    }
}

/// A coordinate of the sample's loops.
func at(_ epoch: Int, _ step: Int? = nil) -> Coordinate {
    var result = [LoopPosition(loop: SampleRun.epoch, occurrence: 0, index: epoch)]
    if let step { result.append(LoopPosition(loop: SampleRun.step, occurrence: 0, index: step)) }
    return result
}
