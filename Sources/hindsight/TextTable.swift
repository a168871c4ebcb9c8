/// Rows for people, in aligned columns.
struct TextTable {
    enum Alignment {
        case left
        case right
    }

    /// Colours of a terminal.
    enum Style: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"

        func paint(_ text: String) -> String { "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" }
    }

    struct Column {
        var title: String
        var alignment: Alignment

        init(_ title: String, _ alignment: Alignment = .left) {
            self.title = title
            self.alignment = alignment
        }
    }

    struct Cell {
        var text: String
        var style: Style?

        init(_ text: String, _ style: Style? = nil) {
            // A name or message with a line break must not break the table.
            self.text = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
                .joined(separator: " ")
            self.style = style
        }
    }

    private let columns: [Column]
    private var rows: [[Cell]] = []

    init(columns: [Column]) { self.columns = columns }

    mutating func add(_ row: [Cell]) { rows.append(row) }

    /// A column that is empty in every row is left out.
    func text(inColour: Bool) -> String {
        let shown = columns.indices.filter { index in
            rows.contains { index < $0.count && !$0[index].text.isEmpty }
        }
        let head = columns.map { Cell($0.title, .dim) }
        let widths = Dictionary(
            uniqueKeysWithValues: shown.map { index in
                (index, ([head] + rows).map { $0[index].text.count }.max() ?? 0)
            })
        return ([head] + rows).map { row in
            var line = shown.map { index in
                let cell = row[index]
                let gap = String(repeating: " ", count: widths[index, default: 0] - cell.text.count)
                let text = inColour ? cell.style?.paint(cell.text) ?? cell.text : cell.text
                return columns[index].alignment == .left ? text + gap : gap + text
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}
