import Foundation
import HindsightCore
import PythonRuntime

/// The environment of a replayed program: the recorded one, so that the program sees what it saw, and what
/// the runtime needs, which the runtime hides from the program.
enum WorkerEnvironment {
    static func variables(
        for material: RecordedMaterial, own: [String: String] = ProcessInfo.processInfo.environment
    ) -> [String: String] {
        var variables = material.run.environment
        // Secrets were not stored; where the user still has them, the program may need them.
        for name in material.details.withheld where variables[name] == nil {
            if let value = own[name] { variables[name] = value }
        }
        var set: [String] = []
        for (tracker, settings) in quietTrackers
        where material.sources.contains(where: { $0.text.contains(tracker) }) {
            for (name, value) in settings where variables[name].map({ $0 == "online" }) ?? true {
                variables[name] = value
                set.append(name)
            }
        }
        // The launcher's meeting point is gone; a process of its own makes one itself.
        if variables[agentStore] != nil {
            variables[agentStore] = "False"
            set.append(agentStore)
        }
        variables["HINDSIGHT_OWN"] = set.joined(separator: " ")
        let start = RuntimeResources.directory + "/start"
        let path = variables["PYTHONPATH"].map { $0.isEmpty ? "" : ":" + $0 } ?? ""
        variables["PYTHONPATH"] = start + path
        if variables["PYTHONHASHSEED"] == nil, let seed = material.details.hashSeed {
            variables["PYTHONHASHSEED"] = seed
            variables["HINDSIGHT_HASHSEED"] = seed
        }
        variables["HINDSIGHT_MODE"] = "replay"
        variables["HINDSIGHT_ROOT"] = material.run.root
        variables["HINDSIGHT_CHANNEL"] = "3"
        return variables
    }

    /// Set by `torchrun`, which serves the store at which processes meet.
    private static let agentStore = "TORCHELASTIC_USE_AGENT_STORE"

    /// No run of a tracker may begin. The sandbox has no network anyway; these keep clients from waiting
    /// for it. Only modes in which the client's interface stays the same, and only for programs that name
    /// the tracker: others would see variables that the recorded run did not have.
    private static let quietTrackers = [
        "wandb": ["WANDB_MODE": "offline"], "neptune": ["NEPTUNE_MODE": "offline"],
        "comet_ml": ["COMET_START_ONLINE": "0"],
        "mlflow": ["MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "1"],
    ]
}
