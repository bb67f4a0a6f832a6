package import Postgres

/// Brings a database to the point where the server may work on it, or says why it may not.
package enum DatabasePreparation {
    /// Migrates a database that is the server's own; of any other it only asks that the schema is this program's and that commits are durable.
    ///
    /// `connection` was opened with `Durability.sessionSettings`; `report` gets one line for each migration.
    package static func prepare(
        _ connection: Connection, isEmbedded: Bool, _ list: MigrationList, report: @escaping (String) -> Void
    ) throws {
        if isEmbedded { try MigrationRunner(list, report: report).up(connection) }
        let schema = try SchemaState.read(connection, list).refusal
        let faults = try Durability.read(connection).faults + (schema.map { [$0] } ?? [])
        guard faults.isEmpty else { throw DatabaseUnfit(faults: faults) }
    }
}

/// Why the server refuses to work on the database, one line for each fault.
package struct DatabaseUnfit: Error, CustomStringConvertible {
    package let faults: [String]

    package var description: String { faults.joined(separator: "\n") }
}
