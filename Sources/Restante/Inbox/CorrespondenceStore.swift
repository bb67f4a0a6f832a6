import Postgres

/// Takes what a user who is no more had to do with messages out of the inboxes and of what is remembered of sends.
///
/// Each function does a bounded part, in the caller's transaction, and says whether there may be more. They find their rows by index and hold few of them,
/// so no batch of messages waits long.
enum CorrespondenceStore {
    static let statements = [countPages, withdrawMessages, clearUndelivered, forgetSends, forgetLowChats, forgetHighChats]

    private static let rows: Int32 = 500

    private static let countPages = Statement(
        "correspondence.count_pages", "SELECT pg_relation_size('inbox') / current_setting('block_size')::int8")

    /// In the pages from $2 to before $3 of the table: no index by sender, which each message would pay for, and which only this would use.
    /// Messages, of which nobody owes the receipts any more, and whatever else came from the user: receipts, missed calls. What others sent to the user stays
    /// with them, the copies of their own messages; and the end of a call, which is gone by itself within the hour.
    private static let withdrawMessages = Statement(
        "correspondence.withdraw_messages",
        """
        WITH gone AS (
            DELETE FROM inbox
            WHERE ctid >= ('(' || $2::int8 || ',0)')::tid AND ctid < ('(' || $3::int8 || ',0)')::tid
                AND (sender_id = $1::uuid OR channel_id = $1::uuid AND sender_id IS NULL AND NOT is_fleeting
                    AND substring(item FROM 1 FOR 18) <> convert_to('"direction":"out",', 'UTF8'))
            RETURNING device_id, message_id, receipt_due, item IS NULL AS is_shared
        ), settled AS (
            DELETE FROM undelivered u USING gone g JOIN devices d ON d.device_id = g.device_id
            WHERE g.receipt_due = 2 AND u.recipient_id = d.user_id AND u.message_id = g.message_id
        )
        SELECT message_id, is_shared FROM gone
        """)

    private static let clearUndelivered = Statement(
        "correspondence.clear_undelivered",
        "DELETE FROM undelivered WHERE ctid = ANY (ARRAY(SELECT ctid FROM undelivered WHERE recipient_id = $1::uuid LIMIT $2::int4))")

    /// On every day that can be remembered; the key of each begins with the sender.
    private static let forgetSends = Statement(
        "correspondence.forget_sends",
        """
        DELETE FROM sent_messages WHERE (day, sender_id, client_message_id) IN (
            SELECT day, sender_id, client_message_id FROM sent_messages
            WHERE day = ANY (ARRAY(SELECT (now() AT TIME ZONE 'UTC')::date - n FROM generate_series(-2, 33) n)) AND sender_id = $1::uuid LIMIT $2::int4)
        """)

    private static let forgetLowChats = Statement("correspondence.forget_low_chats", "DELETE FROM chats WHERE low_user_id = $1::uuid")
    private static let forgetHighChats = Statement("correspondence.forget_high_chats", "DELETE FROM chats WHERE high_user_id = $1::uuid")

    /// How many pages the table of the inboxes has now.
    static func countPages(on connection: Connection) throws(PostgresError) -> Int64 {
        try connection.execute(countPages)[0].int64(0)
    }

    /// Takes back what came from the user and others have not acknowledged, to groups as well, where it lies in these pages.
    static func withdrawMessages(from userId: Identifier, in pages: Range<Int64>, on connection: Connection) throws {
        let parameters: [Parameter] = [.uuid(userId), .int64(pages.lowerBound), .int64(pages.upperBound)]
        try InboxStore.release(connection.execute(withdrawMessages, parameters), on: connection)
    }

    /// Forgets which messages the user has sent, and which of those sent to them wait for a receipt.
    static func forgetSends(of userId: Identifier, on connection: Connection) throws -> Bool {
        let sends = try connection.execute(forgetSends, [.uuid(userId), .int32(rows)]).affected
        let waiting = try connection.execute(clearUndelivered, [.uuid(userId), .int32(rows)]).affected
        return sends + waiting > 0
    }

    static func forgetChats(of userId: Identifier, on connection: Connection) throws(PostgresError) {
        _ = try connection.execute(forgetLowChats, [.uuid(userId)])
        _ = try connection.execute(forgetHighChats, [.uuid(userId)])
    }
}
