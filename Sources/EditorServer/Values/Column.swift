import HindsightCore

/// One number that a log statement writes again and again, summed up as the hits arrive.
struct Column {
    let label: String
    private(set) var count = 0
    private(set) var finiteCount = 0
    private(set) var mean = 0.0
    private(set) var minimum = Double.infinity
    private(set) var maximum = -Double.infinity
    private(set) var first: (order: OrderKey, value: Double)?
    private(set) var last: (order: OrderKey, value: Double)?
    /// The earliest hit whose number is NaN or infinite.
    private(set) var firstNonFinite: Hit?
    /// Whether every number so far was the index or the value of a loop around it: a counter, not a measurement.
    private(set) var isCounter = true

    init(label: String) { self.label = label }

    mutating func add(_ value: Double, of hit: Hit) {
        count += 1
        if value.isFinite {
            finiteCount += 1
            mean += (value - mean) / Double(finiteCount)
            minimum = min(minimum, value)
            maximum = max(maximum, value)
        } else if firstNonFinite.map({ hit.order < $0.order }) ?? true {
            firstNonFinite = hit
        }
        if first.map({ hit.order < $0.order }) ?? true { first = (hit.order, value) }
        if last.map({ !(hit.order < $0.order) }) ?? true { last = (hit.order, value) }
        if isCounter { isCounter = hit.iterations.contains { Self.counts($0, value) } }
    }

    private static func counts(_ iteration: Iteration, _ value: Double) -> Bool {
        if value == Double(iteration.index) || value == Double(iteration.index + 1) { return true }
        return switch iteration.value {
        case .integer(let number): value == Double(number) || value == Double(number) + 1
        case .number(let number): value == number
        default: false
        }
    }
}
