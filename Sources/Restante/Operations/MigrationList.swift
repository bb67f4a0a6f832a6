import Glibc

/// The migrations that belong to this version of the program, ascending by version.
package struct MigrationList: Sendable {
    package let migrations: [Migration]

    /// Those that are compiled in.
    package static func embedded() throws(MigrationFileError) -> MigrationList {
        try MigrationList(parsing: Assets.migrations)
    }

    /// Those in a folder: every file that ends in `.sql`.
    package static func folder(_ path: String) throws(MigrationFileError) -> MigrationList {
        var files: [Assets.File] = []
        for name in try fileNames(in: path).sorted() where name.hasSuffix(".sql") {
            files.append(Assets.File(name: name, contents: try contents(of: path + "/" + name)))
        }
        return try MigrationList(parsing: files)
    }

    package init(parsing files: [Assets.File]) throws(MigrationFileError) {
        var byVersion: [Int: Migration] = [:]
        for file in files {
            let migration = try Migration.parse(file: file.name, contents: file.contents)
            if let other = byVersion.updateValue(migration, forKey: migration.version) {
                throw MigrationFileError(file: file.name, line: nil, reason: "has the version of \(other.name).sql")
            }
        }
        migrations = byVersion.values.sorted { $0.version < $1.version }
    }

    /// Writes an empty migration with the next free version into `folder`; returns its path.
    package static func create(_ name: String, in folder: String) throws(MigrationFileError) -> String {
        let versions = try fileNames(in: folder).compactMap { Int($0.prefix { $0.isASCII && $0.isNumber }) }
        let digits = String((versions.max() ?? 0) + 1)
        let file = String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "_\(name).sql"
        let template = "-- What this changes, and why.\n\n-- migrate:up\n\n-- migrate:down\n"
        // Judges the name before anything is written; the statement stands for the ones that will be.
        _ = try Migration.parse(file: file, contents: Array("-- migrate:up\nSELECT 1;\n".utf8))
        let path = folder + "/" + file
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw fault(path) }
        defer { close(descriptor) }
        guard write(descriptor, template, template.utf8.count) == template.utf8.count else { throw fault(path) }
        return path
    }

    private static func fileNames(in folder: String) throws(MigrationFileError) -> [String] {
        guard let directory = opendir(folder) else { throw fault(folder) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) { String(cString: $0) }
                })
        }
        return names
    }

    private static func contents(of path: String) throws(MigrationFileError) -> [UInt8] {
        guard let file = fopen(path, "re") else { throw fault(path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        guard ferror(file) == 0 else { throw fault(path) }
        return bytes
    }

    /// Takes the reason from `errno`, so it must follow the failed call at once.
    private static func fault(_ path: String) -> MigrationFileError {
        MigrationFileError(file: path, line: nil, reason: String(cString: strerror(errno)))
    }
}
