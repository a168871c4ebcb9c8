import EditorServer
import Foundation

/// The gallery's page, `Tests/Programs/README.md`: for each program the question, the probe, and a picture of the
/// answer as an editor draws it.
package enum GalleryPage {
    package static let file = Checkout.programs.appendingPathComponent("README.md")

    private static let mark = "<!-- What follows is written by `swift run hindsight-gallery --page`. -->"

    /// The page with new sections, by program; what stands above the mark stays, and so do the other programs'.
    package static func text(_ sections: [String: String], old: String) -> String {
        let head = old.range(of: mark).map { String(old[..<$0.lowerBound]) } ?? old
        let known = TrainingProgram.all.compactMap {
            sections[$0.name] ?? section(of: $0, in: old.dropFirst(head.count))
        }
        return head + mark + "\n\n" + known.joined(separator: "\n")
    }

    private static func section(of program: TrainingProgram, in page: Substring) -> String? {
        page.components(separatedBy: "\n## ").first { $0.contains("[`\(program.name)`]") }.map {
            "## " + $0.trimmingCharacters(in: .newlines) + "\n"
        }
    }

    package static func section(_ program: TrainingProgram, _ answer: Answer) -> String {
        let probe = program.probe(program.picture.probe)
        var lines = [
            "## \(program.title)", "", "[`\(program.name)`](\(program.name)): \(program.question)", "",
        ]
        lines += ["```python"] + probe.insertions.flatMap(\.lines).map(withoutMargin(of: probe)) + ["```"]
        lines += ["", "```text"] + picture(answer.hits(of: probe), program.picture) + ["```"]
        for probe in program.probes {
            guard let explanation = probe.explanation else { continue }
            lines += ["", "The probe `\(probe.name)` is \(probe.expectedVerdict): \(explanation)"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func withoutMargin(of probe: Probe) -> (String) -> String {
        let margins = probe.insertions.flatMap(\.lines).filter { !$0.isEmpty }.map {
            $0.prefix { $0 == " " }.count
        }
        return { String($0.dropFirst(margins.min() ?? 0)) }
    }

    private static func picture(_ hits: [AnswerLine], _ picture: TrainingProgram.Picture) -> [String] {
        var labels: [String] = []
        var series: [String: [Double]] = [:]
        for hit in hits {
            for number in NumberScanner.numbers(in: hit.text) {
                guard picture.numbers?.contains(number.label) ?? true else { continue }
                if series[number.label] == nil { labels.append(number.label) }
                series[number.label, default: []].append(number.value)
            }
        }
        let width = labels.map(\.count).max() ?? 0
        return labels.map { label in
            let values = series[label]!
            return label.padding(toLength: width, withPad: " ", startingAt: 0)
                + "  \(Sparkline.draw(values, width: 60))  \(short(values[0])) → \(short(values[values.count - 1]))"
                + "  ×\(values.count)"
        }
    }

    private static func short(_ value: Double) -> String { String(format: "%.4g", value) }
}
