import Postgres

/// Puts read receipts into inboxes, where the reader's privacy lets them out.
struct ReadReceiptStore: Sendable {
    let pool: Pool

    static let statements = [relation]

    /// A row where reader and sender share a chat or a group: whether the reader gives this sender read receipts. A block between the two keeps them
    /// back, either way; not where they share a group, where whose messages are meant cannot be told and nothing may change.
    private static let relation = Statement(
        "receipts.relation",
        """
        SELECT u.read_receipts AND (g.is_shared OR NOT EXISTS (SELECT FROM blocks b
            WHERE b.user_id = $1::uuid AND b.blocked_id = $2::uuid OR b.user_id = $2::uuid AND b.blocked_id = $1::uuid))
        FROM users u CROSS JOIN LATERAL (
            SELECT EXISTS (
                SELECT FROM group_members a JOIN group_members b ON b.group_id = a.group_id
                WHERE a.user_id = $1::uuid AND b.user_id = $2::uuid) AS is_shared
        ) g
        WHERE u.user_id = $1::uuid AND (g.is_shared OR EXISTS (
            SELECT FROM chats WHERE low_user_id = least($1::uuid, $2::uuid) AND high_user_id = greatest($1::uuid, $2::uuid)
                AND CASE WHEN $1::uuid < $2::uuid THEN low_last_id ELSE high_last_id END IS NOT NULL))
        """)

    /// What was put into inboxes: nothing where the reader gives no receipts. Throws 404 for somebody the reader has nothing to do with.
    func write(_ item: InboxItem, from reader: Identifier, to sender: Identifier) async throws -> [Delivery] {
        try await pool.transaction { connection in
            guard let row = try connection.execute(Self.relation, [.uuid(reader), .uuid(sender)]).first else {
                throw Problem(.notFound, detail: "You share no chat and no group with this user.")
            }
            guard try row.bool(0) else { return [] }
            return try InboxStore.put(item, channel: reader, for: .users([sender]), on: connection)
        }
    }
}
