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

    private static let markUsed = Statement(
        "sessions.mark_used",
        """
        WITH used AS (UPDATE sessions SET used_at = now() WHERE session_id = ANY ($1::uuid[]) AND used_at IS NULL RETURNING session_id, parent_id)
        DELETE FROM sessions s USING used u WHERE s.parent_id = u.parent_id AND s.session_id <> u.session_id AND s.used_at IS NULL
        """)

    private static let touch = Statement("sessions.touch", "UPDATE devices SET last_seen_at = now() WHERE device_id = ANY ($1::uuid[])")

    private static let findRefresh = Statement(
        "sessions.find_refresh",
        """
        SELECT s.session_id, s.device_id, d.user_id, d.revoked_at IS NOT NULL OR s.refresh_expires_at <= now(),
            coalesce(s.refreshed_at <= now() - make_interval(secs => $2::int4), false)
            OR EXISTS (SELECT FROM sessions child WHERE child.parent_id = s.session_id AND child.used_at IS NOT NULL)
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
        case session(Session, secondsLeft: Double)
        /// `token-expired` or `session-revoked`.
        case refused(Problem)
    }

    /// The sessions of access tokens. Notes which are used for the first time, and which devices were not seen for a minute.
    func authenticate(_ hashes: Set<TokenHash>, on connection: Connection) throws -> [TokenHash: Authenticated] {
        var found: [TokenHash: Authenticated] = [:]
        var (firstUsed, seen): ([Identifier], [Identifier]) = ([], [])
        for row in try connection.execute(Self.findAccess, [.byteArrays(hashes.map(\.bytes))]) {
            guard let hash = TokenHash(bytes: try row.bytes(7)) else { continue }
            let session = Session(userId: try row.uuid(2), deviceId: try row.uuid(1), sessionId: try row.uuid(0))
            let millisecondsLeft = try row.int64(5)
            guard try !row.bool(3), millisecondsLeft > 0 else {
                found[hash] = .refused(Problem(try row.bool(3) ? .sessionRevoked : .tokenExpired))
                continue
            }
            found[hash] = .session(session, secondsLeft: Double(millisecondsLeft) / 1000)
            if try row.bool(4) { firstUsed.append(session.sessionId) }
            if try row.bool(6) { seen.append(session.deviceId) }
        }
        if !firstUsed.isEmpty { _ = try connection.execute(Self.markUsed, [.uuids(firstUsed)]) }
        if !seen.isEmpty { _ = try connection.execute(Self.touch, [.uuids(seen)]) }
        return found
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
        case renewed(NewSession)
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
            _ = try connection.execute(Self.markUsed, [.uuids([parent])])
            _ = try connection.execute(Self.markRefreshed, [.uuid(parent), .int32(Int32(Self.oldAccessSeconds))])
            return .renewed(renewed)
        }
    }
}
