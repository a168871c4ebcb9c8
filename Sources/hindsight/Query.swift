import ArgumentParser
import Foundation
import HindsightCore
import PythonSource
import Replaying
import RunStore

struct Query: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer the new and changed log statements of source files from a past run.",
        discussion: """
            Add a log statement to a file of a recorded program, anywhere, and name the file here. The run is \
            replayed in a sandbox, as little of it as is needed, and what the statement would have printed is \
            printed, with a verdict for every value.
            """
    )

    @Argument(help: ArgumentHelp("Edited source files of the program.", valueName: "file"))
    var files: [String]

    @Option(
        help: ArgumentHelp(
            "Ask this run (its id, the beginning of it, or its name) instead of the newest.", valueName: "run"
        ))
    var run: String?

    @Option(
        help: ArgumentHelp(
            "Only these iterations, counted from 0: epoch=3, epoch=30..40,step=0, epoch=0,5,last.",
            valueName: "spec"), transform: { try IterationSelection(parsing: $0) })
    var iterations: IterationSelection?

    @Option(
        help: ArgumentHelp(
            "How many values of each statement are printed at most; all are counted.", valueName: "count"))
    var limit = HindsightQuery.usualLimit

    @Option(help: "How to print the values: text, jsonl or csv.")
    var format = QueryFormat.text

    @Flag(
        help: "Replay even where this system gives no copy-on-write view: the program may then change files.")
    var allowWeakSandbox = false

    @OptionGroup var workers: WorkerOptions

    @OptionGroup var store: StoreOption

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is a number above 0, not \(limit)") }
    }

    func run() async throws {
        let location = try storeLocation()
        guard let store = try Store.openExisting(location) else {
            throw CommandFailure("\(StoreError.noRuns(directory: location.root))".capitalizedFirst + ".")
        }
        // Before anything in it is believed: it names the interpreter that is started next.
        guard StoreRegistry.ofUser().trusts(store) else {
            let refusal = StoreError.untrusted(directory: location.directory)
            throw CommandFailure("\(refusal)".capitalizedFirst + ".")
        }
        var paths: [String] = []
        for file in files {
            let path = try QuerySources.path(of: file, in: location)
            if !paths.contains(path) { paths.append(path) }
        }
        let comparison = try await comparison(of: paths, in: store, location)
        let (run, match) = (comparison.run, comparison.match)
        try tellChanges(comparison, asked: paths)
        let asked = match.files.filter { paths.contains($0.path) }.flatMap { $0.probes.map(\.id) }
        guard !asked.isEmpty else { return }
        // Probes in other files are answered when those are asked about.
        let groups = match.groups.filter { !Set(asked).isDisjoint(with: $0.probes) }
        try await answer(
            HindsightQuery(
                run: run, match: match.restricted(to: Set(groups.map(\.key))), edited: comparison.edited,
                iterations: iterations, limit: limit), paths, store)
    }

    /// The store of the files' project, wherever the shell stands; where that has none, the one that the shell
    /// stands in.
    private func storeLocation() throws -> StoreLocation {
        let here = store.location
        guard store.store == nil, let pointer = files.first.flatMap({ realpath($0, nil) }) else {
            return here
        }
        defer { free(pointer) }
        let folder = (String(cString: pointer) as NSString).deletingLastPathComponent
        let location = Store.locate(from: folder, override: nil)
        return try Store.openExisting(location) == nil ? here : location
    }

    /// The files against the run that answers for them.
    private struct Comparison {
        var run: Run
        var loaded: Set<String>
        var edited: [SourceFile]
        var match: SourceMatch

        /// Whether anything that the run executed is found in one of the files.
        func finds(anyOf paths: [String]) -> Bool {
            match.files.contains { file in
                paths.contains(file.path)
                    && (loaded.contains(file.path)
                        || !(file.probes.isEmpty && file.logs.isEmpty && file.loops.isEmpty))
            }
        }
    }

    /// Files that no run has loaded may hold code that one has loaded from elsewhere.
    private func comparison(
        of paths: [String], in store: Store, _ location: StoreLocation
    ) async throws -> Comparison {
        guard let newest = try store.newestRun(loading: nil) else {
            throw CommandFailure("\(StoreError.noRuns(directory: location.root))".capitalizedFirst + ".")
        }
        for run in try candidates(in: store, paths: paths) {
            let recorded = try store.sources(of: run.id)
            let sources = try QuerySources(asked: paths, run: run, recorded: recorded)
            let analyzer = SourceAnalyzer(interpreter: run.interpreter)
            try await analyzer.load(run: run.id, sources: recorded)
            let comparison = Comparison(
                run: run, loaded: Set(recorded.map(\.path)), edited: sources.files,
                match: try await analyzer.match(run: run.id, files: sources.files))
            if comparison.finds(anyOf: paths) { return comparison }
            if self.run != nil {
                throw CommandFailure(
                    "Run \(run.id) of \(run.program) did not load \(paths.joined(separator: ", ")), and nothing "
                        + "that it executed is found there. `hindsight show \(run.id)` lists what it loaded.")
            }
        }
        throw CommandFailure(Self.neverLoaded(paths.joined(separator: ", "), newest))
    }

    /// The runs that may answer, best first: the newest that loaded the files, or most of them; where none has
    /// loaded any, the newest of every program.
    private func candidates(in store: Store, paths: [String]) throws -> [Run] {
        if let wanted = run { return [try store.run(matching: wanted)] }
        let known = try paths.filter { try store.newestRun(loading: $0) != nil }
        if known.count == 1, let run = try store.newestRun(loading: known[0]) { return [run] }
        let runs = try store.runs()
        guard !known.isEmpty else {
            var programs: Set<String> = []
            return runs.filter { programs.insert($0.program).inserted }
        }
        for run in runs {
            let loaded = Set(try store.sources(of: run.id).map(\.path))
            if loaded.isSuperset(of: known) { return [run] }
        }
        throw CommandFailure("No run has loaded all of these files; ask about them one by one.")
    }

    private static func neverLoaded(_ path: String, _ newest: Run) -> String {
        "No recorded run has loaded \(path), and nothing that one executed is found there; the newest one ran "
            + "\(newest.program). Record a program that uses it with: hindsight record -- python …"
    }

    /// What of the edits is not replayed, and files that cannot be read as programs.
    private func tellChanges(_ comparison: Comparison, asked: [String]) throws {
        for file in comparison.match.files {
            // New modules that nobody asked about have nothing to be told.
            guard asked.contains(file.path) || comparison.loaded.contains(file.path) else { continue }
            if !file.parsed {
                let fault = file.error.map { ", \($0.description)" } ?? "."
                guard !asked.contains(file.path) else {
                    throw CommandFailure(
                        "\(file.path) is not a Python program as it is now\(fault) Nothing was replayed.")
                }
                StandardError.write(
                    "hindsight: \(file.path) is not a program as it is now; the recorded one is used")
            }
            for change in file.changes where change.kind != .removed {
                StandardError.write("\(file.path):\(change.line): \(change.message)")
            }
        }
    }

    private func answer(_ query: HindsightQuery, _ paths: [String], _ store: Store) async throws {
        let replayer = Replayer(
            store: store,
            settings: ReplaySettings(
                sandbox: allowWeakSandbox ? .allowWeak : .required, limits: workers.limits))
        let status = ReplayStatusLine()
        var hits: [Hit] = []
        var verdicts: [VerdictKey: Verdict] = [:]
        var isFinished = false
        for await event in replayer.replay(query) {
            switch event {
            case .planned: break
            case .hits(let new): hits += new.filter { paths.contains($0.file) }
            case .verdicts(let updates):
                for update in updates {
                    verdicts[VerdictKey(order: update.order, file: update.file, line: update.line)] =
                        update.verdict
                }
            case .progress(let progress): status.show(progress, hits: hits.count)
            case .note(let text):
                status.clear()
                StandardError.write("hindsight: \(text)")
            case .probeFailed(let file, let line, let message):
                status.clear()
                StandardError.write("hindsight: \(file):\(line) \(message)")
            case .limited(let file, let line, let count):
                status.clear()
                StandardError.write(
                    "hindsight: \(file):\(line) gave \(count) values; the first \(query.limit) are printed "
                        + "(--limit)")
            case .restarted:
                hits.removeAll()
                verdicts.removeAll()
            case .complete: break
            case .replaced(let new):
                hits = new.filter { paths.contains($0.file) }
                verdicts.removeAll()
            case .finished: isFinished = true
            case .failed(let failure):
                status.clear()
                for line in failure.output { StandardError.write("  \(line)") }
                throw CommandFailure(failure.description)
            }
        }
        status.clear()
        guard isFinished else { throw CommandFailure("The replay was cancelled.") }
        for index in hits.indices {
            let hit = hits[index]
            if let verdict = verdicts[VerdictKey(order: hit.order, file: hit.file, line: hit.line)] {
                hits[index].verdict = verdict
            }
        }
        format.write(hits.enumerated().sorted(by: Self.isBefore).map(\.element), of: query.run)
        tellDoubts(hits)
    }

    private struct VerdictKey: Hashable {
        var order: OrderKey
        var file: String
        var line: Int
    }

    /// Program order; hits of one statement stay as they came.
    private static func isBefore(_ left: (offset: Int, element: Hit), _ right: (offset: Int, element: Hit))
        -> Bool
    {
        if left.element.order < right.element.order { return true }
        return !(right.element.order < left.element.order) && left.offset < right.offset
    }

    /// Every reason why values are not exact, once for each statement.
    private func tellDoubts(_ hits: [Hit]) {
        struct Doubt: Hashable { var place: String, name: String, reason: String }
        var counts: [Doubt: Int] = [:]
        var order: [Doubt] = []
        for hit in hits {
            guard let reason = hit.verdict.reason else { continue }
            let doubt = Doubt(place: "\(hit.file):\(hit.line)", name: hit.verdict.name, reason: reason)
            if counts[doubt] == nil { order.append(doubt) }
            counts[doubt, default: 0] += 1
        }
        for doubt in order {
            let count = counts[doubt, default: 0]
            let values = count == 1 ? "1 value is" : "\(count) values are"
            StandardError.write("\(doubt.place): \(values) \(doubt.name): \(doubt.reason)")
        }
    }
}

extension String {
    /// With its first letter made a capital.
    var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
