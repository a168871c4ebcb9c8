import HindsightCore

extension RunStatus {
    /// One word for programs and tables.
    var word: String {
        switch self {
        case .running: "running"
        case .finished: "finished"
        case .raised: "raised"
        case .interrupted: "interrupted"
        }
    }

    var exitCode: Int? {
        if case .finished(let code) = self { code } else { nil }
    }

    /// Why it ended where it did not end by itself.
    var reason: String? {
        switch self {
        case .running, .finished: nil
        case .raised(let text), .interrupted(let text): text
        }
    }

    /// For tables: a failed exit code shows.
    var cell: TextTable.Cell {
        switch self {
        case .running: .init("running", .cyan)
        case .finished(0): .init("finished", .green)
        case .finished(let code): .init("exit \(code)", .yellow)
        case .raised: .init("raised", .red)
        case .interrupted: .init("interrupted", .yellow)
        }
    }
}
