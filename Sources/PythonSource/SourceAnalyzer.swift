import Foundation
import HindsightCore

/// Reads Python sources with the interpreter of a run, in a process beside this one.
///
/// Requests are answered strictly in order. The process starts with the first request and ends when the
/// analyzer is released; when it dies or does not answer it is started again, once per request.
public final class SourceAnalyzer: Sendable {
    private let thread: AnalysisThread

    /// - Parameter interpreter: The absolute path of a Python interpreter, 3.9 or later.
    public convenience init(interpreter: String) {
        // Far more than any source takes, so that a busy machine is not taken for a process that hangs.
        self.init(interpreter: interpreter, patience: 60)
    }

    /// - Parameter patience: How many seconds an answer may take.
    init(interpreter: String, patience: Int) {
        thread = AnalysisThread(interpreter: interpreter, patience: patience)
    }

    deinit {
        thread.stop()
    }

    /// Makes the sources of a run known; needed once before `match`.
    public func load(run: RunID, sources: [RecordedSource]) async throws {
        let files = sources.map { Load.File(path: $0.path, module: $0.module, text: $0.text) }
        let _: Nothing = try await ask(
            "load", Load(run: run, sources: files), run: run.description, isLoad: true)
    }

    /// Compares edited files with those of a run that was loaded; files that are not given are as recorded.
    public func match(run: RunID, files: [SourceFile]) async throws -> SourceMatch {
        try await ask("match", Match(run: run, files: files), run: run.description)
    }

    /// The shape of a text; throws `SyntaxFault` where it is not a program.
    public func outline(of text: String) async throws -> Outline {
        let answer: OutlineAnswer = try await ask("outline", ["text": text])
        guard answer.parsed else {
            throw SyntaxFault(
                line: answer.line ?? 1, column: answer.column ?? 0, message: answer.message ?? "")
        }
        return Outline(
            statements: answer.statements ?? [], logs: answer.logs ?? [], loops: answer.loops ?? [])
    }

    /// What is named at a place in a text, inside a loop or a function; nil where nothing is.
    public func expression(in text: String, line: Int, column: Int) async throws -> SourceExpression? {
        let answer: ExpressionAnswer = try await ask(
            "expression", Spot(text: text, line: line, column: column))
        return answer.expression
    }

    private func ask<Parameters: Encodable, Answer: Decodable & Sendable>(
        _ method: String, _ parameters: Parameters, run: String? = nil, isLoad: Bool = false
    ) async throws -> Answer {
        try Task.checkCancellation()
        let number = thread.number()
        let request = Request(id: number, method: method, params: parameters)
        let line = [UInt8](try JSONEncoder().encode(request)) + [UInt8(ascii: "\n")]
        let received = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                thread.enqueue(
                    .init(number: number, run: run, isLoad: isLoad, line: line) {
                        continuation.resume(with: $0)
                    })
            }
        } onCancel: {
            thread.cancel(number)
        }
        let reply: Reply<Answer>
        do {
            reply = try JSONDecoder().decode(Reply<Answer>.self, from: Data(received))
        } catch {
            throw SourceAnalysisError.notUnderstood("\(error)")
        }
        if let error = reply.error { throw SourceAnalysisError(error) }
        guard let result = reply.result else { throw SourceAnalysisError.notUnderstood("it has no result") }
        return result
    }
}

private struct Request<Parameters: Encodable>: Encodable {
    var id: Int
    var method: String
    var params: Parameters
}

private struct Reply<Answer: Decodable>: Decodable {
    var result: Answer?
    var error: String?
}

private struct Nothing: Decodable, Sendable {}

private struct Load: Encodable {
    struct File: Encodable {
        var path: String
        var module: String
        var text: String
    }

    var run: RunID
    var sources: [File]
}

private struct Match: Encodable {
    var run: RunID
    var files: [SourceFile]
}

private struct Spot: Encodable {
    var text: String
    var line: Int
    var column: Int
}

/// An object without members where nothing is named.
private struct ExpressionAnswer: Decodable, Sendable {
    var expression: SourceExpression?

    private enum CodingKeys: CodingKey { case expression }

    init(from decoder: any Decoder) throws {
        let isEmpty = try decoder.container(keyedBy: CodingKeys.self).allKeys.isEmpty
        expression = isEmpty ? nil : try SourceExpression(from: decoder)
    }
}

private struct OutlineAnswer: Decodable, Sendable {
    var parsed: Bool
    var statements: [Outline.Statement]?
    var logs: [Outline.Log]?
    var loops: [Outline.Loop]?
    var line: Int?
    var column: Int?
    var message: String?
}
