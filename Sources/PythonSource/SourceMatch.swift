import HindsightCore

/// Edited sources held against those of a run: what is new, what stands where now, what is not replayed.
///
/// Lines count from 1 and columns in bytes of UTF-8 from 0, as Python counts them.
public struct SourceMatch: Hashable, Sendable, Codable {
    public var files: [File]
    /// Equal for matches that have the same answer: places in the recorded program and the added statements,
    /// whatever their line numbers, formatting and comments.
    public var fingerprint: String
    /// The recorded loops whose bodies may come to a probe; no others need to be executed for their hits.
    public var execute: [LoopID]
    /// The recorded loops over whose iterations probes carry values of their own (a running sum, a
    /// previous state): one that is executed for its hits has to be executed from its first iteration,
    /// without a jump.
    public var continuous: [LoopID]

    /// The probes, apart by what each needs: every group has an answer of its own.
    public var groups: [Group]

    public init(
        files: [File], fingerprint: String, execute: [LoopID], continuous: [LoopID] = [],
        groups: [Group] = []
    ) {
        self.files = files
        self.fingerprint = fingerprint
        self.execute = execute
        self.continuous = continuous
        self.groups = groups
    }

    /// The same match with nothing but these groups of its probes.
    public func restricted(to keys: Set<String>) -> SourceMatch {
        var match = self
        match.groups = groups.filter { keys.contains($0.key) }
        guard match.groups.count < groups.count else { return self }
        let probes = Set(match.groups.flatMap(\.probes))
        for index in files.indices { match.files[index].probes.removeAll { !probes.contains($0.id) } }
        match.fingerprint = match.groups.map(\.key).joined(separator: " ")
        func loops(_ path: KeyPath<Group, [LoopID]>) -> [LoopID] {
            match.groups.flatMap { $0[keyPath: path] }.reduce(into: []) {
                if !$0.contains($1) { $0.append($1) }
            }
        }
        match.execute = loops(\.execute)
        match.continuous = loops(\.continuous)
        return match
    }

    /// Probes that are answered together, because they share what was added for them.
    public struct Group: Hashable, Sendable, Codable {
        /// Equal where the answer is, whatever else is asked beside it.
        public var key: String
        /// The ids of its probes.
        public var probes: [String]
        /// The recorded block in which its only probe stands as a statement of its own; two such probes of one
        /// block are executed in the order of the text.
        public var block: String?
        /// As those of the match, for this group alone.
        public var execute: [LoopID]
        public var continuous: [LoopID]

        public init(
            key: String, probes: [String], block: String? = nil, execute: [LoopID],
            continuous: [LoopID] = []
        ) {
            self.key = key
            self.probes = probes
            self.block = block
            self.execute = execute
            self.continuous = continuous
        }
    }

    /// One edited file.
    public struct File: Hashable, Sendable, Codable {
        /// Relative to the project's root.
        public var path: String
        /// Whether the text is a program; where it is not, nothing else is known about it.
        public var parsed: Bool
        /// Why the text, or the recorded one, is no program.
        public var error: SyntaxFault?
        /// In the order of the text.
        public var probes: [Probe]
        /// The recorded log statements that are still there as they were.
        public var logs: [Log]
        /// The recorded loops that are still there.
        public var loops: [Loop]
        public var changes: [Change]

        public init(
            path: String, parsed: Bool = true, error: SyntaxFault? = nil, probes: [Probe] = [],
            logs: [Log] = [],
            loops: [Loop] = [], changes: [Change] = []
        ) {
            self.path = path
            self.parsed = parsed
            self.error = error
            self.probes = probes
            self.logs = logs
            self.loops = loops
            self.changes = changes
        }
    }

    /// A log statement which the edited source has and the run's source has not.
    public struct Probe: Hashable, Sendable, Codable {
        /// `path:line:column` in the edited source.
        public var id: String
        public var line: Int
        public var endLine: Int
        public var column: Int
        public var endColumn: Int
        public var kind: ProbeKind
        /// The callee as it is written, `print` or `self.log`.
        public var call: String
        /// The qualified name of the function around it.
        public var function: String?
        /// The recorded loops of the same function around it, outermost first.
        public var loops: [LoopID]
        /// Whether it is only executed where it stands, and not in a function.
        public var atModuleLevel: Bool
        /// The recorded log statement that it stands for now.
        public var site: String?

        public init(
            id: String, line: Int, endLine: Int, column: Int, endColumn: Int, kind: ProbeKind, call: String,
            function: String?, loops: [LoopID], atModuleLevel: Bool, site: String?
        ) {
            self.id = id
            self.line = line
            self.endLine = endLine
            self.column = column
            self.endColumn = endColumn
            self.kind = kind
            self.call = call
            self.function = function
            self.loops = loops
            self.atModuleLevel = atModuleLevel
            self.site = site
        }
    }

    /// Whether a probe is a statement of its own or a recorded one that was edited.
    public enum ProbeKind: String, Hashable, Sendable, Codable {
        case new
        case changed
    }

    /// A recorded log statement and where it stands now.
    public struct Log: Hashable, Sendable, Codable {
        /// `path:line:column` in the recorded source.
        public var site: String
        public var line: Int
        public var endLine: Int
        public var column: Int
        public var endColumn: Int

        public init(site: String, line: Int, endLine: Int, column: Int, endColumn: Int) {
            self.site = site
            self.line = line
            self.endLine = endLine
            self.column = column
            self.endColumn = endColumn
        }
    }

    /// A recorded loop and where it stands now.
    public struct Loop: Hashable, Sendable, Codable {
        public var loop: LoopID
        public var line: Int
        public var endLine: Int
        /// The target's text; for `while` the condition's.
        public var target: String

        public init(loop: LoopID, line: Int, endLine: Int, target: String) {
            self.loop = loop
            self.line = line
            self.endLine = endLine
            self.target = target
        }
    }

    /// An edit that is not replayed.
    public struct Change: Hashable, Sendable, Codable {
        public var line: Int
        public var endLine: Int
        public var kind: ChangeKind
        /// A sentence for people.
        public var message: String

        public init(line: Int, endLine: Int, kind: ChangeKind, message: String) {
            self.line = line
            self.endLine = endLine
            self.kind = kind
            self.message = message
        }
    }

    /// Why an edit is not replayed.
    public enum ChangeKind: String, Hashable, Sendable, Codable {
        /// The training itself differs from the recorded one.
        case training
        /// An added statement would change what the recorded program does.
        case conflict
        /// A recorded log statement is gone, which is harmless.
        case removed
        /// A log statement has no place in the recorded program.
        case unplaced
        /// A log statement in a file that the run did not load.
        case unloaded
    }

    private enum CodingKeys: String, CodingKey {
        case files, fingerprint, execute, continuous, groups
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        files = try container.decode([File].self, forKey: .files)
        fingerprint = try container.decode(String.self, forKey: .fingerprint)
        execute = try container.decode([LoopID].self, forKey: .execute)
        // Matches that were kept by an earlier version have none.
        continuous = try container.decodeIfPresent([LoopID].self, forKey: .continuous) ?? []
        groups = try container.decodeIfPresent([Group].self, forKey: .groups) ?? []
    }
}
