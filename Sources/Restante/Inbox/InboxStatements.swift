import Postgres

/// The SQL of the group commit. Each statement serves all that was waiting: its parameters are columns, one element for each request.
///
/// `IN (...) IS TRUE` is on purpose: as a join, PostgreSQL would compare every entry with every other; so it probes a hash. `(SELECT true ...)` is, too: as an
/// `EXISTS` it may become a join, for which a plan made while the table was small reads all of it. Where `EXISTS` stands all the same, it has been tried
/// on empty tables: `QueryPlanTests`.
enum InboxStatements {
    static let all = [lockSends, send, findSends, lockGroups, sendToGroup, acknowledge, release, read]

    /// Around midnight, when the day under which a send is remembered changes: makes two transactions with the same sends wait for each other, so
    /// that the later one, in its next statement, sees what the earlier one has written under another day.
    static let lockSends = Statement(
        "inbox.lock_sends",
        """
        SELECT pg_advisory_xact_lock(key) FROM (
            SELECT DISTINCT hashtextextended(sender_id::text || client_message_id::text, 0) AS key
            FROM unnest($1::uuid[], $2::uuid[]) AS e(sender_id, client_message_id) ORDER BY key
        ) k
        """)

    /// Writes messages from user to user into the inboxes of the recipient's devices and of the sender's other ones.
    /// Answers a row for each message that is new, whose recipient exists and whose sending device does still: its id and the devices of both kinds.
    /// For a recipient who has blocked the sender there is no device, and no chat on the recipient's side.
    static let send = Statement(
        "inbox.send",
        """
        WITH entry AS MATERIALIZED (
            SELECT e.*, b.is_blocked,
                ARRAY(SELECT device_id FROM devices WHERE user_id = e.recipient_id AND revoked_at IS NULL AND NOT b.is_blocked) AS recipient_devices,
                ARRAY(SELECT device_id FROM devices WHERE user_id = e.sender_id AND revoked_at IS NULL
                    AND device_id <> e.sender_device_id AND e.sender_id <> e.recipient_id) AS own_devices
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bytea[], $7::bytea[], $8::uuid[], $9::int4[])
                AS e(message_id, sender_id, sender_device_id, recipient_id, client_message_id, fingerprint, body, media_id, expires_in)
                CROSS JOIN LATERAL (
                    SELECT EXISTS (SELECT FROM blocks WHERE user_id = e.recipient_id AND blocked_id = e.sender_id) AS is_blocked OFFSET 0
                ) b
            WHERE EXISTS (SELECT FROM users WHERE user_id = e.recipient_id)
                AND (SELECT true FROM devices WHERE device_id = e.sender_device_id AND revoked_at IS NULL)
                AND NOT EXISTS (SELECT FROM sent_messages s WHERE s.sender_id = e.sender_id AND s.client_message_id = e.client_message_id)
        ), fresh AS (
            INSERT INTO sent_messages (day, sender_id, client_message_id, message_id, fingerprint)
            SELECT (now() AT TIME ZONE 'UTC')::date, sender_id, client_message_id, message_id, fingerprint FROM entry
            ON CONFLICT DO NOTHING RETURNING message_id
        ), accepted AS MATERIALIZED (
            SELECT * FROM entry WHERE (message_id IN (SELECT message_id FROM fresh)) IS TRUE
        ), chat AS (
            INSERT INTO chats (low_user_id, high_user_id, low_last_id, high_last_id)
            SELECT least(sender_id, recipient_id), greatest(sender_id, recipient_id),
                (array_agg(message_id ORDER BY message_id DESC) FILTER (WHERE NOT is_blocked OR sender_id < recipient_id))[1],
                (array_agg(message_id ORDER BY message_id DESC) FILTER (WHERE NOT is_blocked OR sender_id > recipient_id))[1]
            FROM accepted GROUP BY 1, 2 ORDER BY 1, 2
            ON CONFLICT (low_user_id, high_user_id) DO UPDATE SET
                low_last_id = greatest(chats.low_last_id, excluded.low_last_id), high_last_id = greatest(chats.high_last_id, excluded.high_last_id)
        ), granted AS (
            INSERT INTO media_grants (media_id, user_id)
            SELECT DISTINCT media_id, recipient_id FROM accepted a
            WHERE media_id IS NOT NULL AND NOT is_blocked AND (SELECT true FROM media m WHERE m.media_id = a.media_id) ORDER BY 1, 2
            ON CONFLICT DO NOTHING
        ), undelivered_by_device AS (
            INSERT INTO undelivered (recipient_id, message_id)
            SELECT recipient_id, message_id FROM accepted WHERE cardinality(recipient_devices) > 1
        ), incoming AS (
            INSERT INTO inbox (device_id, message_id, channel_id, sender_id, receipt_due, item, media_id, expires_at)
            SELECT device_id, message_id, sender_id, sender_id, CASE cardinality(recipient_devices) WHEN 1 THEN 1 ELSE 2 END,
                convert_to('"direction":"in",', 'UTF8') || body, media_id, now() + make_interval(secs => expires_in)
            FROM accepted, unnest(recipient_devices) AS device_id
        ), outgoing AS (
            INSERT INTO inbox (device_id, message_id, channel_id, sender_id, receipt_due, item, media_id, expires_at)
            SELECT device_id, message_id, recipient_id, NULL, 0,
                convert_to('"direction":"out","to":"' || recipient_id || '",', 'UTF8') || body, media_id, now() + make_interval(secs => expires_in)
            FROM accepted, unnest(own_devices) AS device_id
        )
        SELECT message_id, recipient_devices, own_devices FROM accepted
        """)

