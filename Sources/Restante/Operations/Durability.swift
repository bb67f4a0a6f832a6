package import Postgres

/// Whether "committed" means "on disk" in this database.
///
/// A message that was answered with 201 must survive the loss of power, so the server refuses to work on a database that was told to take risks:
/// fsync or full_page_writes off, commits that do not wait for the disk, tables that are emptied by a crash.
package enum Durability {
    /// Run on every session that writes: `ALTER ROLE … SET synchronous_commit = off` would else apply without a word.
    package static let sessionSettings = ["SET synchronous_commit = on"]

    /// What speaks against this database, one line for each fault; `connection` was opened with `sessionSettings`.
    package static func faults(_ connection: Connection) throws(PostgresError) -> [String] {
        let settings = try connection.execute(.durabilitySettings)[0]
        var faults: [String] = []
        if try settings.text(0) != "on" {
            faults.append("fsync is off: committed messages would be lost with the power. Set it on in postgresql.conf")
        }
        if try settings.text(1) != "on" { faults.append("full_page_writes is off: a crash can tear pages. Set it on in postgresql.conf") }
        let synchronousCommit = try settings.text(2)
        if !["on", "remote_apply"].contains(synchronousCommit) {
            faults.append("synchronous_commit is \(synchronousCommit): commits would not wait for the disk")
        }
        if try settings.bool(3) { faults.append("the database is a standby: connect to its primary") }
        for row in try connection.execute(.unloggedTables) {
            faults.append("table \(try row.text(0)) is UNLOGGED: a crash empties it. ALTER TABLE … SET LOGGED")
        }
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
