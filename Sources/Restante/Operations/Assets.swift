import CAssets

/// The files that are compiled into the program, as values.
package enum Assets {
    package struct File: Sendable {
        package let name: String
        package let contents: [UInt8]
    }

    /// `openapi.yaml`, byte for byte.
    package static let openAPI = file(restante_openapi())

    /// The files of `migrations/`, by name.
    package static let migrations: [File] = (0..<restante_migration_count()).map { file(restante_migration($0)) }

    private static func file(_ asset: restante_asset) -> File {
        File(name: String(cString: asset.name), contents: Array(UnsafeBufferPointer(start: asset.bytes, count: asset.length)))
    }
}
