import ArgumentParser
import Foundation
import HindsightCore

/// How `query` prints hits.
enum QueryFormat: String, CaseIterable, ExpressibleByArgument {
    case text
    case jsonl
    case csv

    func write(_ hits: [Hit], of run: Run) {
        switch self {
        case .text:
            guard !hits.isEmpty else { return }
            print(Self.table(hits).text(inColour: Terminal.wantsColour))
        case .jsonl: Self.write(hits) { Self.object($0, of: run) }
        case .csv:
            guard !hits.isEmpty else { return }
            let loops = Self.loops(in: hits)
            let head = ["file", "line"] + loops + ["text", "name", "value", "verdict", "reason"]
            Self.write([head]) { Self.row($0) }
            Self.write(hits) { hit in
                Self.row(
                    [hit.file, String(hit.line)]
                        + loops.map { loop in
                            hit.iterations.first { $0.loop == loop }.map { String($0.index) } ?? ""
                        } + [
                            hit.text, hit.name ?? "", hit.value == .null ? "" : hit.value.plain,
                            hit.verdict.name, hit.verdict.reason ?? "",
                        ])
            }
        }
    }

    /// In larger pieces: there may be a hundred thousand.
    private static func write<Item>(_ items: [Item], bytes: (Item) -> [UInt8]) {
        var buffer: [UInt8] = []
        for item in items {
            buffer += bytes(item)
            buffer.append(0x0A)
            if buffer.count > 1 << 20 {
                FileHandle.standardOutput.write(Data(buffer))
                buffer.removeAll(keepingCapacity: true)
            }
        }
        FileHandle.standardOutput.write(Data(buffer))
    }

    /// The loops around the hits, outer ones first.
    private static func loops(in hits: [Hit]) -> [String] {
        var loops: [String] = []
        for hit in hits {
            for (depth, iteration) in hit.iterations.enumerated() where !loops.contains(iteration.loop) {
                loops.insert(iteration.loop, at: min(depth, loops.count))
            }
        }
        return loops
    }

    private static func table(_ hits: [Hit]) -> TextTable {
        let loops = loops(in: hits)
        var table = TextTable(
            columns: [.init("LINE")] + loops.map { .init($0.uppercased(), .right) }
                + [.init("NAME"), .init("TEXT"), .init("VERDICT")])
        for hit in hits {
            let indices = loops.map { loop in
                TextTable.Cell(hit.iterations.first { $0.loop == loop }.map { String($0.index) } ?? "")
            }
            table.add(
                [.init("\(hit.file):\(hit.line)", .dim)] + indices + [
                    .init(hit.name ?? ""), .init(hit.text, .bold),
                    .init(hit.verdict.name, hit.verdict == .exact ? .green : .yellow),
                ])
        }
        return table
    }

    private static func object(_ hit: Hit, of run: Run) -> [UInt8] {
        var json = HitJSON()
        json.append(hit, run: run.id)
        return json.bytes
    }

    private static func row(_ fields: [String]) -> [UInt8] {
        Array(fields.map(quoted).joined(separator: ",").utf8)
    }

    private static func quoted(_ field: String) -> String {
        let needsQuotes = field.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }
        return needsQuotes ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
    }
}
