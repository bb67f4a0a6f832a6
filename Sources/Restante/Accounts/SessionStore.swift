import Postgres

/// The sessions of devices: one row for each pair of tokens, kept as hashes.
///
/// A refresh makes a child. The parent's refresh token stays good, so that a client whose answer got lost can repeat the refresh, until a child is used or
/// 60 seconds have passed; whoever shows it later has stolen it, or was stolen from, and the device is revoked. The first use of a child takes its unused
/// siblings away.
struct SessionStore: Sendable {
    let pool: Pool
    let identifiers: IdentifierGenerator
    let accessSeconds: Int
    let refreshSeconds: Int
    /// Seconds in which a refresh may be repeated.
    static let graceSeconds = 60
    /// Seconds that the old access token lives on after a refresh; with `SessionCache.lifetime` on other nodes it is gone within 60.
    static let oldAccessSeconds = 30

    /// Seconds. With the second in the pool's line before it, a client is told in less than three that the database does not answer.
    private static let patience = 1.5

    static let statements = [insert, findAccess, markUsed, touch, findRefresh, markRefreshed]

    private static let insert = Statement(
        "sessions.insert",
        """
        INSERT INTO sessions (session_id, device_id, parent_id, access_hash, refresh_hash, access_expires_at, refresh_expires_at)
        VALUES ($1::uuid, $2::uuid, $3::uuid, $4::bytea, $5::bytea, now() + make_interval(secs => $6::int4), now() + make_interval(secs => $7::int4))
        """)

    private static let findAccess = Statement(
        "sessions.find_access",
        """
        SELECT s.session_id, s.device_id, d.user_id, d.revoked_at IS NOT NULL, s.used_at IS NULL,
            floor(1000 * extract(epoch FROM s.access_expires_at - now()))::int8, d.last_seen_at < now() - interval '60 s', s.access_hash
        FROM sessions s JOIN devices d ON d.device_id = s.device_id WHERE s.access_hash = ANY ($1::bytea[])
        """)

    /// Waits for nobody: who holds one of the rows is marking it as well.
    private static let markUsed = Statement(
        "sessions.mark_used",
        """
        WITH used AS (
            UPDATE sessions SET used_at = now() WHERE session_id = ANY (ARRAY(
                SELECT session_id FROM sessions WHERE session_id = ANY ($1::uuid[]) AND used_at IS NULL FOR NO KEY UPDATE SKIP LOCKED))
            RETURNING session_id, parent_id
        )
        DELETE FROM sessions WHERE session_id = ANY (ARRAY(
            SELECT s.session_id FROM used u JOIN sessions s ON s.parent_id = u.parent_id
            WHERE s.session_id <> u.session_id AND s.used_at IS NULL FOR UPDATE OF s SKIP LOCKED))
        """)

    /// Leaves out what somebody else holds: no look-up waits for what is only noted.
    private static let touch = Statement(
        "sessions.touch",
        """
        UPDATE devices SET last_seen_at = now() WHERE device_id = ANY (ARRAY(
            SELECT device_id FROM devices WHERE device_id = ANY ($1::uuid[]) FOR NO KEY UPDATE SKIP LOCKED))
        """)

    private static let findRefresh = Statement(
        "sessions.find_refresh",
        """
        SELECT s.session_id, s.device_id, d.user_id, d.revoked_at IS NOT NULL OR s.refresh_expires_at <= now(),
            coalesce(s.refreshed_at <= now() - make_interval(secs => $2::int4), false)
            OR EXISTS (SELECT FROM sessions child WHERE child.parent_id = s.session_id AND child.used_at IS NOT NULL),
            s.access_hash
        FROM sessions s JOIN devices d ON d.device_id = s.device_id WHERE s.refresh_hash = $1::bytea FOR UPDATE OF d
        """)

    private static let markRefreshed = Statement(
        "sessions.mark_refreshed",
        """
        UPDATE sessions SET refreshed_at = coalesce(refreshed_at, now()),
            access_expires_at = least(access_expires_at, now() + make_interval(secs => $2::int4))
        WHERE session_id = $1::uuid
        """)

