/// How the database's schema stands to the one that this program was built for.
package enum SchemaState: Sendable {
    case current
    /// These are not applied yet, ascending by version.
    case older(pending: [Migration])
    /// The database has had migrations that this program does not know: it belongs to a newer program.
    case newer(unknown: [AppliedMigration])
    /// These have changed since they were applied, so what the database holds is not what the files say.
    case edited([Migration])

    /// Holds what was applied against what is known; pure, so that every case can be tested without a database.
    package init(applied: [AppliedMigration], known: [Migration]) {
        let knownByVersion = Dictionary(uniqueKeysWithValues: known.map { ($0.version, $0) })
        let appliedVersions = Set(applied.map(\.version))
        let unknown = applied.filter { knownByVersion[$0.version] == nil }
        let edited = applied.compactMap { done in knownByVersion[done.version].flatMap { $0.checksum == done.checksum ? nil : $0 } }
        let pending = known.filter { !appliedVersions.contains($0.version) }
        if !unknown.isEmpty {
            self = .newer(unknown: unknown)
        } else if !edited.isEmpty {
            self = .edited(edited)
        } else if !pending.isEmpty {
            self = .older(pending: pending)
        } else {
            self = .current
        }
    }

    /// Why the server must not work on this database, and what to do; nil if it may.
    package var refusal: String? {
        switch self {
        case .current: nil
        case .older(let pending):
            "The database's schema is older than this program: \(pending.map(\.name).joined(separator: ", ")) not applied. Run: restante migrate up"
        case .newer(let unknown):
            "The database's schema is newer than this program: \(unknown.map(\.name).joined(separator: ", ")) unknown. Run the program that applied it."
        case .edited(let migrations):
            "Edited after being applied: \(migrations.map(\.name).joined(separator: ", ")). Restore the file and put the change into a new migration."
        }
    }
}

/// A row of `schema_migrations`.
package struct AppliedMigration: Sendable {
    package let version: Int
    package let name: String
    package let checksum: String
    package let appliedAt: Timestamp

    package init(version: Int, name: String, checksum: String, appliedAt: Timestamp) {
        self.version = version
        self.name = name
        self.checksum = checksum
        self.appliedAt = appliedAt
    }
}
