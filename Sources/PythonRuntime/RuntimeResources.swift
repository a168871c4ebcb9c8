import Foundation

/// Where the Python side lies on disk.
public enum RuntimeResources {
    /// The folder that holds `start` and `hindsight_runtime`.
    public static var directory: String {
        Bundle.module.resourceURL!.appendingPathComponent("python").path
    }
}
