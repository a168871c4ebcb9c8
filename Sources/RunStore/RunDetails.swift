/// What is known of a run beside what replaying needs.
public struct RunDetails: Hashable, Sendable {
    /// The `PYTHONHASHSEED` that the interpreter ran with, given by the user or chosen by the recorder.
    public var hashSeed: String?
    public var python: String
    public var processID: Int
    /// Names of environment variables that were not stored because they look like secrets.
    public var withheld: [String]
    /// The share of the program's time that the recorder was allowed to take.
    public var budget: Double
    /// The status that the program gave to the system, where it ended by itself.
    public var exitCode: Int?
}
