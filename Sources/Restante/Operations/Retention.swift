import Logging
import Postgres

/// Deletes what is left of what is gone; `Expiry` has ended the items themselves. Small batches, so that no send waits for it.
///
/// The database's clock decides. Several nodes may sweep at once: each takes what the others leave.
struct Retention: Sendable {
    let pool: Pool
    let days: Int
    let idempotencyHours: Int
    let logger: Logger

    static let statements = [
        expireUndelivered, expireShared, expireOneTimePasswords, expireSessions, expireTombstones, expireLookups, recentTombstones,
        rotate,
    ]
    private static let batch: Int32 = 1000

    /// Later than the items, whose expiry asks for these rows.
    private static let expireUndelivered = Statement(
        "retention.undelivered",
        """
        WITH gone AS (
            DELETE FROM undelivered WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM undelivered
                WHERE message_id < (SELECT first_id_of(now() - make_interval(days => $1::int4, hours => 6))) LIMIT $2::int4 FOR UPDATE SKIP LOCKED))
            RETURNING 1
        )
        SELECT count(*) FROM gone
        """)

    private static let expireShared = Statement(
        "retention.shared",
        "DELETE FROM shared_items WHERE outstanding <= 0 OR message_id < (SELECT first_id_of(now() - make_interval(days => $1::int4)))")

    private static let expireOneTimePasswords = Statement(
        "retention.otp", "DELETE FROM one_time_passwords WHERE expires_at < now() - interval '1 hour'")

    /// A refresh token that was used lately still tells of its theft.
    private static let expireSessions = Statement(
        "retention.sessions", "DELETE FROM sessions WHERE refresh_expires_at < now() OR refreshed_at < now() - interval '30 days'")

    private static let expireTombstones = Statement(
        "retention.tombstones", "DELETE FROM devices WHERE revoked_at < now() - interval '7 days'")

    private static let expireLookups = Statement(
        "retention.lookups", "DELETE FROM number_lookups WHERE looked_up_at < now() - interval '30 days'")

    private static let recentTombstones = Statement(
        "retention.recent_tombstones", "SELECT device_id FROM devices WHERE revoked_at > now() - interval '15 minutes'")

    private static let rotate = Statement("retention.rotate", "SELECT rotate_sent_messages($1::int4)")

    /// Makes the days of `sent_messages` that sends need; before the first send.
    func prepare(on connection: Connection) throws {
        _ = try connection.execute(Self.rotate, [.int32(Int32(idempotencyHours))], within: 10)
    }

    /// Sweeps every minute until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            do { try await sweep() } catch { logger.warning("sweep", metadata: ["error": .string("\(error)")]) }
            try? await Task.sleep(for: .seconds(60))
        }
    }

    func sweep() async throws {
        try await sweep(Self.expireUndelivered)
        let (days, hours) = (Int32(days), Int32(idempotencyHours))
        try await pool.run { connection in
            _ = try connection.execute(Self.expireShared, [.int32(days)], within: 10)
            _ = try connection.execute(Self.expireOneTimePasswords)
            try OTPBudgetStore.sweep(on: connection)
            _ = try connection.execute(Self.expireSessions, within: 10)
            _ = try connection.execute(Self.expireTombstones, within: 10)
            _ = try connection.execute(Self.expireLookups, within: 10)
            try KeyStore.expireClaims(on: connection)
            _ = try connection.execute(Self.rotate, [.int32(hours)], within: 10)
        }
        // A send that was under way when a device was removed may have written for it afterwards.
        try await pool.transaction { connection in
            let removed = try connection.execute(Self.recentTombstones).map { try $0.uuid(0) }
            if !removed.isEmpty { try InboxStore.clear(of: removed, on: connection) }
        }
    }

    private func sweep(_ statement: Statement) async throws {
        let parameters: [Parameter] = [.int32(Int32(days)), .int32(Self.batch)]
        var swept = Int64(Self.batch)
        while swept == Int64(Self.batch), !Task.isCancelled {
            swept = try await pool.run { try $0.execute(statement, parameters, within: 10)[0].int64(0) }
        }
    }
}
