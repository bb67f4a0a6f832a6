import Postgres

/// The SQL of the key directory. Whoever changes keys of a device holds its row of `device_keys`; before that, its row of `devices` where both are needed.
enum KeyStatements {
    static let all = [
        holdDevice, enter, lock, startOver, dropOneTimeKeys, set, add, clashes, count, rearm, find, targets, admit, lockMany, take, bundles, noteLow,
        clear, forgetClaims, expireClaims,
    ]

    /// A row if the device is there; it is not removed before the transaction ends.
    static let holdDevice = Statement(
        "keys.hold_device", "SELECT device_id FROM devices WHERE device_id = $1::uuid AND revoked_at IS NULL FOR SHARE")

    static let enter = Statement("keys.enter", "INSERT INTO device_keys (device_id) VALUES ($1::uuid) ON CONFLICT DO NOTHING")

    static let lock = Statement("keys.lock", "SELECT identity_key FROM device_keys WHERE device_id = $1::uuid FOR UPDATE")

    /// Forgets all that belonged to the identity before.
    static let startOver = Statement(
        "keys.start_over",
        """
        UPDATE device_keys SET registration_id = NULL, signed_key_id = NULL, signed_public_key = NULL, signed_signature = NULL,
            last_resort_key_id = NULL, last_resort_public_key = NULL, last_resort_signature = NULL, one_time_is_low = false, pq_is_low = false
        WHERE device_id = $1::uuid
        """)

    static let dropOneTimeKeys = Statement("keys.drop_one_time", "DELETE FROM one_time_keys WHERE device_id = $1::uuid")

    static let set = Statement(
        "keys.set",
        """
        UPDATE device_keys SET registration_id = coalesce($2::int8, registration_id), identity_key = coalesce($3::bytea, identity_key),
            signed_key_id = coalesce($4::int8, signed_key_id), signed_public_key = coalesce($5::bytea, signed_public_key),
            signed_signature = coalesce($6::bytea, signed_signature), last_resort_key_id = coalesce($7::int8, last_resort_key_id),
            last_resort_public_key = coalesce($8::bytea, last_resort_public_key), last_resort_signature = coalesce($9::bytea, last_resort_signature)
        WHERE device_id = $1::uuid
        """)

    static let add = Statement(
        "keys.add",
        """
        INSERT INTO one_time_keys (device_id, is_post_quantum, key_id, public_key, signature)
        SELECT $1::uuid, e.* FROM unnest($2::bool[], $3::int8[], $4::bytea[], $5::bytea[]) AS e(is_post_quantum, key_id, public_key, signature)
        ON CONFLICT DO NOTHING
        """)

    /// Which of these keys stand under ids that are another key's, or were handed out; counted from one.
    static let clashes = Statement(
        "keys.clashes",
        """
        SELECT e.position FROM unnest($2::bool[], $3::int8[], $4::bytea[], $5::bytea[]) WITH ORDINALITY
            AS e(is_post_quantum, key_id, public_key, signature, position)
            JOIN one_time_keys o ON o.device_id = $1::uuid AND o.is_post_quantum = e.is_post_quantum AND o.key_id = e.key_id
        WHERE o.public_key IS DISTINCT FROM e.public_key OR o.signature IS DISTINCT FROM e.signature ORDER BY e.position
        """)

    static let count = Statement(
        "keys.count",
        """
        SELECT count(*) FILTER (WHERE NOT is_post_quantum), count(*) FILTER (WHERE is_post_quantum)
        FROM one_time_keys WHERE device_id = $1::uuid AND public_key IS NOT NULL
        """)

    /// Has the device told of its next fall below $2 keys, where it has risen to that.
    static let rearm = Statement(
        "keys.rearm",
        """
        UPDATE device_keys SET one_time_is_low = one_time_is_low AND $3::int8 < $2::int8, pq_is_low = pq_is_low AND $4::int8 < $2::int8
        WHERE device_id = $1::uuid AND (one_time_is_low AND $3::int8 >= $2::int8 OR pq_is_low AND $4::int8 >= $2::int8)
        """)

    /// Whether the user exists, and whether the device, where one is named, is theirs.
    static let find = Statement(
        "keys.find",
        """
        SELECT EXISTS (SELECT FROM users WHERE user_id = $1::uuid),
            $2::uuid IS NULL OR EXISTS (SELECT FROM devices WHERE user_id = $1::uuid AND device_id = $2::uuid AND revoked_at IS NULL)
        """)

    /// The devices with keys of a user: the one named, otherwise all but the asking one.
    static let targets = Statement(
        "keys.targets",
        """
        SELECT k.device_id FROM devices d JOIN device_keys k ON k.device_id = d.device_id AND k.is_complete
        WHERE d.user_id = $1::uuid AND d.revoked_at IS NULL AND coalesce(d.device_id = $2::uuid, d.device_id <> $3::uuid)
        """)

