import Foundation

/// What is known of a run when its program starts.
public struct NewRun: Sendable {
    public var name: String?
    /// Relative to the root.
    public var program: String
    public var module: String?
    public var command: [String]
    public var interpreter: String
    public var workingDirectory: String
    public var root: String
    /// As the program sees it; secrets are left out when it is stored.
    public var environment: [String: String]
    public var hashSeed: String?
    public var python: String
    public var processID: Int
    public var budget: Double
    public var started: Date

    public init(
        name: String? = nil, program: String, module: String? = nil, command: [String], interpreter: String,
        workingDirectory: String, root: String, environment: [String: String], hashSeed: String? = nil,
        python: String, processID: Int, budget: Double = 0.01, started: Date = Date()
    ) {
        self.name = name
        self.program = program
        self.module = module
        self.command = command
        self.interpreter = interpreter
        self.workingDirectory = workingDirectory
        self.root = root
        self.environment = environment
        self.hashSeed = hashSeed
        self.python = python
        self.processID = processID
        self.budget = budget
        self.started = started
    }
}