    /// What became of sends that wrote nothing: the message that stands under the clientMessageId, if any; and whether the sending device is still there.
    static let findSends = Statement(
        "inbox.find_sends",
        """
        SELECT e.message_id, s.message_id, s.fingerprint, EXISTS (SELECT FROM devices WHERE device_id = e.sender_device_id AND revoked_at IS NULL)
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) AS e(message_id, sender_id, client_message_id, sender_device_id)
        LEFT JOIN LATERAL (
            SELECT message_id, fingerprint FROM sent_messages
            WHERE sender_id = e.sender_id AND client_message_id = e.client_message_id ORDER BY day DESC LIMIT 1
        ) s ON true
        """)

    /// Keeps changes of these groups out until the transaction ends.
    static let lockGroups = Statement(
        "inbox.lock_groups", "SELECT group_id FROM groups WHERE group_id = ANY ($1::uuid[]) ORDER BY group_id FOR SHARE")

    /// Writes messages to groups, as `send` does; a body whose copies would exceed $10 bytes is stored once.
    ///
    /// No step carries a body with each device: of a long one that would be many megabytes. A member's devices are an array, and `OFFSET 0` keeps it one:
    /// they are found once for each member by the index, whatever a plan made without statistics believes. `alone` and `several` are the devices of
    /// members with one and with more of them, `users` those members, `own` the sender's other devices.
    static let sendToGroup = Statement(
        "inbox.send_to_group",
        """
        WITH entry AS MATERIALIZED (
            SELECT e.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bytea[], $7::bytea[], $8::uuid[], $9::int4[])
                AS e(message_id, sender_id, sender_device_id, group_id, client_message_id, fingerprint, body, media_id, expires_in)
            WHERE EXISTS (SELECT FROM group_members m WHERE m.group_id = e.group_id AND m.user_id = e.sender_id)
                AND (SELECT true FROM devices WHERE device_id = e.sender_device_id AND revoked_at IS NULL)
                AND NOT EXISTS (SELECT FROM sent_messages s WHERE s.sender_id = e.sender_id AND s.client_message_id = e.client_message_id)
        ), fresh AS (
            INSERT INTO sent_messages (day, sender_id, client_message_id, message_id, fingerprint)
            SELECT (now() AT TIME ZONE 'UTC')::date, sender_id, client_message_id, message_id, fingerprint FROM entry
            ON CONFLICT DO NOTHING RETURNING message_id
        ), accepted AS MATERIALIZED (
            SELECT a.*, now() + make_interval(secs => expires_in) AS expires_at, t.alone, t.several, t.own, t.users,
                cardinality(t.alone || t.several) * octet_length(body)::int8 > $10::int8 AS is_shared
            FROM entry a CROSS JOIN LATERAL (
                SELECT coalesce(array_agg(device_id) FILTER (WHERE NOT is_own AND cardinality(devices) = 1), '{}') AS alone,
                    coalesce(array_agg(device_id) FILTER (WHERE NOT is_own AND cardinality(devices) > 1), '{}') AS several,
                    coalesce(array_agg(user_id) FILTER (WHERE NOT is_own AND cardinality(devices) > 1 AND device_id = devices[1]), '{}') AS users,
                    coalesce(array_agg(device_id) FILTER (WHERE is_own), '{}') AS own
                FROM (
                    SELECT user_id, user_id = a.sender_id AS is_own,
                        ARRAY(SELECT device_id FROM devices d
                            WHERE d.user_id = m.user_id AND revoked_at IS NULL AND device_id <> a.sender_device_id) AS devices
                    FROM group_members m WHERE group_id = a.group_id OFFSET 0
                ) m, unnest(devices) AS device_id
            ) t
            WHERE (message_id IN (SELECT message_id FROM fresh)) IS TRUE
        ), shared AS (
            INSERT INTO shared_items (message_id, item, outstanding)
            SELECT message_id, convert_to('"direction":"in",', 'UTF8') || body, cardinality(alone || several) FROM accepted WHERE is_shared
        ), granted AS (
            INSERT INTO media_grants (media_id, user_id)
            SELECT DISTINCT media_id, user_id
            FROM accepted a CROSS JOIN LATERAL (SELECT user_id FROM group_members m WHERE m.group_id = a.group_id OFFSET 0) m
            WHERE media_id IS NOT NULL AND (SELECT true FROM media m WHERE m.media_id = a.media_id) ORDER BY 1, 2
            ON CONFLICT DO NOTHING
        ), undelivered_by_device AS (
            INSERT INTO undelivered (recipient_id, message_id) SELECT user_id, message_id FROM accepted, unnest(users) AS user_id
        ), written AS (
            INSERT INTO inbox (device_id, message_id, channel_id, sender_id, receipt_due, item, media_id, expires_at)
            SELECT d.device_id, message_id, group_id, sender_id, CASE WHEN d.number <= cardinality(alone) THEN 1 ELSE 2 END,
                CASE WHEN NOT is_shared THEN convert_to('"direction":"in",', 'UTF8') || body END, media_id, expires_at
            FROM accepted, unnest(alone || several) WITH ORDINALITY AS d(device_id, number)
        ), echoed AS (
            INSERT INTO inbox (device_id, message_id, channel_id, sender_id, receipt_due, item, media_id, expires_at)
            SELECT device_id, message_id, group_id, NULL, 0, convert_to('"direction":"out",', 'UTF8') || body, media_id, expires_at
            FROM accepted, unnest(own) AS device_id
        )
        SELECT message_id, alone || several, own FROM accepted
        """)

