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
        case .jsonl: Self.write(hits) { HitLine(run: run.id, hit: $0).bytes }
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

    private static func row(_ fields: [String]) -> [UInt8] {
        Array(fields.map(quoted).joined(separator: ",").utf8)
    }

    private static func quoted(_ field: String) -> String {
        let needsQuotes = field.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }
        return needsQuotes ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
    }
}

/// A hit as one line of JSON, its keys in the documented order.
struct HitLine {
    private(set) var bytes: [UInt8] = []

    init(run: RunID, hit: Hit) {
        raw(#"{"run":"#)
        add(run.description)
        raw(#","file":"#)
        add(hit.file)
        raw(",\"line\":\(hit.line),\"text\":")
        add(hit.text)
        raw(#","name":"#)
        if let name = hit.name { add(name) } else { raw("null") }
        raw(#","value":"#)
        add(hit.value)
        raw(#","iteration":["#)
        for (depth, iteration) in hit.iterations.enumerated() {
            raw(depth == 0 ? #"{"loop":"# : #",{"loop":"#)
            add(iteration.loop)
            raw(",\"index\":\(iteration.index),\"value\":")
            add(iteration.value)
            raw("}")
        }
        raw(#"],"verdict":"#)
        add(hit.verdict.name)
        raw(hit.verdict == .exact ? #","verified":true}"# : #","verified":false}"#)
    }

    private mutating func raw(_ text: String) { bytes += text.utf8 }

    private mutating func add(_ text: String) {
        bytes.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22: raw("\\\"")
            case 0x5C: raw("\\\\")
            case 0x0A: raw("\\n")
            case 0x0D: raw("\\r")
            case 0x09: raw("\\t")
            case ..<0x20: raw(String(format: "\\u%04x", Int(byte)))
            default: bytes.append(byte)
            }
        }
        bytes.append(0x22)
    }

    private mutating func add(_ value: Scalar) {
        switch value {
        case .null: raw("null")
        case .bool(let value): raw(value ? "true" : "false")
        case .integer(let value): raw(String(value))
        case .number(let value):
            if value.isFinite {
                raw("\(value)")
            } else {
                add(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
            }
        case .string(let value): add(value)
        }
    }
}
