package import Postgres

/// What the database remembers of its migrations.
package enum SchemaHistory {
    /// The migrations that were applied, ascending by version; none where there never was one.
    package static func read(_ connection: Connection) throws(PostgresError) -> [AppliedMigration] {
        guard try connection.execute(.historyExists)[0].bool(0) else { return [] }
        var applied: [AppliedMigration] = []
        for row in try connection.execute(.readHistory) {
            let appliedAt = Timestamp(milliseconds: try row.timestamp(3))
            applied.append(AppliedMigration(version: Int(try row.int64(0)), name: try row.text(1), checksum: try row.text(2), appliedAt: appliedAt))
        }
        return applied
    }
}

extension SchemaState {
    /// The state of a database.
    package static func read(_ connection: Connection, _ list: MigrationList) throws(PostgresError) -> SchemaState {
        SchemaState(applied: try SchemaHistory.read(connection), known: list.migrations)
    }
}

extension Statement {
    fileprivate static let historyExists = Statement("schema.exists", "SELECT to_regclass('schema_migrations') IS NOT NULL")
    fileprivate static let readHistory = Statement(
        "schema.history", "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version")
}
