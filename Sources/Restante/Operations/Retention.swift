import Logging
import Postgres

/// Deletes what is left of what is gone; `Expiry` has ended the items themselves. Small batches, so that no send waits for it.
///
/// The database's clock decides. Several nodes may sweep at once: each takes what the others leave. A step that fails does not keep the others from
/// their work; it is tried again a minute later, and counted.
struct Retention: Sendable {
    let pool: Pool
    let days: Int
    let idempotencyHours: Int
    let failures: SweepFailures

    static let statements = [
        expireUndelivered, expireShared, expireOneTimePasswords, expireSessions, expireRefreshedSessions, expireTombstones, expireLookups,
        removedWithItems, rotate,
    ]
    private static let batch: Int32 = 1000

    private static let rotate = Statement("retention.rotate", "SELECT rotate_sent_messages($1::int4)")

    /// Later than the items, whose expiry asks for these rows.
    private static let expireUndelivered = Statement(
        "retention.undelivered",
        """
        DELETE FROM undelivered WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM undelivered
            WHERE message_id < (SELECT first_id_of(now() - make_interval(days => $2::int4, hours => 6)))
            ORDER BY message_id LIMIT $1::int4 FOR UPDATE SKIP LOCKED))
        """)

    private static let expireShared = Statement(
        "retention.shared",
        "DELETE FROM shared_items WHERE outstanding <= 0 OR message_id < (SELECT first_id_of(now() - make_interval(days => $1::int4)))")

    private static let expireOneTimePasswords = Statement(
        "retention.otp", "DELETE FROM one_time_passwords WHERE expires_at < now() - interval '1 hour'")

    private static let expireSessions = Statement(
        "retention.sessions",
        """
        DELETE FROM sessions WHERE session_id = ANY (ARRAY(
            SELECT session_id FROM sessions WHERE refresh_expires_at < now() LIMIT $1::int4 FOR UPDATE SKIP LOCKED))
        """)

    /// A refresh token that was used lately still tells of its theft.
    private static let expireRefreshedSessions = Statement(
        "retention.refreshed_sessions",
        """
        DELETE FROM sessions WHERE session_id = ANY (ARRAY(
            SELECT session_id FROM sessions WHERE refreshed_at < now() - interval '30 days' LIMIT $1::int4 FOR UPDATE SKIP LOCKED))
        """)

    private static let expireTombstones = Statement(
        "retention.tombstones",
        """
        DELETE FROM devices WHERE device_id = ANY (ARRAY(
            SELECT device_id FROM devices WHERE revoked_at < now() - interval '7 days' LIMIT $1::int4 FOR UPDATE SKIP LOCKED))
        """)

    private static let expireLookups = Statement(
        "retention.lookups",
        """
        DELETE FROM number_lookups WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM number_lookups WHERE looked_up_at < now() - interval '30 days' LIMIT $1::int4 FOR UPDATE SKIP LOCKED))
        """)

    /// One probe for each tombstone; a join would be free to read the whole inbox.
    private static let removedWithItems = Statement(
        "retention.removed_with_items",
        """
        SELECT d.device_id FROM devices d CROSS JOIN LATERAL (SELECT FROM inbox i WHERE i.device_id = d.device_id LIMIT 1) i
        WHERE d.revoked_at IS NOT NULL
        """)

    /// Makes the days of `sent_messages` that sends need; before the first send.
    func prepare(on connection: Connection) throws {
        _ = try connection.execute(Self.rotate, [.int32(Int32(idempotencyHours))], within: 10)
    }

    /// Sweeps every minute until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            await sweep()
            try? await Task.sleep(for: .seconds(60))
        }
    }

    func sweep() async {
        let days = Int32(days)
        // First, since without its day nothing can be sent.
        await failures.noting(.days) { try await pool.run { try prepare(on: $0) } }
        await failures.noting(.undelivered) { try await expire(Self.expireUndelivered, .int32(days)) }
        await failures.noting(.sharedItems) { try await pool.run { _ = try $0.execute(Self.expireShared, [.int32(days)], within: 10) } }
        await failures.noting(.oneTimePasswords) {
            try await pool.run { connection in
                _ = try connection.execute(Self.expireOneTimePasswords, within: 10)
                try OTPBudgetStore.sweep(on: connection)
            }
        }
        await failures.noting(.sessions) {
            try await expire(Self.expireSessions)
            try await expire(Self.expireRefreshedSessions)
        }
        // Each takes its sessions with it, hundreds of an active device.
        await failures.noting(.devices) { try await expire(Self.expireTombstones, portion: 50) }
        await failures.noting(.lookups) { try await expire(Self.expireLookups) }
        await failures.noting(.keyClaims) { try await pool.run { try KeyStore.expireClaims(on: $0) } }
        await failures.noting(.lateItems) { try await clearInboxesOfTheRemoved() }
    }

    /// Runs the statement until it finds less than a portion.
    private func expire(_ statement: Statement, portion: Int32 = batch, _ more: Parameter...) async throws {
        var count = Int(portion)
        while count == Int(portion), !Task.isCancelled {
            count = try await pool.run { try $0.execute(statement, [.int32(portion)] + more, within: 10).affected }
        }
    }

    /// A send that was under way when a device was removed may have written for it afterwards, and a full inbox is not cleared by the request that
    /// removes its device.
    private func clearInboxesOfTheRemoved() async throws {
        let removed = try await pool.run { try $0.execute(Self.removedWithItems, within: 10).map { try $0.uuid(0) } }
        guard !removed.isEmpty else { return }
        while !Task.isCancelled, try await pool.transaction({ try InboxStore.clear(of: removed, on: $0) }) {}
    }
}