    /// Notes a claim on each of these devices, and answers those on which the claimer has made fewer than $3 in the last ten minutes.
    static let admit = Statement(
        "keys.admit",
        """
        INSERT INTO key_claims (device_id, claimer_id, claimed_at, latest_at)
        SELECT device_id, $2::uuid, ARRAY[now()], now() FROM (
            SELECT device_id FROM devices WHERE device_id = ANY ($1::uuid[]) AND revoked_at IS NULL ORDER BY device_id FOR KEY SHARE) d
        WHERE $3::int8 > 0
        ON CONFLICT (device_id, claimer_id) DO UPDATE SET latest_at = now(), claimed_at =
            array_append(ARRAY(SELECT at FROM unnest(key_claims.claimed_at) AS at WHERE at > now() - interval '10 minutes'), now())
        WHERE (SELECT count(*) FROM unnest(key_claims.claimed_at) AS at WHERE at > now() - interval '10 minutes') < $3::int8
        RETURNING device_id
        """)

    static let lockMany = Statement(
        "keys.lock_many", "SELECT device_id FROM device_keys WHERE device_id = ANY ($1::uuid[]) ORDER BY device_id FOR UPDATE")

    /// Takes one one-time key of either kind of each device, where there is one: for good.
    static let take = Statement(
        "keys.take",
        """
        WITH chosen AS MATERIALIZED (
            SELECT k.* FROM unnest($1::uuid[]) AS d(device_id) CROSS JOIN (VALUES (false), (true)) AS kind(is_post_quantum)
            CROSS JOIN LATERAL (
                SELECT o.device_id, o.is_post_quantum, o.key_id, o.public_key, o.signature FROM one_time_keys o
                WHERE o.device_id = d.device_id AND o.is_post_quantum = kind.is_post_quantum AND o.public_key IS NOT NULL
                ORDER BY o.key_id LIMIT 1 FOR UPDATE SKIP LOCKED
            ) k
        )
        UPDATE one_time_keys o SET public_key = NULL, signature = NULL FROM chosen c
        WHERE o.device_id = c.device_id AND o.is_post_quantum = c.is_post_quantum AND o.key_id = c.key_id
        RETURNING c.device_id, c.is_post_quantum, c.key_id, c.public_key, c.signature
        """)

    static let bundles = Statement(
        "keys.bundles",
        """
        SELECT k.device_id, k.registration_id, k.identity_key, k.signed_key_id, k.signed_public_key, k.signed_signature,
            k.last_resort_key_id, k.last_resort_public_key, k.last_resort_signature
        FROM device_keys k JOIN devices d ON d.device_id = k.device_id AND d.revoked_at IS NULL
        WHERE k.device_id = ANY ($1::uuid[]) AND k.is_complete ORDER BY k.device_id
        """)

    /// Of devices from which keys of either kind were taken, those that fell below $4 by that and have not been told since they had more: with their users.
    static let noteLow = Statement(
        "keys.note_low",
        """
        WITH stock AS MATERIALIZED (
            SELECT e.device_id,
                e.took_one_time AND (SELECT count(*) FROM (SELECT FROM one_time_keys o WHERE o.device_id = e.device_id
                    AND NOT o.is_post_quantum AND o.public_key IS NOT NULL LIMIT $4::int8) o) < $4::int8 AS one_time_is_low,
                e.took_pq AND (SELECT count(*) FROM (SELECT FROM one_time_keys o WHERE o.device_id = e.device_id
                    AND o.is_post_quantum AND o.public_key IS NOT NULL LIMIT $4::int8) o) < $4::int8 AS pq_is_low
            FROM unnest($1::uuid[], $2::bool[], $3::bool[]) AS e(device_id, took_one_time, took_pq)
        )
        UPDATE device_keys k SET one_time_is_low = k.one_time_is_low OR s.one_time_is_low, pq_is_low = k.pq_is_low OR s.pq_is_low
        FROM stock s JOIN devices d ON d.device_id = s.device_id
        WHERE k.device_id = s.device_id AND (s.one_time_is_low AND NOT k.one_time_is_low OR s.pq_is_low AND NOT k.pq_is_low)
        RETURNING k.device_id, d.user_id
        """)

    static let clear = Statement("keys.clear", "DELETE FROM device_keys WHERE device_id = $1::uuid")

    static let forgetClaims = Statement("keys.forget_claims", "DELETE FROM key_claims WHERE device_id = $1::uuid")

    static let expireClaims = Statement("keys.expire_claims", "DELETE FROM key_claims WHERE latest_at < now() - interval '10 minutes'")
}
