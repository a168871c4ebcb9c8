/// The shape of a source text.
///
/// Lines count from 1 and columns in bytes of UTF-8 from 0, as Python counts them.
public struct Outline: Hashable, Sendable {
    /// All statements, those inside blocks after the one that holds them.
    public var statements: [Statement]
    public var logs: [Log]
    public var loops: [Loop]

    public init(statements: [Statement], logs: [Log], loops: [Loop]) {
        self.statements = statements
        self.logs = logs
        self.loops = loops
    }

    /// A statement's range.
    public struct Statement: Hashable, Sendable, Codable {
        public var line: Int
        public var endLine: Int
        public var column: Int
        public var endColumn: Int
    }

    /// A statement with a call that looks like a log call.
    public struct Log: Hashable, Sendable, Codable {
        public var line: Int
        public var endLine: Int
        public var column: Int
        public var endColumn: Int
        /// The callee as it is written, `print` or `self.log`.
        public var call: String
    }

    /// A `for` or `while` statement.
    public struct Loop: Hashable, Sendable, Codable {
        public var line: Int
        public var endLine: Int
        /// The target's text; for `while` the condition's.
        public var target: String
    }
}

/// What keeps a text from being a Python program.
public struct SyntaxFault: Hashable, Sendable, Codable, Error, CustomStringConvertible {
    /// From 1.
    public var line: Int
    /// From 0, as the parser gives it.
    public var column: Int
    public var message: String

    public var description: String { "line \(line): \(message)" }

    public init(line: Int, column: Int, message: String) {
        self.line = line
        self.column = column
        self.message = message
    }
}
