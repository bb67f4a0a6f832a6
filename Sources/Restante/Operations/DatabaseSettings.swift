/// What each session is set to when it is opened.
enum DatabaseSettings {
    /// Seconds, in the server's hands; a call's own deadline comes first unless this process has stalled.
    private static let common =
        Durability.sessionSettings + [
            "SET statement_timeout = '10s'", "SET lock_timeout = '2s'", "SET idle_in_transaction_session_timeout = '10s'", "SET jit = off",
        ]

    static let ofPool = common

    /// A batch's statements are always better served by indexes, however full or empty a table was when the plan was made.
    static let ofWriter =
        common + [
            // Well below a batch's deadline: who waits for a lock then fails as that, and not as a lost connection.
            "SET lock_timeout = '250ms'",
            "SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off", "SET enable_hashjoin = off", "SET enable_mergejoin = off",
            "SET enable_bitmapscan = off",
        ]
}
