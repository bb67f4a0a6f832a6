import Crypto

/// One step of the database's schema: a file `NNNN_name.sql` with a section `-- migrate:up` and, where there is a way back, `-- migrate:down`.
package struct Migration: Sendable {
    package let version: Int
    /// The file's name without `.sql`: `0001_accounts`.
    package let name: String
    package let up: MigrationSection
    /// nil: there is no way back.
    package let down: MigrationSection?

    /// The SHA-256 of the up section in lower-case hex: what `schema_migrations` remembers, so that an edit after the fact is seen.
    ///
    /// The down section may still be mended: it has not run.
    package var checksum: String {
        SHA256.hash(data: Array(up.sql.utf8)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}

/// The SQL of one direction.
package struct MigrationSection: Sendable {
    package let sql: String
    /// The line of the file in which `sql` begins, from 1.
    package let firstLine: Int
}

/// What is wrong with a migration file, with its line where there is one.
package struct MigrationFileError: Error, CustomStringConvertible {
    package let file: String
    package let line: Int?
    package let reason: String

    package var description: String { file + (line.map { ":\($0)" } ?? "") + ": " + reason }
}
