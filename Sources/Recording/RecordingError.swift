import Foundation

/// Why something could not be recorded, as a sentence.
public struct RecordingError: Error, CustomStringConvertible, LocalizedError {
    public var description: String

    public var errorDescription: String? { description }

    init(_ description: String) { self.description = description }
}
