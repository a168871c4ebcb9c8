import Crypto
import Foundation

/// Where the Python side lies on disk.
public enum RuntimeResources {
    /// The folder that holds `start` and `hindsight_runtime`.
    public static var directory: String {
        Bundle.module.resourceURL!.appendingPathComponent("python").path
    }

    /// Changes with every change to the Python side: a digest of its sources.
    public static let version: String = {
        let folder = directory + "/hindsight_runtime"
        var digest = SHA256()
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        for name in names.sorted() where name.hasSuffix(".py") {
            digest.update(data: Data(name.utf8))
            digest.update(data: FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data())
        }
        return digest.finalize().prefix(8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            .joined()
    }()
}
