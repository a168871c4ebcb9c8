// swift-tools-version: 6.2
import PackageDescription

/// Modules from the top down; each depends only on those below it (README, "How it works").
let package = Package(
    name: "hindsight",
    platforms: [.macOS(.v13)],
    products: [.executable(name: "hindsight", targets: ["hindsight"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        // Content addresses of blobs: SHA-256 with the processor's own instructions.
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .executableTarget(
            name: "hindsight",
            dependencies: [
                "EditorServer", "LanguageServerProtocol", "PythonSource", "Replaying", "Recording",
                "RunStore",
                "HindsightCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "EditorServer",
            dependencies: [
                "LanguageServerProtocol", "Replaying", "PythonSource", "RunStore", "HindsightCore",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(name: "LanguageServerProtocol"),
        .target(
            name: "Replaying",
            dependencies: [
                "PythonSource", "PythonRuntime", "RunStore", "HindsightCore", "LocalSockets",
                "CHindsightSystem",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "Recording",
            dependencies: [
                "PythonRuntime", "RunStore", "HindsightCore", "LocalSockets", "CHindsightSystem",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "PythonSource",
            dependencies: [
                "PythonRuntime", "HindsightCore",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]
        ),
        .target(
            name: "RunStore",
            dependencies: [
                "HindsightCore",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]
        ),
        .target(name: "HindsightCore"),
        .target(
            name: "PythonRuntime",
            dependencies: [.product(name: "Crypto", package: "swift-crypto")],
            resources: [.copy("python")]
        ),
        .target(name: "LocalSockets", dependencies: ["CHindsightSystem"]),
        .target(name: "CHindsightSystem"),
        .testTarget(name: "HindsightCoreTests", dependencies: ["HindsightCore"]),
        .testTarget(name: "LanguageServerProtocolTests", dependencies: ["LanguageServerProtocol"]),
        .testTarget(name: "RunStoreTests", dependencies: ["RunStore"]),
        .testTarget(name: "RecordingTests", dependencies: ["Recording", "RunStore"]),
        .testTarget(name: "PythonSourceTests", dependencies: ["PythonSource"]),
        .testTarget(
            name: "ReplayingTests",
            dependencies: ["Replaying", "PythonSource", "RunStore", "HindsightCore"]),
        .testTarget(name: "EditorServerTests", dependencies: ["EditorServer"]),
        // The programs of Tests/Programs: recorded, asked and compared, by the tests and by a command.
        .target(
            name: "Gallery",
            dependencies: ["EditorServer", "HindsightCore"],
            path: "Tests/Gallery"
        ),
        .executableTarget(
            name: "hindsight-gallery",
            dependencies: [
                "Gallery", "hindsight",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/GalleryCommand"
        ),
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "hindsight", "Gallery", "LanguageServerProtocol", "HindsightCore",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            exclude: ["Editors"]
        ),
    ],
    swiftLanguageModes: [.v6]
)
