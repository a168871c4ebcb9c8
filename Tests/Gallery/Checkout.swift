import Foundation

/// Where this package and what was built from it lie on disk.
package enum Checkout {
    package static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    package static let systemTests = root.appendingPathComponent("Tests/SystemTests")
    package static let programs = root.appendingPathComponent("Tests/Programs")
    package static let python = root.appendingPathComponent("Sources/PythonRuntime/python")

    /// The executable under test: built beside the test bundle, whichever scratch path was chosen.
    package static let hindsight: URL = {
        // On macOS the runner is Xcode's and the bundle is loaded into it; on Linux the bundle is the process.
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
        let product = bundle ?? Bundle.main.executableURL!.resolvingSymlinksInPath()
        return product.deletingLastPathComponent().appendingPathComponent("hindsight")
    }()
}
