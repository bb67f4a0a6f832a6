import Postgres

/// A device about which the database is asked: does something wait there, and has nobody woken it yet?
struct WakeUpCandidate: Sendable, Equatable {
    let deviceId: Identifier
    /// The message that must still wait; nil: any that has waited for longer than the delay.
    let messageId: Identifier?
}

/// A device that this node, and no other, is to wake now.
struct WakeUpClaim: Sendable, Equatable {
    struct Token: Sendable, Equatable {
        let token: String
        let type: PushService
        /// Milliseconds since 1970.
        let registeredAt: Int64
    }
    let deviceId: Identifier
    /// The newest message that waits there.
    let messageId: Identifier
    var tokens: [Token]
}

/// How a claim ended.
struct WakeUpSettlement: Sendable, Equatable {
    let deviceId: Identifier
    let messageId: Identifier
    /// Seconds after which, at the earliest, somebody should try again; nil: it is done.
    let retryAfter: Double?
}

/// Who was woken when. The database decides, since devices come to any node and nodes crash.
struct WakeUpStore: Sendable {
    let pool: Pool
    /// How long a message waits for its device to come by itself.
    let delaySeconds: Int
    /// The push services for which this node has credentials.
    let services: [PushService]

    static let statements = [claim, tokensForRings, settle, beginRound, nextPage]

    /// A device is claimed
    /// - if nobody has woken it before,
    /// - if it has come since: what it was woken for is gone (a second apart, since a claim of this moment may be for a message that this
    ///   statement's snapshot does not have yet),
    /// - if whoever claimed it did not get the push through (a crashed node says nothing; its claim ends after two minutes),
    /// - if there is something newer, and that claim is no longer worked at: a service that is well again need not wait for the hour of its next try,
    /// - if there is something newer, and it was woken more than ten minutes ago or was seen since.
    private static let claim = Statement(
        "push.claim",
        """
        WITH entry AS MATERIALIZED (
            SELECT DISTINCT ON (e.device_id) e.* FROM unnest($1::uuid[], $2::uuid[]) AS e(device_id, message_id)
            WHERE EXISTS (SELECT FROM push_tokens t WHERE t.device_id = e.device_id AND t.type = ANY ($3::text[]))
            ORDER BY e.device_id
        ), waiting AS MATERIALIZED (
            SELECT e.device_id, coalesce(newest.message_id, e.message_id) AS message_id
            FROM entry e LEFT JOIN LATERAL (
                SELECT i.message_id FROM inbox i
                WHERE i.device_id = e.device_id AND i.receipt_due > 0 AND (i.expires_at IS NULL OR i.expires_at > now())
                ORDER BY i.message_id DESC LIMIT 1
            ) newest ON true
            WHERE CASE WHEN e.message_id IS NULL
                THEN EXISTS (SELECT FROM inbox i WHERE i.device_id = e.device_id AND i.message_id < first_id_of(now() - make_interval(secs => $4::int4))
                    AND i.receipt_due > 0 AND (i.expires_at IS NULL OR i.expires_at > now()))
                ELSE EXISTS (SELECT FROM inbox i WHERE i.device_id = e.device_id AND i.message_id = e.message_id
                    AND (i.expires_at IS NULL OR i.expires_at > now())) END
        ), claimed AS (
            INSERT INTO wake_ups AS w (device_id, message_id, woken_at, attempts, retry_at)
            SELECT device_id, message_id, now(), 1, now() + interval '2 minutes' FROM waiting ORDER BY device_id
            ON CONFLICT (device_id) DO UPDATE SET message_id = excluded.message_id, woken_at = now(),
                attempts = CASE WHEN w.retry_at IS NULL THEN 1 ELSE least(w.attempts + 1, 10) END, retry_at = now() + interval '2 minutes'
            WHERE w.retry_at <= now()
                OR (excluded.message_id > w.message_id AND w.retry_at IS NOT NULL AND w.woken_at < now() - interval '1 minute')
                OR (w.woken_at < now() - interval '1 second'
                    AND NOT EXISTS (SELECT FROM inbox i WHERE i.device_id = w.device_id AND i.message_id = w.message_id))
                OR (excluded.message_id > w.message_id AND w.retry_at IS NULL AND (w.woken_at < now() - interval '10 minutes'
                    OR EXISTS (SELECT FROM devices d WHERE d.device_id = w.device_id AND d.last_seen_at > w.woken_at)))
            RETURNING device_id, message_id
        )
        SELECT c.device_id, c.message_id, t.token, t.type, t.registered_at
        FROM claimed c JOIN push_tokens t ON t.device_id = c.device_id WHERE t.type = ANY ($3::text[])
        """)

    /// The tokens of devices for which a ring still waits. Nothing is written, since whoever has the ring wakes, and once: what tells of messages has
    /// its own claim, and its own tries.
    private static let tokensForRings = Statement(
        "push.tokens_for_rings",
        """
        SELECT t.device_id, r.message_id, t.token, t.type, t.registered_at
        FROM unnest($1::uuid[], $2::uuid[]) AS r(device_id, message_id) JOIN push_tokens t ON t.device_id = r.device_id
        WHERE t.type = ANY ($3::text[]) AND EXISTS (SELECT FROM inbox i WHERE i.device_id = r.device_id AND i.message_id = r.message_id)
        """)

