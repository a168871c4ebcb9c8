import HindsightCore
import PythonSource
import RunStore

/// The first line to a worker: the program, where it came from, and what to do.
///
/// What is absent is a null on the wire, not a missing key.
struct WorkerInstructions: Encodable {
    var root: String
    var module: String?
    var sources: [Source]
    /// The keys of the groups of probes to answer; nil for everything that was added.
    var groups: [String]?
    var entropy: [EntropyRecord]
    var initial: [String: String]
    var hashseed: String?
    var jumps: [PlannedJump]
    var checks: [Int]
    var checkpoints: [State]
    var stop: StopPlace?
    var files: [FileThen]
    /// When the run began, in seconds since 1970: what is younger, it did not load.
    var started: Double
    /// Whether the worker has a file system of its own, in which it may write and remove what it likes.
    var isPrivate: Bool
    /// What to do with the file that comes with the line, if any.
    var control: ControlFile.Use?
    /// Whether values are wanted before evidence: checkpoints that it comes to are not compared.
    var isPreview = false
    /// The loop's boundary at which the worker is to stand and be forked, each child with its own view of
    /// files.
    var standing: Coordinate?
    /// What its children may have to read: it looks whether that is undamaged before they want it.
    var blobs: [BlobLocation] = []

    struct Source: Encodable {
        var path: String
        /// nil, as the recorded text: the run did not load it.
        var module: String?
        var recorded: String?
        /// nil: as it was recorded.
        var edited: String?

        /// The recorded program with what became of it, and edited files that it did not have.
        static func all(recorded: [RecordedSource], edited: [SourceFile]) -> [Source] {
            let texts = Dictionary(edited.map { ($0.path, $0.text) }, uniquingKeysWith: { _, last in last })
            let known = Set(recorded.map(\.path))
            return recorded.map {
                Source(path: $0.path, module: $0.module, recorded: $0.text, edited: texts[$0.path])
            }
                + edited.filter { !known.contains($0.path) }.map {
                    Source(path: $0.path, module: nil, recorded: nil, edited: $0.text)
                }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(path, forKey: .path)
            try container.encode(module, forKey: .module)
            try container.encode(recorded, forKey: .recorded)
            try container.encode(edited, forKey: .edited)
        }

        enum Keys: CodingKey { case path, module, recorded, edited }
    }

    struct PlannedJump: Encodable {
        var at: Coordinate
        var to: Int?
        var checkpoint: Int

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(at, forKey: .at)
            try container.encode(to, forKey: .to)
            try container.encode(checkpoint, forKey: .checkpoint)
        }

        enum Keys: CodingKey { case at, to, checkpoint }
    }

    struct State: Encodable {
        var n: Int
        var kind: CheckpointKind
        var at: Coordinate
        var key: OrderKey
        var layout: String
        var logs: Int
        var entropy: Int
        var stream: BlobLocation
        var buffers: [BlobLocation]

        init(_ state: StateLocation) {
            n = state.number
            kind = state.kind
            at = state.coordinate
            key = state.order
            layout = state.layout
            logs = state.logs
            entropy = state.entropy
            stream = state.stream
            buffers = state.buffers
        }
    }

    struct StopPlace: Encodable {
        var kind: CheckpointKind
        var at: Coordinate
        var needsEvidence: Bool
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode("replay", forKey: .t)
        try container.encode(root, forKey: .root)
        try container.encode(module, forKey: .module)
        try container.encode(sources, forKey: .sources)
        try container.encode(groups, forKey: .groups)
        try container.encode(entropy, forKey: .entropy)
        try container.encode(initial, forKey: .initial)
        try container.encode(hashseed, forKey: .hashseed)
        try container.encode(jumps, forKey: .jumps)
        try container.encode(checks, forKey: .checks)
        try container.encode(checkpoints, forKey: .checkpoints)
        try container.encode(stop, forKey: .stop)
        try container.encode(files, forKey: .files)
        try container.encode(started, forKey: .started)
        try container.encode(isPrivate, forKey: .private)
        try container.encodeIfPresent(control, forKey: .control)
        try container.encode(isPreview, forKey: .preview)
        try container.encodeIfPresent(standing, forKey: .standing)
        if standing != nil {
            try container.encode(true, forKey: .views)
            try container.encode(blobs, forKey: .blobs)
        }
    }

    enum Keys: CodingKey {
        case t, root, module, sources, groups, entropy, initial, hashseed, jumps, checks, checkpoints, stop,
            files, started, control, preview
        case `private`, standing, views, blobs
    }

    init(
        root: String, sources: [Source], groups: [String]?, recorded: RecordedMaterial, plan: Plan,
        states: [StateLocation], isPrivate: Bool
    ) {
        self.root = root
        module = recorded.run.module
        self.sources = sources
        self.groups = groups
        entropy = recorded.entropy
        initial = recorded.initialStates
        hashseed = recorded.details.hashSeed
        jumps = plan.jumps.map { PlannedJump(at: $0.place, to: $0.target, checkpoint: $0.checkpoint) }
        checks = plan.checks
        checkpoints = states.map(State.init)
        stop = plan.stop.map { StopPlace(kind: $0.kind, at: $0.coordinate, needsEvidence: $0.needsEvidence) }
        files = FileThen.needed(of: recorded, jumping: !plan.jumps.isEmpty)
        started = recorded.run.started.timeIntervalSince1970
        self.isPrivate = isPrivate
    }
}

/// What a child of a standing worker is told: the edits, and what to do.
struct ChildInstructions: Encodable {
    /// In the order of the sources, as a fresh worker gets them.
    var edited: [Edit]
    /// Missing for everything that was added.
    var groups: [String]?
    var jumps: [WorkerInstructions.PlannedJump]
    var checks: [Int]
    var checkpoints: [WorkerInstructions.State]
    var stop: WorkerInstructions.StopPlace?
    var control: ControlFile.Use?
    var preview: Bool

    struct Edit: Encodable {
        var path: String
        var text: String
    }

    init(_ instructions: WorkerInstructions) {
        edited = instructions.sources.compactMap { source in
            source.edited.map { Edit(path: source.path, text: $0) }
        }
        groups = instructions.groups
        jumps = instructions.jumps
        checks = instructions.checks
        checkpoints = instructions.checkpoints
        stop = instructions.stop
        control = instructions.control
        preview = instructions.isPreview
    }
}