    /// What an access token is good for; one that is unknown has none of these.
    enum Authenticated: Sendable {
        /// The first use has to be noted before anything is done with it; that the device was not seen for a minute, at leisure.
        case session(Session, secondsLeft: Double, isFirstUse: Bool, isDeviceUnseen: Bool)
        /// `token-expired` or `session-revoked`.
        case refused(Problem)
    }

    /// The sessions of access tokens.
    func find(_ hashes: Set<TokenHash>, on connection: Connection) throws -> [TokenHash: Authenticated] {
        var found: [TokenHash: Authenticated] = [:]
        for row in try connection.execute(Self.findAccess, [.byteArrays(hashes.map(\.bytes))], within: Self.patience) {
            guard let hash = TokenHash(bytes: try row.bytes(7)) else { continue }
            let millisecondsLeft = try row.int64(5)
            guard try !row.bool(3), millisecondsLeft > 0 else {
                found[hash] = .refused(Problem(try row.bool(3) ? .sessionRevoked : .tokenExpired))
                continue
            }
            found[hash] = .session(
                Session(userId: try row.uuid(2), deviceId: try row.uuid(1), sessionId: try row.uuid(0)),
                secondsLeft: Double(millisecondsLeft) / 1000, isFirstUse: try row.bool(4), isDeviceUnseen: try row.bool(6))
        }
        return found
    }

    /// Notes that the access tokens of these sessions were used: their unused siblings are gone.
    func noteUse(of sessions: [Identifier], on connection: Connection) throws(PostgresError) {
        _ = try connection.execute(Self.markUsed, [.uuids(sessions)])
    }

    /// Notes that these devices were seen.
    func noteSight(of devices: [Identifier], on connection: Connection) throws(PostgresError) {
        _ = try connection.execute(Self.touch, [.uuids(devices)])
    }

    /// Makes a session of a device within the caller's transaction.
    func create(userId: Identifier, deviceId: Identifier, parent: Identifier?, on connection: Connection) throws -> NewSession {
        let session = Session(userId: userId, deviceId: deviceId, sessionId: identifiers.next())
        let tokens = SessionTokens()
        _ = try connection.execute(
            Self.insert,
            [
                .uuid(session.sessionId), .uuid(deviceId), .optionalUUID(parent), .bytes(TokenHash(tokens.access).bytes),
                .bytes(TokenHash(tokens.refresh).bytes), .int32(Int32(accessSeconds)), .int32(Int32(refreshSeconds)),
            ])
        return NewSession(session: session, tokens: tokens, expiresIn: accessSeconds)
    }

    /// What a refresh token was good for.
    enum Refresh: Sendable {
        /// With the access token that it is in place of.
        case renewed(NewSession, TokenHash?)
        case invalid
        /// Shown again after its successor: the device has been revoked.
        case replayed(deviceId: Identifier)
    }

    func refresh(_ token: String, devices: DeviceStore) async throws -> Refresh {
        let hash = TokenHash(token)
        return try await pool.transaction { connection in
            let parameters: [Parameter] = [.bytes(hash.bytes), .int32(Int32(Self.graceSeconds))]
            guard let row = try connection.execute(Self.findRefresh, parameters).first else { return .invalid }
            let (parent, deviceId) = (try row.uuid(0), try row.uuid(1))
            if try row.bool(3) { return .invalid }
            if try row.bool(4) {
                try devices.revoke(deviceId, on: connection)
                return .replayed(deviceId: deviceId)
            }
            let renewed = try create(userId: try row.uuid(2), deviceId: deviceId, parent: parent, on: connection)
            try noteUse(of: [parent], on: connection)
            _ = try connection.execute(Self.markRefreshed, [.uuid(parent), .int32(Int32(Self.oldAccessSeconds))])
            return .renewed(renewed, TokenHash(bytes: try row.bytes(5)))
        }
    }
}
