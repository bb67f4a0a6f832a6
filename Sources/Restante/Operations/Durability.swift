package import Postgres

/// Whether "committed" means "on disk" in a database.
///
/// A message that was answered with 201 must survive the loss of power, so the server refuses to work on a database that was told to take risks:
/// fsync or full_page_writes off, commits that do not wait for the disk, tables that are emptied by a crash.
package struct Durability: Sendable {
    /// Run on every session that writes: `ALTER ROLE … SET synchronous_commit = off` would else apply without a word.
    package static let sessionSettings = ["SET synchronous_commit = on"]

    let fsync: String
    let fullPageWrites: String
    let synchronousCommit: String
    let isStandby: Bool
    /// Tables whose rows a crash takes away.
    let unloggedTables: [String]

    /// Asks a database on a session that was opened with `sessionSettings`.
    package static func read(_ connection: Connection) throws(PostgresError) -> Durability {
        let settings = try connection.execute(.durabilitySettings)[0]
        var unlogged: [String] = []
        for row in try connection.execute(.unloggedTables) { unlogged.append(try row.text(0)) }
        return Durability(
            fsync: try settings.text(0), fullPageWrites: try settings.text(1), synchronousCommit: try settings.text(2),
            isStandby: try settings.bool(3), unloggedTables: unlogged)
    }

    /// What speaks against this database and what to do about it, one line for each fault.
    package var faults: [String] {
        var faults: [String] = []
        if fsync != "on" { faults.append("fsync is \(fsync): committed messages would be lost with the power. Set it on in postgresql.conf") }
        if fullPageWrites != "on" { faults.append("full_page_writes is \(fullPageWrites): a crash can tear pages. Set it on in postgresql.conf") }
        if !["on", "remote_apply"].contains(synchronousCommit) {
            faults.append("synchronous_commit is \(synchronousCommit): commits would not wait for the disk")
        }
        if isStandby { faults.append("the database is a standby: connect to its primary") }
        for table in unloggedTables { faults.append("table \(table) is UNLOGGED: a crash empties it. ALTER TABLE … SET LOGGED") }
        return faults
    }
}

extension Statement {
    fileprivate static let durabilitySettings = Statement(
        "durability.settings",
        """
        SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), pg_is_in_recovery()
        """)
    fileprivate static let unloggedTables = Statement(
        "durability.unlogged",
        """
        SELECT relname::text FROM pg_class
        WHERE relpersistence = 'u' AND relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace
        ORDER BY relname
        """)
}