    /// Deletes exactly the named items, and gives each sender one receipt for all that one request acknowledged for the first time; none to whom the
    /// caller has blocked, but for what came in a group, where it would be missed.
    /// Answers rows of two kinds: request and count, or device, message id and item of a receipt. The item's text is put together here, because a
    /// second round trip would cost more; it holds nothing but UUIDs.
    static let acknowledge = Statement(
        "inbox.acknowledge",
        """
        WITH gone AS (
            DELETE FROM inbox i
            USING unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int4[], $5::uuid[]) AS a(device_id, message_id, user_id, request, receipt_id)
            WHERE i.device_id = a.device_id AND i.message_id = a.message_id
            RETURNING i.message_id, i.sender_id, i.receipt_due, i.item IS NULL AS is_shared, i.channel_id = i.sender_id AS is_direct,
                a.user_id, a.request, a.receipt_id
        ), first AS (
            DELETE FROM undelivered u USING gone g
            WHERE g.receipt_due = 2 AND u.recipient_id = g.user_id AND u.message_id = g.message_id
            RETURNING u.recipient_id, u.message_id
        ), receipt AS (
            SELECT (array_agg(receipt_id ORDER BY receipt_id))[1] AS message_id, user_id, sender_id,
                convert_to(format('"type":"RECEIPT","status":"delivered","messageIds":["%s"],"from":{"userId":"%s"}}',
                    string_agg(message_id::text, '","' ORDER BY message_id), user_id), 'UTF8') AS item
            FROM (
                SELECT DISTINCT ON (user_id, message_id) * FROM gone
                WHERE (receipt_due = 1 OR receipt_due = 2 AND ((user_id, message_id) IN (SELECT recipient_id, message_id FROM first)) IS TRUE)
                    AND NOT (is_direct AND EXISTS (SELECT FROM blocks b WHERE b.user_id = gone.user_id AND b.blocked_id = gone.sender_id))
                ORDER BY user_id, message_id, request
            ) owed
            GROUP BY request, user_id, sender_id
        ), told AS (
            INSERT INTO inbox (device_id, message_id, channel_id, sender_id, receipt_due, item)
            SELECT d.device_id, r.message_id, r.user_id, NULL, 0, r.item
            FROM receipt r JOIN devices d ON d.user_id = r.sender_id AND d.revoked_at IS NULL
            RETURNING device_id, message_id, item
        ), released AS (
            UPDATE shared_items s SET outstanding = s.outstanding - g.count
            FROM (SELECT message_id, count(*) AS count FROM gone WHERE is_shared GROUP BY message_id ORDER BY message_id) g
            WHERE s.message_id = g.message_id
        )
        SELECT request, count(*), NULL::uuid, NULL::uuid, NULL::bytea FROM gone GROUP BY request
        UNION ALL SELECT NULL, NULL, device_id, message_id, item FROM told
        """)

