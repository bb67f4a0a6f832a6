import Postgres

/// The SQL of the expiry.
enum ExpiryStatements {
    static let all = [claim, takeAged, takeExpired, owners, settle, blocked, gaps, withdrawGaps, forgetGaps, addGaps]

    /// Whether no other node is sweeping now. Two at once would both find that a device has no GAP yet, and give it two.
    static let claim = Statement("expiry.claim", "SELECT pg_try_advisory_xact_lock(hashtext('expiry'))")

    static let takeAged = Statement(
        "expiry.take_aged",
        """
        DELETE FROM inbox WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM inbox WHERE message_id < (SELECT first_id_of(now() - make_interval(days => $1::int4)))
            ORDER BY message_id LIMIT $2::int4 FOR UPDATE SKIP LOCKED))
        RETURNING device_id, message_id, sender_id, receipt_due, item IS NULL, is_fleeting, coalesce(channel_id = sender_id, false)
        """)

    static let takeExpired = Statement(
        "expiry.take_expired",
        """
        DELETE FROM inbox WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM inbox WHERE expires_at <= now() ORDER BY expires_at LIMIT $1::int4 FOR UPDATE SKIP LOCKED))
        RETURNING device_id, message_id, sender_id, receipt_due, item IS NULL, is_fleeting, coalesce(channel_id = sender_id, false)
        """)

    static let owners = Statement(
        "expiry.owners", "SELECT device_id, user_id FROM devices WHERE device_id = ANY ($1::uuid[]) AND revoked_at IS NULL")

    /// Of messages to somebody with several devices: those that none of them had acknowledged. Nobody owes their receipt afterwards.
    static let settle = Statement(
        "expiry.settle",
        """
        DELETE FROM undelivered u USING unnest($1::uuid[], $2::uuid[]) AS e(recipient_id, message_id)
        WHERE u.recipient_id = e.recipient_id AND u.message_id = e.message_id RETURNING u.recipient_id, u.message_id
        """)

    /// Of these ways from a sender to a recipient: those of whose recipient the sender is blocked.
    static let blocked = Statement(
        "expiry.blocked",
        """
        SELECT b.user_id, b.blocked_id FROM unnest($1::uuid[], $2::uuid[]) AS w(recipient_id, sender_id)
        JOIN blocks b ON b.user_id = w.recipient_id AND b.blocked_id = w.sender_id
        """)

    static let gaps = Statement(
        "expiry.gaps", "SELECT device_id, message_id FROM gaps WHERE device_id = ANY ($1::uuid[]) ORDER BY device_id FOR UPDATE")

    static let withdrawGaps = Statement(
        "expiry.withdraw_gaps",
        """
        DELETE FROM inbox i USING unnest($1::uuid[], $2::uuid[]) AS g(device_id, message_id)
        WHERE i.device_id = g.device_id AND i.message_id = g.message_id RETURNING i.device_id
        """)

    static let forgetGaps = Statement("expiry.forget_gaps", "DELETE FROM gaps WHERE device_id = ANY ($1::uuid[])")

    static let addGaps = Statement(
        "expiry.add_gaps",
        """
        INSERT INTO gaps AS g (device_id, message_id, dropped, since, until)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::timestamptz[], $5::timestamptz[])
        ON CONFLICT (device_id) DO UPDATE SET message_id = excluded.message_id, dropped = g.dropped + excluded.dropped,
            since = least(g.since, excluded.since), until = greatest(g.until, excluded.until)
        RETURNING device_id, message_id, dropped, since, until
        """)
}
