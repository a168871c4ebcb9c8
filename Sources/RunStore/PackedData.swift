import Foundation
import HindsightCore

/// Writes small values compactly: a run may have millions of log records, and JSON would triple the index.
struct PackedWriter {
    private(set) var data = Data()

    mutating func append(_ value: Int) {
        // Zigzag, then seven bits a byte: small numbers of either sign take one byte.
        var rest = UInt64(bitPattern: Int64((value << 1) ^ (value >> 63)))
        while rest >= 0x80 {
            data.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        data.append(UInt8(rest))
    }

    mutating func append(_ value: String) {
        let bytes = value.utf8
        append(bytes.count)
        data.append(contentsOf: bytes)
    }

    mutating func append(_ value: String?) {
        append(value == nil ? 0 : 1)
        if let value { append(value) }
    }

    mutating func append(_ value: Scalar) {
        switch value {
        case .null: append(0)
        case .bool(let flag): append(flag ? 2 : 1)
        case .integer(let number):
            append(3)
            append(number)
        case .number(let number):
            append(4)
            withUnsafeBytes(of: number.bitPattern.littleEndian) { data.append(contentsOf: $0) }
        case .string(let text):
            append(5)
            append(text)
        }
    }

    mutating func append(_ order: OrderKey) {
        append(order.components.count)
        for component in order.components { append(component) }
    }

    mutating func append(_ iterations: [Iteration]) {
        append(iterations.count)
        for iteration in iterations {
            append(iteration.loop)
            append(iteration.index)
            append(iteration.value)
        }
    }

    mutating func append(_ coordinate: Coordinate) {
        append(coordinate.count)
        for position in coordinate {
            append(position.loop.description)
            append(position.occurrence)
            append(position.index)
        }
    }
}

/// Reads what `PackedWriter` wrote.
struct PackedReader {
    private let data: Data
    private var position: Data.Index

    init(_ data: Data) {
        self.data = data
        position = data.startIndex
    }

    mutating func integer() throws -> Int {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard position < data.endIndex, shift < 64 else { throw Self.cutShort }
            let byte = data[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        return Int(Int64(bitPattern: value >> 1)) ^ -Int(Int64(bitPattern: value & 1))
    }

    mutating func count() throws -> Int {
        let value = try integer()
        guard value >= 0, value <= data.endIndex - position else { throw Self.cutShort }
        return value
    }

    mutating func string() throws -> String {
        let length = try count()
        defer { position += length }
        return String(decoding: data[position..<position + length], as: UTF8.self)
    }

    mutating func optionalString() throws -> String? {
        try integer() == 0 ? nil : string()
    }

    mutating func scalar() throws -> Scalar {
        switch try integer() {
        case 0: return .null
        case 1: return .bool(false)
        case 2: return .bool(true)
        case 3: return .integer(try integer())
        case 4:
            guard data.endIndex - position >= 8 else { throw Self.cutShort }
            var pattern: UInt64 = 0
            for offset in 0..<8 { pattern |= UInt64(data[position + offset]) << UInt64(offset * 8) }
            position += 8
            return .number(Double(bitPattern: pattern))
        case 5: return .string(try string())
        case let tag: throw StoreError.damagedRow("a value of unknown kind \(tag)")
        }
    }

    mutating func order() throws -> OrderKey {
        let length = try count()
        var components: [Int] = []
        components.reserveCapacity(length)
        for _ in 0..<length { components.append(try integer()) }
        return OrderKey(components)
    }

    mutating func iterations() throws -> [Iteration] {
        let length = try count()
        var result: [Iteration] = []
        result.reserveCapacity(length)
        for _ in 0..<length {
            result.append(Iteration(loop: try string(), index: try integer(), value: try scalar()))
        }
        return result
    }

    mutating func coordinate() throws -> Coordinate {
        let length = try count()
        var result: Coordinate = []
        result.reserveCapacity(length)
        for _ in 0..<length {
            result.append(
                LoopPosition(loop: LoopID(try string()), occurrence: try integer(), index: try integer()))
        }
        return result
    }

    private static var cutShort: StoreError { .damagedRow("a row is cut short") }
}