    /// Takes the shared items away that nobody waits for any more. A statement of its own: one statement cannot change a row and delete it.
    static let release = Statement("inbox.release", "DELETE FROM shared_items WHERE outstanding <= 0")

    /// Reads the oldest items of devices: at most `most` each, and at most $6 bytes of them beyond the first; never what has expired or is older than $7 days.
    /// `total` counts what is there, up to `most`, so that a reader learns whether bytes cut it short.
    static let read = Statement(
        "inbox.read",
        """
        SELECT request, message_id, item, total FROM (
            SELECT r.request, i.message_id, i.item,
                count(*) OVER (PARTITION BY r.request) AS total,
                sum(octet_length(i.item)) OVER (PARTITION BY r.request ORDER BY i.message_id
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
            FROM unnest($1::int4[], $2::uuid[], $3::int4[], $4::uuid[], $5::uuid[]) AS r(request, device_id, most, after_id, channel_id)
            CROSS JOIN LATERAL (
                SELECT inbox.message_id, coalesce(inbox.item, s.item) AS item
                FROM inbox LEFT JOIN shared_items s ON inbox.item IS NULL AND s.message_id = inbox.message_id
                WHERE device_id = r.device_id AND inbox.message_id > r.after_id
                    AND inbox.message_id >= (SELECT first_id_of(now() - make_interval(days => $7::int4)))
                    AND (expires_at IS NULL OR expires_at > now())
                    AND (r.channel_id IS NULL OR channel_id = r.channel_id)
                    AND coalesce(inbox.item, s.item) IS NOT NULL
                ORDER BY inbox.message_id LIMIT r.most
            ) i
        ) page
        WHERE coalesce(bytes_before, 0) < $6::int8
        ORDER BY request, message_id
        """)
}
