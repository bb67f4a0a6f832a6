import JSON
import Postgres

/// Another user with whom one has exchanged messages, either way.
struct Chat: Sendable {
    let userId: Identifier
    let lastMessageId: Identifier

    var json: JSON {
        .object(["userId": .string(userId.description), "lastMessageAt": .string(Timestamp(of: lastMessageId).description)])
    }
}

/// Who has written to whom. The group commit notes it with each send; it outlives the messages.
struct ChatStore: Sendable {
    let pool: Pool

    static let statements = [list]

    private static let list = Statement(
        "chats.list",
        """
        SELECT high_user_id, low_last_id FROM chats WHERE low_user_id = $1::uuid AND low_last_id IS NOT NULL
        UNION SELECT low_user_id, high_last_id FROM chats WHERE high_user_id = $1::uuid AND high_last_id IS NOT NULL
        ORDER BY 2 DESC
        """)

    /// The user's chats, the latest first.
    func list(of userId: Identifier) async throws -> [Chat] {
        try await pool.run { connection in
            try connection.execute(Self.list, [.uuid(userId)]).map { Chat(userId: try $0.uuid(0), lastMessageId: try $0.uuid(1)) }
        }
    }
}
