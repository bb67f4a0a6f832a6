import Glibc

/// What each session is set to when it is opened.
enum DatabaseSettings {
    /// Tells the sessions of this machine's server from those of other nodes, in `pg_stat_activity`.
    static let applicationName = "restante on " + hostName()

    static let ofHints = ["SET application_name = '\(applicationName)'"]

    /// Seconds, in the server's hands; a call's own deadline comes first unless this process has stalled.
    private static let common =
        ofHints + Durability.sessionSettings + [
            "SET statement_timeout = '10s'", "SET lock_timeout = '2s'", "SET idle_in_transaction_session_timeout = '10s'", "SET jit = off",
        ]

    static let ofPool = common

    /// A batch's statements are always better served by indexes, however full or empty a table was when the plan was made.
    static let ofWriter =
        common + [
            // Well below a batch's deadline: who waits for a lock then fails as that, and not as a lost connection.
            "SET lock_timeout = '250ms'",
            // No attempt is waited for longer than two seconds; what goes on without its client only slows the next one.
            "SET statement_timeout = '2500ms'", "SET client_connection_check_interval = '500ms'",
            "SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off", "SET enable_hashjoin = off", "SET enable_mergejoin = off",
            "SET enable_bitmapscan = off",
        ]

    /// Without what would have to be quoted.
    private static func hostName() -> String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "-" }
        let name = bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let plain = name.filter { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "'") && $0 != UInt8(ascii: "\\") }
        // PostgreSQL cuts what is longer than 63 bytes in all.
        return String(decoding: plain.prefix(50), as: UTF8.self)
    }
}
