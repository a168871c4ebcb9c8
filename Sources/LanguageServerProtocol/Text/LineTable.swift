/// Where the lines of a text start. Lines end with `\n`, `\r\n` or a lone `\r`.
public struct LineTable: Hashable, Sendable {
    /// Byte offsets; the first is 0, and a text that ends with a line break has an empty last line.
    public private(set) var starts: [Int]

    /// Reads a whole text.
    public init(_ bytes: [UInt8]) {
        starts = [0]
        bytes.withUnsafeBufferPointer { Self.scan($0, from: 1, through: $0.count, into: &starts) }
    }

    /// The line that holds a byte.
    public func line(at offset: Int) -> Int { firstIndex(above: offset) - 1 }

    /// Follows an edit: `old` of the former text became `newCount` bytes, with `bytes` as the result.
    mutating func replace(_ old: Range<Int>, newCount: Int, in bytes: [UInt8]) {
        // Whether a line starts at an offset depends on the byte before and the byte at it, so exactly the
        // offsets of the edited part, both ends included, can have changed.
        let first = max(1, firstIndex(atOrAbove: old.lowerBound))
        let last = max(first, firstIndex(above: old.upperBound))
        var fresh: [Int] = []
        bytes.withUnsafeBufferPointer {
            Self.scan($0, from: max(1, old.lowerBound), through: old.lowerBound + newCount, into: &fresh)
        }
        let shift = newCount - old.count
        starts.replaceSubrange(first..<last, with: fresh)
        if shift != 0 {
            let tail = first + fresh.count
            starts.withUnsafeMutableBufferPointer { pointer in
                for index in tail..<pointer.count { pointer[index] &+= shift }
            }
        }
    }

    private static func scan(
        _ bytes: UnsafeBufferPointer<UInt8>, from: Int, through: Int, into starts: inout [Int]
    ) {
        guard from <= through else { return }
        for offset in from...through {
            let before = bytes[offset - 1]
            if before == 0x0A || (before == 0x0D && (offset == bytes.count || bytes[offset] != 0x0A)) {
                starts.append(offset)
            }
        }
    }

    private func firstIndex(atOrAbove offset: Int) -> Int { firstIndex(above: offset - 1) }

    private func firstIndex(above offset: Int) -> Int {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
