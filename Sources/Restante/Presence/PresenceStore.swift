import Postgres

/// When users were last seen, and who may know it.
///
/// A user's last seen is shown as their setting `lastSeen` has it, to nobody whom they have blocked, and always to themselves. It is asked each time when
/// something is to be shown, so a changed setting and a block hold from the next moment on.
struct PresenceStore: Sendable {
    let pool: Pool

    static let statements = [find, visible, write]

    private static let find = Statement(
        "presence.find",
        """
        SELECT u.user_id, p.last_seen_at FROM users u LEFT JOIN presence p ON p.user_id = u.user_id
        WHERE u.user_id = ANY ($2::uuid[]) AND (
            u.user_id = $1::uuid
            OR (u.last_seen_visibility = 'everyone' OR u.last_seen_visibility = 'contacts'
                AND EXISTS (SELECT FROM contacts c WHERE c.user_id = u.user_id AND c.contact_id = $1::uuid))
            AND NOT EXISTS (SELECT FROM blocks b WHERE b.user_id = u.user_id AND b.blocked_id = $1::uuid))
        """)

    private static let visible = Statement(
        "presence.visible",
        """
        SELECT n.position::int4 - 1 FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS n(watcher_id, user_id, position)
        JOIN users u ON u.user_id = n.user_id
        WHERE u.user_id = n.watcher_id
            OR (u.last_seen_visibility = 'everyone' OR u.last_seen_visibility = 'contacts'
                AND EXISTS (SELECT FROM contacts c WHERE c.user_id = u.user_id AND c.contact_id = n.watcher_id))
            AND NOT EXISTS (SELECT FROM blocks b WHERE b.user_id = u.user_id AND b.blocked_id = n.watcher_id)
        """)

    /// In the order of ids, so that nodes that write together do not lock each other out; users that are no more are passed over.
    private static let write = Statement(
        "presence.write",
        """
        WITH known AS (
            SELECT u.user_id, s.last_seen_at FROM unnest($1::uuid[], $2::timestamptz[]) AS s(user_id, last_seen_at)
            JOIN users u ON u.user_id = s.user_id ORDER BY u.user_id FOR KEY SHARE OF u
        )
        INSERT INTO presence AS p (user_id, last_seen_at) SELECT user_id, last_seen_at FROM known ORDER BY user_id
        ON CONFLICT (user_id) DO UPDATE SET last_seen_at = excluded.last_seen_at WHERE p.last_seen_at < excluded.last_seen_at
        """)

    /// Those of these users whose last seen the asking one may know, and when that was; a user who was never seen has just registered.
    func find(_ users: [Identifier], for asking: Identifier) async throws -> [(userId: Identifier, lastSeenAt: Timestamp)] {
        try await pool.run { connection in
            try connection.execute(Self.find, [.uuid(asking), .uuids(users)]).map { row in
                let userId = try row.uuid(0)
                return (userId, try row.optionalTimestamp(1).map { Timestamp(milliseconds: $0) } ?? Timestamp(of: userId))
            }
        }
    }

    /// Those of these notices whose watcher may know. `completion` runs once, on a thread of the pool.
    func filter(
        _ notices: [PresenceSubscriptions.Notice], _ completion: @escaping @Sendable (Result<[PresenceSubscriptions.Notice], any Error>) -> Void
    ) {
        pool.submit { connection in
            completion(
                Result {
                    try connection.get().execute(Self.visible, [.uuids(notices.map(\.watcherId)), .uuids(notices.map(\.userId))])
                        .map { notices[Int(try $0.int32(0))] }
                })
        }
    }

    /// Writes when these were last seen, unless later is known. `completion` runs once, on a thread of the pool.
    func write(_ seen: [Identifier: Timestamp], _ completion: @escaping @Sendable (Bool) -> Void) {
        let seen = Array(seen)
        pool.submit { connection in
            let parameters: [Parameter] = [.uuids(seen.map(\.key)), .timestamps(seen.map(\.value.milliseconds))]
            completion((try? connection.get().execute(Self.write, parameters)) != nil)
        }
    }
}
