import Foundation
import HindsightCore
import RunStore

/// The state of a project's store and of the runs in it.
enum StoreExamination {
    /// Whether an index can be made and read at all, wherever the project's own stands.
    static func database() -> Finding {
        let folder = NSTemporaryDirectory() + "hindsight-doctor-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            _ = try Store.open(StoreLocation(root: folder, directory: folder)).runs()
            return Finding(.ok, "sqlite", "an index can be made and read")
        } catch {
            return Finding(
                .problem, "sqlite", "\(error)",
                advice: "see that \(NSTemporaryDirectory()) can be written and that SQLite is complete")
        }
    }

    static func findings(at location: StoreLocation, readingEverything: Bool) -> [Finding] {
        do {
            guard let store = try Store.openExisting(location) else {
                return [
                    Finding(
                        .ok, "store", "none yet for \(location.root)",
                        advice: "record a run: hindsight record -- python train.py")
                ]
            }
            return try findings(in: store, location, readingEverything: readingEverything)
        } catch {
            return [
                Finding(
                    .problem, "store", "\(error)",
                    advice: "move \(location.directory) away to start with an empty one")
            ]
        }
    }

    private static func findings(
        in store: Store, _ location: StoreLocation, readingEverything: Bool
    ) throws -> [Finding] {
        let runs = try store.runs()
        var findings = [Finding(.ok, "store", "\(location.directory), \(runs.count) runs")]
        let isTrusted = StoreRegistry.ofUser().trusts(store)
        if !isTrusted {
            findings.append(
                Finding(
                    .warn, "store", "not made by your own recordings, so its runs are not replayed",
                    advice: "if you trust whoever made it: hindsight doctor --trust-store"))
        }
        findings += freeSpace(location)
        for run in runs { findings += try damage(of: run, in: store, readingEverything) }
        guard let newest = runs.first else { return findings }
        // Examining an interpreter starts it, and the store names it.
        if isTrusted { findings.append(interpreter(of: newest)) }
        findings.append(libraries(of: newest))
        let withheld = try store.details(of: newest.id).withheld
        if !withheld.isEmpty {
            findings.append(
                Finding(
                    .ok, "secrets",
                    "not stored with run \(newest.id): \(withheld.sorted().joined(separator: ", "))",
                    advice: "set them before a query if the program needs them"))
        }
        return findings
    }

    private static func damage(of run: Run, in store: Store, _ readingEverything: Bool) throws -> [Finding] {
        let checkpoints = try store.checkpoints(of: run.id)
        var damaged: [Int] = []
        for checkpoint in checkpoints {
            let isDamaged =
                try checkpoint.isDamaged
                || (readingEverything
                    ? store.verify(run: run.id, checkpoint: checkpoint.number) != nil
                    : isCutShort(store.stateLocation(of: run.id, checkpoint: checkpoint.number)))
            if isDamaged { damaged.append(checkpoint.number) }
        }
        guard !damaged.isEmpty else { return [] }
        let numbers = damaged.map(String.init).joined(separator: ", ")
        return [
            Finding(
                .warn, "run \(run.id)",
                "\(damaged.count) of \(checkpoints.count) checkpoints are damaged (\(numbers))",
                advice: "queries go on without them, and may take longer; restore the files or record again")
        ]
    }

    /// Whether a pack is missing or too short; reads no data.
    private static func isCutShort(_ state: StateLocation) -> Bool {
        ([state.stream] + state.buffers).contains { blob in
            var info = stat()
            return stat(blob.file, &info) != 0 || Int(info.st_size) < blob.offset + blob.length
        }
    }

    private static func interpreter(of run: Run) -> Finding {
        var finding = PythonExamination.examine(run.interpreter)
        finding.subject = "run \(run.id)"
        if finding.state == .problem {
            finding.advice = "its values cannot be replayed until that interpreter is back"
        }
        return finding
    }

    private static func libraries(of run: Run) -> Finding {
        let known = ["torch", "numpy", "scipy", "jax", "sklearn", "pandas"]
        let seen = known.compactMap { name in
            run.fingerprint.facts["library.\(name)"].map { "\(name) \($0.plain)" }
        }
        return Finding(
            .ok, "run \(run.id)", seen.isEmpty ? "no numeric library seen" : seen.joined(separator: ", "))
    }

    private static func freeSpace(_ location: StoreLocation) -> [Finding] {
        var info = statvfs()
        guard statvfs(location.directory, &info) == 0 else { return [] }
        let free = Int(info.f_bavail) * Int(info.f_frsize)
        guard free < 1_000_000_000 else { return [] }
        return [
            Finding(
                .warn, "store", "only \(HumanText.bytes(free)) are free on its disk",
                advice: "free some space: without it, checkpoints are left out")
        ]
    }
}
