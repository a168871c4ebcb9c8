import HindsightCore
import PythonSource

/// One analyzer for each interpreter; what a run needs to be compared is loaded once.
actor AnalyzerPool {
    private var analyzers: [String: LoadedAnalyzer] = [:]

    func analyzer(of interpreter: String) -> LoadedAnalyzer {
        if let known = analyzers[interpreter] { return known }
        let analyzer = LoadedAnalyzer(interpreter: interpreter)
        analyzers[interpreter] = analyzer
        return analyzer
    }
}

/// An analyzer and the sources that it knows.
actor LoadedAnalyzer {
    private let analyzer: SourceAnalyzer
    /// How many sources of a run are known; a run in progress may load more.
    private var loaded: [RunID: Int] = [:]

    init(interpreter: String) { analyzer = SourceAnalyzer(interpreter: interpreter) }

    func match(_ run: Run, recorded: [RecordedSource], edited: [SourceFile]) async throws -> SourceMatch {
        if loaded[run.id] != recorded.count {
            try await analyzer.load(run: run.id, sources: recorded)
            loaded[run.id] = recorded.count
        }
        return try await analyzer.match(run: run.id, files: edited)
    }

    func expression(in text: String, line: Int, column: Int) async throws -> SourceExpression? {
        try await analyzer.expression(in: text, line: line, column: column)
    }
}
