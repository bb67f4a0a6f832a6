// swift-tools-version: 6.0
import PackageDescription

/// Swift 6 language mode with every warning an error; the rooms and their arrows are drawn in docs/architecture.md.
let strict: [SwiftSetting] = [
    .unsafeFlags(["-warnings-as-errors"]),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "restante",
    products: [
        .executable(name: "restante", targets: ["restante"]),
        .executable(name: "restante-load", targets: ["restante-load"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
    ],
    targets: [
        // C libraries, and nothing more than Swift needs to reach them.
        .systemLibrary(name: "CMicrohttpd", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
        .systemLibrary(name: "CLibcurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CEpoll"),
        // openapi.yaml and migrations/, compiled in.
        .target(name: "CAssets", cSettings: [.unsafeFlags(["-Wno-c23-extensions"])]),

        // One wrapper for each library; no wrapper imports another.
        .target(name: "HTTPServer", dependencies: ["CMicrohttpd"], swiftSettings: strict),
        .target(name: "Postgres", dependencies: ["CLibpq"], swiftSettings: strict),
        .target(name: "JSON", dependencies: ["CJansson"], swiftSettings: strict),
        .target(name: "HTTPClient", dependencies: ["CLibcurl"], swiftSettings: strict),

        // The application, by feature.
        .target(
            name: "Restante",
            dependencies: [
                "CAssets", "HTTPServer", "Postgres", "JSON", "HTTPClient",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),

        // The load, as a client would make it; knows the server by its contract only.
        .target(
            name: "LoadGenerator",
            dependencies: ["CEpoll", .product(name: "Histogram", package: "hdrhistogram-swift")],
            swiftSettings: strict),

        // The commands.
        .executableTarget(
            name: "restante",
            dependencies: [
                "Restante",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "restante-load",
            dependencies: [
                "LoadGenerator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        .testTarget(name: "HTTPServerTests", dependencies: ["HTTPServer"], swiftSettings: strict),
        .testTarget(name: "PostgresTests", dependencies: ["Postgres"], swiftSettings: strict),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: strict),
        .testTarget(name: "HTTPClientTests", dependencies: ["HTTPClient"], swiftSettings: strict),
        .testTarget(name: "LoadGeneratorTests", dependencies: ["LoadGenerator"], swiftSettings: strict),
        .testTarget(
            name: "RestanteTests",
            dependencies: [
                "Restante", "HTTPServer", "Postgres", "JSON", "HTTPClient", "restante",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
