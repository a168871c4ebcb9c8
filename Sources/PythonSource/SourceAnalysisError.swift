import Foundation

/// Why sources could not be analysed, as a sentence for people.
public struct SourceAnalysisError: Error, Hashable, Sendable, CustomStringConvertible, LocalizedError {
    public var description: String

    public var errorDescription: String? { description }

    public init(_ description: String) { self.description = description }

    static func missingInterpreter(_ path: String) -> SourceAnalysisError {
        SourceAnalysisError(
            """
            The Python interpreter \(path) is not there or may not be run, so sources cannot be compared with \
            those of its runs. Restore that environment, or record a new run with the interpreter in use now.
            """)
    }

    static func died(_ interpreter: String, _ lastWords: String) -> SourceAnalysisError {
        let said = lastWords.isEmpty ? "" : " Its last words: \(lastWords)"
        return SourceAnalysisError(
            """
            Reading the source with \(interpreter) failed twice: the process ended at once.\(said) \
            Check that this interpreter runs and is Python 3.9 or later.
            """)
    }

    static func hung(_ interpreter: String, _ seconds: Int) -> SourceAnalysisError {
        SourceAnalysisError(
            """
            Reading the source with \(interpreter) took longer than \(seconds) s twice and was given up. \
            The next edit tries again.
            """)
    }

    static func notUnderstood(_ detail: String) -> SourceAnalysisError {
        SourceAnalysisError("The answer of the process that reads sources was not understood: \(detail)")
    }
}
