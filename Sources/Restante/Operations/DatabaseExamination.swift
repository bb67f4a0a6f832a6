import Postgres

/// The checks of the doctor that need the database.
enum DatabaseExamination {
    typealias Finding = Doctor.Finding

    static func findings(_ configuration: Configuration) -> [Finding] {
        do {
            return try DatabaseAccess.withConnection(configuration) { connection in
                [try version(connection), try sessions(configuration, connection), try clock(connection)]
                    + (try durability(connection)) + [try schema(configuration, connection)]
            }
        } catch {
            return [Finding(verdict: .fail, check: "database", text: "\(error)")]
        }
    }

    private static func version(_ connection: Connection) throws -> Finding {
        let row = try connection.execute(.serverVersion)[0]
        let text = "PostgreSQL \(try row.text(0)) answers"
        guard try row.int32(1) >= 150_000 else { return Finding(verdict: .fail, check: "database", text: text + ": 15 or newer is needed") }
        return Finding(verdict: .ok, check: "database", text: text)
    }

    private static func sessions(_ configuration: Configuration, _ connection: Connection) throws -> Finding {
        let available = try connection.execute(.sessionLimit, [.text(DatabaseSettings.applicationName)])[0].int32(0)
        let ofBus = configuration.hasOtherNodes ? 2 : 0
        let ofSearches = 1
        let wanted = 2 * configuration.writers + ofSearches + configuration.poolSize + ofBus
        let text = "\(wanted) wanted for WRITERS, POOL_SIZE\(ofBus > 0 ? " and WAKE_BUS" : ""), \(available) available"
        guard wanted <= Int(available) else {
            return Finding(verdict: .fail, check: "sessions", text: text + ". Raise max_connections, or lower the settings")
        }
        return Finding(verdict: .ok, check: "sessions", text: text)
    }

    /// Message ids carry this machine's time, and what waits too long is recognised by it.
    private static func clock(_ connection: Connection) throws -> Finding {
        let before = Timestamp.now().milliseconds
        let theirs = try connection.execute(.clock)[0].timestamp(0)
        let after = Timestamp.now().milliseconds
        let apart = max(0, before - theirs, theirs - after)
        let text = "\(apart) ms between this machine and the database"
        guard apart <= 1_000 else {
            return Finding(verdict: apart > 60_000 ? .fail : .warn, check: "database clock", text: text + ". Run NTP on both")
        }
        return Finding(verdict: .ok, check: "database clock", text: text)
    }

    private static func durability(_ connection: Connection) throws -> [Finding] {
        let faults = try Durability.read(connection).faults
        guard faults.isEmpty else { return faults.map { Finding(verdict: .fail, check: "durability", text: $0) } }
        return [Finding(verdict: .ok, check: "durability", text: "a commit waits for the disk")]
    }

    /// The embedded database is brought up to date by the server itself.
    private static func schema(_ configuration: Configuration, _ connection: Connection) throws -> Finding {
        let state = try SchemaState.read(connection, try MigrationList.embedded())
        if case .older(let pending) = state, configuration.databaseURL == nil {
            return Finding(verdict: .ok, check: "schema", text: "\(pending.count) migrations pending, which serve applies to its embedded database")
        }
        guard let refusal = state.refusal else { return Finding(verdict: .ok, check: "schema", text: "up to date") }
        return Finding(verdict: .fail, check: "schema", text: refusal)
    }
}

extension Statement {
    fileprivate static let serverVersion = Statement(
        "doctor.version", "SELECT current_setting('server_version'), current_setting('server_version_num')::integer")
    /// What a server on this machine holds already is its own to use.
    fileprivate static let sessionLimit = Statement(
        "doctor.sessions",
        """
        SELECT current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
            - (SELECT count(*)::integer FROM pg_stat_activity
               WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> $1::text)
        """)
    fileprivate static let clock = Statement("doctor.clock", "SELECT clock_timestamp()")
}
