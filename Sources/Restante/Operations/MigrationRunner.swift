package import Postgres

/// Applies and undoes migrations, one transaction each.
///
/// Whoever changes the schema first takes one advisory lock and keeps it to the end: of two runs at a time, one works, and the other waits and then
/// finds nothing to do. What a migration locks it gets within 5 s or fails and is undone, because everybody who comes after a waiting
/// ALTER TABLE waits behind it.
package struct MigrationRunner {
    private let list: MigrationList
    private let report: (String) -> Void

    /// `report` gets one line for each step.
    package init(_ list: MigrationList, report: @escaping (String) -> Void) {
        self.list = list
        self.report = report
    }

    /// Applies what is pending, ascending by version; returns how many.
    @discardableResult
    package func up(_ connection: Connection) throws -> Int {
        try withLock(connection) {
            try connection.execute(simple: Self.historyTable, within: Self.patience)
            switch SchemaState(applied: try SchemaHistory.read(connection), known: list.migrations) {
            case .current:
                report("nothing to apply")
                return 0
            case .older(let pending):
                for migration in pending { try apply(migration, connection) }
                return pending.count
            case let state:
                throw MigrationError.refused(state.refusal ?? "")
            }
        }
    }

    /// Undoes the last applied migration or, with `version`, all after that version, descending; returns how many.
    @discardableResult
    package func down(to version: Int?, _ connection: Connection) throws -> Int {
        try withLock(connection) {
            let applied = try SchemaHistory.read(connection)
            if let version, version != 0, !applied.contains(where: { $0.version == version }) { throw MigrationError.noSuchVersion(version) }
            let undone = version.map { version in applied.reversed().filter { $0.version > version } } ?? Array(applied.suffix(1))
            if undone.isEmpty { report("nothing to undo") }
            for entry in undone { try undo(entry, connection) }
            return undone.count
        }
    }

    private func apply(_ migration: Migration, _ connection: Connection) throws {
        try run(migration.up, of: migration, connection) { connection in
            let values: [Parameter] = [.int64(Int64(migration.version)), .text(migration.name), .text(migration.checksum)]
            try connection.execute(.recordMigration, values, within: Self.patience)
        }
        report("applied \(migration.name)")
    }

    private func undo(_ entry: AppliedMigration, _ connection: Connection) throws {
        guard let migration = list.migrations.first(where: { $0.version == entry.version }) else {
            throw MigrationError.refused(SchemaState.newer(unknown: [entry]).refusal ?? "")
        }
        guard let down = migration.down else { throw MigrationError.irreversible(file: migration.fileName) }
        try run(down, of: migration, connection) { connection in
            try connection.execute(.forgetMigration, [.int64(Int64(migration.version))], within: Self.patience)
        }
        report("undid \(migration.name)")
    }

    /// Runs the section and its entry in the history as one transaction.
    private func run(
        _ section: MigrationSection, of migration: Migration, _ connection: Connection, record: (Connection) throws -> Void
    ) throws {
        do {
            try connection.transaction(within: Self.patience) { connection in
                try connection.execute(simple: section.sql, within: Self.patience)
                try record(connection)
            }
        } catch PostgresError.server(_, let message, _) {
            throw MigrationError.failed(file: migration.fileName, line: Self.line(in: message, of: section), reason: Self.summary(of: message))
        } catch PostgresError.outcomeUnknown {
            throw MigrationError.unknownOutcome(file: migration.fileName)
        }
    }

    private func withLock<T>(_ connection: Connection, _ body: () throws -> T) throws -> T {
        try connection.execute(simple: "SET statement_timeout = 0; SET lock_timeout = 0", within: 10)
        if try !connection.execute(.tryMigrationLock)[0].bool(0) {
            report("another run is at work: waiting for it")
            try connection.execute(.migrationLock, within: Self.patience)
        }
        // A session that is lost gives the lock back by itself.
        defer { _ = try? connection.execute(.migrationUnlock) }
        try connection.execute(simple: "SET lock_timeout = '5s'", within: 10)
        return try body()
    }

    /// Seconds: building an index over a large table may take this long.
    private static let patience = 3_600.0

    private static let historyTable = """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            version     bigint PRIMARY KEY,
            name        text NOT NULL,
            checksum    text NOT NULL,
            applied_at  timestamptz NOT NULL DEFAULT now()
        )
        """

    /// PostgreSQL counts lines from the start of what it was sent, and says so as "LINE 3: ...", unless the failure is not in the text.
    private static func line(in message: String, of section: MigrationSection) -> Int? {
        message.split(separator: "\n").lazy
            .filter { $0.hasPrefix("LINE ") }
            .compactMap { Int($0.dropFirst(5).prefix { $0 != ":" }) }
            .first
            .map { section.firstLine + $0 - 1 }
    }

    private static func summary(of message: String) -> String {
        let first = message.prefix { $0 != "\n" }
        return String(first.hasPrefix("ERROR:  ") ? first.dropFirst(8) : first)
    }
}

extension Migration {
    fileprivate var fileName: String { name + ".sql" }
}

extension Statement {
    // The key is "restante" in ASCII: other programs on the same database take other keys.
    fileprivate static let tryMigrationLock = Statement("migration.tryLock", "SELECT pg_try_advisory_lock(x'72657374616e7465'::bigint)")
    fileprivate static let migrationLock = Statement("migration.lock", "SELECT pg_advisory_lock(x'72657374616e7465'::bigint)")
    fileprivate static let migrationUnlock = Statement("migration.unlock", "SELECT pg_advisory_unlock(x'72657374616e7465'::bigint)")
    fileprivate static let recordMigration = Statement(
        "migration.record", "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1::bigint, $2::text, $3::text)")
    fileprivate static let forgetMigration = Statement("migration.forget", "DELETE FROM schema_migrations WHERE version = $1::bigint")
}