    /// What failed is tried again after 1, 2, 4, … 60 minutes, half of each random, as long as the message waits: the failures that get here are the
    /// service's, and it may be away for a weekend.
    private static let settle = Statement(
        "push.settle",
        """
        UPDATE wake_ups w SET
            attempts = CASE WHEN s.retry_after IS NULL THEN 0 ELSE w.attempts END,
            retry_at = CASE WHEN s.retry_after IS NULL THEN NULL
                ELSE now() + make_interval(secs => greatest(s.retry_after, least(3600, 30 * 2 ^ w.attempts) * (0.5 + random() / 2))) END
        FROM unnest($1::uuid[], $2::uuid[], $3::int4[]) AS s(device_id, message_id, retry_after)
        WHERE w.device_id = s.device_id AND w.message_id = s.message_id
        """)

    private static let beginRound = Statement(
        "push.begin_round",
        """
        UPDATE push_round SET after_id = '00000000-0000-0000-0000-000000000000', next_at = now() + make_interval(secs => $1::int4 + 1)
        """)

    private static let nextPage = Statement(
        "push.next_page",
        """
        WITH place AS MATERIALIZED (
            SELECT after_id FROM push_round WHERE next_at <= now() FOR UPDATE SKIP LOCKED
        ), page AS MATERIALIZED (
            SELECT DISTINCT device_id FROM push_tokens WHERE device_id > (SELECT after_id FROM place) ORDER BY device_id LIMIT 500
        ), moved AS (
            UPDATE push_round SET
                after_id = CASE WHEN (SELECT count(*) FROM page) < 500 THEN '00000000-0000-0000-0000-000000000000'
                    ELSE (SELECT device_id FROM page ORDER BY device_id DESC LIMIT 1) END,
                next_at = now() + CASE WHEN (SELECT count(*) FROM page) < 500 THEN interval '1 minute' ELSE interval '1 second' END
            WHERE EXISTS (SELECT FROM place)
        )
        SELECT device_id FROM page
        """)

    /// Takes those that are to be woken; the others need nothing, or somebody else wakes them.
    func claim(_ candidates: [WakeUpCandidate]) async throws -> [WakeUpClaim] {
        let parameters: [Parameter] = [
            .uuids(candidates.map(\.deviceId)), .optionalUUIDs(candidates.map(\.messageId)), .texts(services.map(\.rawValue)),
            .int32(Int32(delaySeconds)),
        ]
        return try await pool.transaction { try Self.claims(try $0.execute(Self.claim, parameters)) }
    }

    /// Whom these rings, which still wait, are to wake.
    func ringing(_ rings: [PushArrival]) async throws -> [WakeUpClaim] {
        let parameters: [Parameter] = [.uuids(rings.map(\.deviceId)), .uuids(rings.map(\.messageId)), .texts(services.map(\.rawValue))]
        return try await pool.run { try Self.claims(try $0.execute(Self.tokensForRings, parameters)) }
    }

    func settle(_ settlements: [WakeUpSettlement], removing void: [VoidToken]) async throws {
        // In one order, so that two nodes do not wait for each other crosswise.
        let settlements = settlements.sorted { $0.deviceId < $1.deviceId }
        let parameters: [Parameter] = [
            .uuids(settlements.map(\.deviceId)), .uuids(settlements.map(\.messageId)),
            .optionalInt32s(settlements.map { $0.retryAfter.map { Int32(min(max($0, 0), 86_400)) } }),
        ]
        try await pool.transaction { connection in
            if !settlements.isEmpty { _ = try connection.execute(Self.settle, parameters) }
            try PushTokenStore.remove(void, on: connection)
        }
    }

    /// Lets the walk through all devices begin anew, once what came just before has had its time.
    func beginRound() async throws {
        let delay = Int32(delaySeconds)
        try await pool.run { _ = try $0.execute(Self.beginRound, [.int32(delay)]) }
    }

    /// The next devices of the walk through all that have tokens; none where it is not time, or another node is at it.
    func nextPage() async throws -> [Identifier] {
        try await pool.transaction { connection in
            let devices = try connection.execute(Self.nextPage).map { try $0.uuid(0) }
            if !devices.isEmpty { try PushTokenStore.removeStale(of: devices, on: connection) }
            return devices
        }
    }

    private static func claims(_ rows: Rows) throws -> [WakeUpClaim] {
        var claims: [Identifier: WakeUpClaim] = [:]
        for row in rows {
            // The table's CHECK knows no others.
            guard let type = PushService(rawValue: try row.text(3)) else { continue }
            let token = WakeUpClaim.Token(token: try row.text(2), type: type, registeredAt: try row.timestamp(4))
            let (deviceId, messageId) = (try row.uuid(0), try row.uuid(1))
            claims[deviceId, default: WakeUpClaim(deviceId: deviceId, messageId: messageId, tokens: [])].tokens.append(token)
        }
        return Array(claims.values)
    }
}
