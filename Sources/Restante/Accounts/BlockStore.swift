import Postgres

/// Who has blocked whom.
///
/// A block cannot be seen from the other side: what the blocked one sends is answered as ever and goes nowhere, and whatever else they ask about the
/// blocker is answered as one of the blocker's privacy settings might have it. Other features ask `hasBlocked`, or look into the table in statements of
/// their own where a round trip would cost too much (`InboxStatements`, `GroupStatements`).
struct BlockStore: Sendable {
    let pool: Pool
    let limits: LimitTable

    static let statements = [countOthers, add, remove, list, exists]

    private static let countOthers = Statement(
        "blocks.count_others", "SELECT count(*) FROM blocks WHERE user_id = $1::uuid AND blocked_id <> $2::uuid")

    /// A row where there is such a user.
    private static let add = Statement(
        "blocks.add",
        """
        WITH other AS (
            SELECT user_id FROM users WHERE user_id = $2::uuid FOR KEY SHARE
        ), added AS (
            INSERT INTO blocks (user_id, blocked_id) SELECT $1::uuid, user_id FROM other ON CONFLICT DO NOTHING
        )
        SELECT user_id FROM other
        """)

    /// A row where there is such a user.
    private static let remove = Statement(
        "blocks.remove",
        """
        WITH removed AS (DELETE FROM blocks WHERE user_id = $1::uuid AND blocked_id = $2::uuid)
        SELECT user_id FROM users WHERE user_id = $2::uuid
        """)

    private static let list = Statement("blocks.list", "SELECT blocked_id FROM blocks WHERE user_id = $1::uuid ORDER BY blocked_id")

    private static let exists = Statement(
        "blocks.exists", "SELECT EXISTS (SELECT FROM blocks WHERE user_id = $1::uuid AND blocked_id = $2::uuid)")

    /// Once more is as good as once. Throws 404 for an unknown user, 429 where the caller has blocked too many.
    func block(_ other: Identifier, by userId: Identifier) async throws {
        let most = limits[.blockedUsers]
        try await pool.transaction { connection in
            try UserStore.hold(userId, on: connection)
            guard try !connection.execute(Self.add, [.uuid(userId), .uuid(other)]).isEmpty else { throw AccountError.unknownUser }
            guard try connection.execute(Self.countOthers, [.uuid(userId), .uuid(other)])[0].int64(0) < most else {
                throw AccountError.tooManyBlocked
            }
        }
    }

    /// Also where there was no block. Throws 404 for an unknown user.
    func unblock(_ other: Identifier, by userId: Identifier) async throws {
        try await pool.run { connection in
            guard try !connection.execute(Self.remove, [.uuid(userId), .uuid(other)]).isEmpty else { throw AccountError.unknownUser }
        }
    }

    /// Whom this user has blocked, by id.
    func list(of userId: Identifier) async throws -> [Identifier] {
        try await pool.run { connection in
            try connection.execute(Self.list, [.uuid(userId)]).map { try $0.uuid(0) }
        }
    }

    static func hasBlocked(_ blocker: Identifier, _ other: Identifier, on connection: Connection) throws -> Bool {
        try connection.execute(exists, [.uuid(blocker), .uuid(other)])[0].bool(0)
    }
}
