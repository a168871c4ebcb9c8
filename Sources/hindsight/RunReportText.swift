import Foundation
import HindsightCore

extension RunReport {
    /// For people.
    func text(inColour: Bool) -> String {
        func title(_ text: String) -> String { inColour ? TextTable.Style.bold.paint(text) : text }
        var lines = [title("run \(run)" + (name.map { " (\($0))" } ?? "")), ""]
        var facts: [(String, String)] = [
            ("program", module.map { "\(program) (-m \($0))" } ?? program),
            ("command", command.map(HumanText.quoted).joined(separator: " ")),
            ("in", workingDirectory),
            ("started", "\(HumanText.date(started)), \(HumanText.ago(started, now: Date()))"),
            ("duration", HumanText.duration(duration)),
            ("status", statusText),
            (
                "overhead",
                "\(HumanText.share(overhead, of: duration)) (\(HumanText.duration(overhead))) of "
                    + String(format: "%g %% allowed", budget * 100)
            ),
            ("log records", "\(logRecords)"),
            ("checkpoints", checkpointText),
            ("interpreter", "\(interpreter) (Python \(python))"),
        ]
        if !withheldVariables.isEmpty {
            facts.append(("not stored", "environment variables \(withheldVariables.joined(separator: ", "))"))
        }
        let width = facts.map(\.0.count).max() ?? 0
        lines += facts.map { $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }
        if !notes.isEmpty {
            lines += ["", title("notes")] + notes.map { "  \($0)" }
        }
        if !loops.isEmpty {
            var table = TextTable(columns: [
                .init("LOOP"), .init("AT"), .init("ITERATIONS", .right), .init("CHECKPOINTS", .right),
                .init("DAMAGED", .right),
            ])
            for loop in loops {
                let place = loop.loop.split(separator: ":").dropLast().joined(separator: ":")
                table.add([
                    .init(loop.target), .init(place), .init("\(loop.iterations)"),
                    .init("\(loop.checkpoints)"), .init(loop.damaged == 0 ? "" : "\(loop.damaged)", .red),
                ])
            }
            lines += ["", table.text(inColour: inColour)]
        }
        if !sources.isEmpty {
            var table = TextTable(columns: [.init("SOURCE"), .init("MODULE"), .init("LINES", .right)])
            for source in sources {
                table.add([.init(source.path), .init(source.module), .init("\(source.lines)")])
            }
            lines += ["", table.text(inColour: inColour)]
        }
        lines += table(of: inputs, titled: "INPUT", inColour: inColour)
        lines += table(of: outputs, titled: "OUTPUT", inColour: inColour)
        if !fingerprint.facts.isEmpty {
            var table = TextTable(columns: [.init("ENVIRONMENT FACT"), .init("VALUE")])
            for (name, value) in fingerprint.facts.sorted(by: { $0.key < $1.key }) {
                table.add([.init(name), .init(value.plainText)])
            }
            lines += ["", table.text(inColour: inColour)]
        }
        return lines.joined(separator: "\n")
    }

    /// A data set of many files is not listed whole; `--json` has them all.
    private func table(of files: [File], titled title: String, inColour: Bool) -> [String] {
        guard !files.isEmpty else { return [] }
        var table = TextTable(columns: [.init(title), .init("SIZE", .right), .init("KEPT"), .init("SINCE")])
        for file in files.prefix(20) {
            let since = file.isUnchanged.map { $0 ? "" : "changed" } ?? ""
            table.add([
                .init(file.path), .init(HumanText.bytes(file.bytes)), .init(file.isKept ? "yes" : ""),
                .init(since, .red),
            ])
        }
        let rest = files.count > 20 ? ["and \(files.count - 20) more"] : []
        return ["", table.text(inColour: inColour)] + rest
    }

    private var statusText: String {
        [exitCode.map { "\(status), exit code \($0)" } ?? status, reason].compactMap { $0 }
            .joined(separator: ": ")
    }

    private var checkpointText: String {
        let count = loops.reduce(0) { $0 + $1.checkpoints }
        guard count > 0 else { return "none" }
        return "\(count), \(HumanText.bytes(heldBytes)) of state, \(HumanText.bytes(writtenBytes)) on disk"
    }
}

extension Scalar {
    fileprivate var plainText: String {
        switch self {
        case .null: "–"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): value
        }
    }
}
