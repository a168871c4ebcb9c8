/// A line of block characters that shows how numbers go; it needs no images, so every client can show it.
package enum Sparkline {
    private static let blocks = Array("▁▂▃▄▅▆▇█")

    /// Numbers in order; more than `width` are averaged in groups. Non-finite ones show as `×`.
    package static func draw(_ values: [Double], width: Int) -> String {
        guard values.count > 1, width > 0 else { return "" }
        let columns = min(width, values.count)
        let groups = (0..<columns).map { column -> Double? in
            let group = values[column * values.count / columns..<(column + 1) * values.count / columns]
            let finite = group.filter(\.isFinite)
            // Half of each first: a sum of large numbers must not overflow.
            return finite.isEmpty || finite.count < group.count
                ? nil : finite.reduce(0) { $0 + $1 / Double(finite.count) }
        }
        let known = groups.compactMap { $0 }
        guard let low = known.min(), let high = known.max() else {
            return String(repeating: "×", count: columns)
        }
        let span = high / 2 - low / 2
        return String(
            groups.map { value -> Character in
                guard let value else { return "×" }
                guard span > 0 else { return blocks[3] }
                let share = (value / 2 - low / 2) / span
                return blocks[
                    max(0, min(blocks.count - 1, Int((share * Double(blocks.count - 1)).rounded())))]
            })
    }
}
