import Postgres

/// The SQL of encrypted sends, to users and to groups. It stands apart from that of plain ones so that these pay nothing for it.
enum EncryptedSendStatements {
    static let all = [send]

    /// Writes encrypted messages as `InboxStatements` does plain ones, each device's ciphertext into its own inbox. A message whose ciphertexts are not
    /// exactly those for the devices with keys, as they are at this moment, is not written. One that is for all devices alike (`is_for_all`) has its
    /// ciphertext in the body, and is stored once where its copies would exceed $16 bytes.
    ///
    /// What is needed and what is given meet in a GROUP BY and not in a join, and what a message has one of is taken from the parameter by the message's
    /// number: joins would compare every ciphertext with every message. `OFFSET 0` and `(SELECT true ...)` keep the planner, which may see empty tables,
    /// from reading all devices or users for each batch.
    ///
    /// A message is in one or two rows of the answer: its number, whether it was written, and three lists of devices. Written: the recipients', the
    /// sender's own, none. Not written: the missing, the extra, the stale. One that is in no row has no such target, or was sent before.
    static let send = Statement(
        "inbox.send_encrypted",
        """
        WITH entry AS MATERIALIZED (
            SELECT e.*, NOT e.to_group AND
                (SELECT true FROM blocks b WHERE b.user_id = e.target_id AND b.blocked_id = e.sender_id) IS TRUE AS is_blocked
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bool[], $6::uuid[], $7::bytea[], $11::bool[]) WITH ORDINALITY
                AS e(message_id, sender_id, sender_device_id, target_id, to_group, client_message_id, fingerprint, is_for_all, number)
            WHERE CASE WHEN e.to_group THEN (SELECT true FROM group_members m WHERE m.group_id = e.target_id AND m.user_id = e.sender_id)
                    ELSE (SELECT true FROM users WHERE user_id = e.target_id) END
                AND (SELECT true FROM devices WHERE device_id = e.sender_device_id AND revoked_at IS NULL)
                AND NOT EXISTS (SELECT FROM sent_messages s WHERE s.sender_id = e.sender_id AND s.client_message_id = e.client_message_id)
        ), matched AS MATERIALIZED (
            SELECT number, device_id, bool_or(is_needed) AS is_needed, bool_or(NOT is_needed) AS is_given,
                coalesce(bool_or(is_for_all), false) AS is_for_all, bool_or(is_own) AS is_own, bool_or(is_blocked) AS is_blocked,
                max(registration_id) FILTER (WHERE is_needed) = max(registration_id) FILTER (WHERE NOT is_needed) AS is_current,
                (array_agg(user_id) FILTER (WHERE is_needed))[1] AS user_id,
                (array_agg(ciphertext) FILTER (WHERE NOT is_needed))[1] AS ciphertext
            FROM (
                SELECT e.number, d.device_id, true AS is_needed, e.is_for_all, e.is_blocked, k.registration_id, d.user_id,
                    d.user_id = e.sender_id AND e.sender_id <> e.target_id AS is_own, NULL::bytea AS ciphertext
                FROM entry e
                    CROSS JOIN LATERAL (
                        SELECT e.target_id AS user_id WHERE NOT e.to_group UNION SELECT e.sender_id WHERE NOT e.to_group
                        UNION ALL SELECT m.user_id FROM group_members m WHERE e.to_group AND m.group_id = e.target_id
                    ) u
                    CROSS JOIN LATERAL (
                        SELECT device_id, user_id FROM devices
                        WHERE user_id = u.user_id AND revoked_at IS NULL AND device_id <> e.sender_device_id OFFSET 0
                    ) d
                    CROSS JOIN LATERAL (SELECT registration_id FROM device_keys WHERE device_id = d.device_id AND is_complete OFFSET 0) k
                UNION ALL
                SELECT number, device_id, false, NULL, NULL, registration_id, NULL, NULL, ciphertext
                FROM unnest($12::int8[], $13::uuid[], $14::int8[], $15::bytea[]) AS g(number, device_id, registration_id, ciphertext)
                WHERE (number IN (SELECT number FROM entry)) IS TRUE
            ) devices
            GROUP BY number, device_id
        ), fault AS MATERIALIZED (
            SELECT number,
                array_agg(device_id ORDER BY device_id) FILTER (WHERE NOT is_given) AS missing,
                array_agg(device_id ORDER BY device_id) FILTER (WHERE NOT is_needed) AS extra,
                array_agg(device_id ORDER BY device_id) FILTER (WHERE NOT is_current) AS stale
            FROM matched WHERE NOT is_for_all AND is_current IS NOT TRUE GROUP BY number
        ), fresh AS (
            INSERT INTO sent_messages (day, sender_id, client_message_id, message_id, fingerprint)
            SELECT (now() AT TIME ZONE 'UTC')::date, sender_id, client_message_id, message_id, fingerprint
            FROM entry WHERE (number IN (SELECT number FROM fault)) IS FALSE
            ON CONFLICT DO NOTHING RETURNING message_id
        ), accepted AS MATERIALIZED (
            SELECT * FROM entry WHERE (message_id IN (SELECT message_id FROM fresh)) IS TRUE
        ), chat AS (
            INSERT INTO chats (low_user_id, high_user_id, low_last_id, high_last_id)
            SELECT low, high,
                (array_agg(message_id ORDER BY message_id DESC) FILTER (WHERE NOT is_blocked OR target_id <> low))[1],
                (array_agg(message_id ORDER BY message_id DESC) FILTER (WHERE NOT is_blocked OR target_id <> high))[1]
            FROM (SELECT *, least(sender_id, target_id) AS low, greatest(sender_id, target_id) AS high FROM accepted WHERE NOT to_group) a
            GROUP BY low, high ORDER BY low, high
            ON CONFLICT (low_user_id, high_user_id) DO UPDATE SET
                low_last_id = greatest(chats.low_last_id, excluded.low_last_id), high_last_id = greatest(chats.high_last_id, excluded.high_last_id)
        ), granted AS (
            INSERT INTO media_grants (media_id, user_id)
            SELECT DISTINCT m.media_id, u.user_id
            FROM (SELECT *, ($9::uuid[])[number] AS media_id FROM accepted) m CROSS JOIN LATERAL (
                SELECT m.target_id AS user_id WHERE NOT m.to_group AND NOT m.is_blocked
                UNION ALL SELECT user_id FROM group_members g WHERE m.to_group AND g.group_id = m.target_id
            ) u
            WHERE m.media_id IS NOT NULL AND (SELECT true FROM media WHERE media_id = m.media_id) ORDER BY 1, 2
            ON CONFLICT DO NOTHING
        ), copy AS MATERIALIZED (
            SELECT number, device_id, user_id, is_own, ciphertext,
                count(*) OVER (PARTITION BY number, user_id) AS devices,
                is_for_all AND count(*) FILTER (WHERE NOT is_own) OVER (PARTITION BY number) * octet_length(($8::bytea[])[number]) > $16::int8 AS is_shared
            FROM matched WHERE (number IN (SELECT number FROM accepted)) IS TRUE AND (is_own OR NOT is_blocked)
        ), shared AS (
            INSERT INTO shared_items (message_id, item, outstanding)
            SELECT ($1::uuid[])[number], convert_to('"direction":"in",', 'UTF8') || ($8::bytea[])[number], copies
            FROM (SELECT number, count(*) AS copies FROM copy WHERE is_shared AND NOT is_own GROUP BY number) c
        ), undelivered_by_device AS (
            INSERT INTO undelivered (recipient_id, message_id)
            SELECT DISTINCT user_id, ($1::uuid[])[number] FROM copy WHERE devices > 1 AND NOT is_own
        ), written AS (
            INSERT INTO inbox (device_id, message_id, channel_id, sender_id, receipt_due, item, media_id, expires_at)
            SELECT device_id, ($1::uuid[])[number],
                CASE WHEN is_own OR ($5::bool[])[number] THEN ($4::uuid[])[number] ELSE ($2::uuid[])[number] END,
                CASE WHEN NOT is_own THEN ($2::uuid[])[number] END,
                CASE WHEN is_own THEN 0 WHEN devices = 1 THEN 1 ELSE 2 END,
                CASE WHEN is_own THEN convert_to('"direction":"out",'
                            || CASE WHEN ($5::bool[])[number] THEN '' ELSE '"to":"' || ($4::uuid[])[number] || '",' END, 'UTF8')
                        || ($8::bytea[])[number] || coalesce(ciphertext, '')
                    WHEN NOT is_shared THEN convert_to('"direction":"in",', 'UTF8') || ($8::bytea[])[number] || coalesce(ciphertext, '') END,
                ($9::uuid[])[number], now() + make_interval(secs => ($10::int4[])[number])
            FROM copy
        )
        SELECT number, true, coalesce(array_agg(device_id) FILTER (WHERE NOT is_own), '{}'),
            coalesce(array_agg(device_id) FILTER (WHERE is_own), '{}'), '{}'::uuid[]
        FROM copy GROUP BY number
        UNION ALL SELECT number, true, '{}', '{}', '{}' FROM accepted
        UNION ALL SELECT number, false, coalesce(missing, '{}'), coalesce(extra, '{}'), coalesce(stale, '{}') FROM fault
        """)
}
