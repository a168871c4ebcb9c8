import Foundation
import HindsightCore
import LanguageServerProtocol

extension EditorServer {
    /// Writes all values of a document into the store's folder: the user's work tree stays as it is.
    func export(_ document: OpenDocument, _ reply: Reply<JSONValue>) {
        guard let membership = document.membership else { return reply(.null) }
        let statements = annotations(document).map { annotation in
            ValuesCSV.Statement(
                line: document.text.lines.line(at: annotation.range.lowerBound) + 1,
                source: annotation.isReplayed ? "replayed" : "recorded", hits: annotation.series.hits)
        }
        let run = membership.session?.run.id.description ?? "run"
        let name = membership.path.replacingOccurrences(of: "/", with: "-")
        let folder = membership.project.archive.exportDirectory
        let file = "\(folder)/\(name)-\(run)-\(Int(Date().timeIntervalSince1970)).csv"
        let path = membership.path
        Task {
            do {
                try await membership.project.work.run {
                    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                    let text = ValuesCSV(file: path, statements: statements).text
                    try Data(text.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
                }
                reply(.string(file))
                if capabilities.showsDocuments {
                    connection.request(
                        ShowDocumentRequest.self,
                        ShowDocumentRequest.Parameters(uri: DocumentURI(path: file), takeFocus: true)
                    ) { _ in }
                } else {
                    connection.notify(
                        ShowMessageNotification.self,
                        WindowMessage(type: .info, message: "The values were written to \(file)"))
                }
            } catch {
                reply.fail(ResponseError(.requestFailed, "The values cannot be written to \(file): \(error)"))
            }
        }
    }
}

/// All hits as a table for other programs (RFC 4180): one column for each loop.
struct ValuesCSV: Sendable {
    struct Statement: Sendable {
        var line: Int
        var source: String
        var hits: [Hit]
    }

    var file: String
    var statements: [Statement]

    var text: String {
        var loops: [String] = []
        for loop in statements.lazy.flatMap(\.hits).flatMap(\.iterations).map(\.loop)
        where !loops.contains(loop) {
            loops.append(loop)
        }
        var lines = [
            row(["file", "line", "source"] + loops + ["name", "value", "text", "verdict", "reason"])
        ]
        for statement in statements {
            for hit in statement.hits {
                let places = loops.map { loop in
                    hit.iterations.last { $0.loop == loop }.map { String($0.index) } ?? ""
                }
                lines.append(
                    row(
                        [file, String(statement.line), statement.source] + places + [
                            hit.name ?? "", scalar(hit.value), hit.text, hit.verdict.name,
                            hit.verdict.reason ?? "",
                        ]))
            }
        }
        return lines.joined()
    }

    private func row(_ cells: [String]) -> String {
        cells.map { cell in
            cell.utf8.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
                ? "\"" + cell.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : cell
        }.joined(separator: ",") + "\r\n"
    }

    private func scalar(_ value: Scalar) -> String {
        switch value {
        case .null: ""
        case .bool(let value): String(value)
        case .integer(let value): String(value)
        case .number(let value): "\(value)"
        case .string(let value): value
        }
    }
}
