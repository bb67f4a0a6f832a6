import Postgres

/// The push tokens of devices. A token belongs to one device at a time; a device may have several.
enum PushTokenStore {
    static let statements = [clear, add, clearWakeUps, removeVoid, removeStale]

    private static let clear = Statement("push.clear_tokens", "DELETE FROM push_tokens WHERE device_id = $1::uuid")

    private static let clearWakeUps = Statement("push.clear_wake_ups", "DELETE FROM wake_ups WHERE device_id = $1::uuid")

    /// A token that another device had before has moved: the app was handed on, or registered anew.
    private static let add = Statement(
        "push.add_tokens",
        """
        INSERT INTO push_tokens (device_id, token, type, device_info)
        SELECT $1::uuid, t.token, t.type, nullif(t.device_info, '')
        FROM unnest($2::text[], $3::text[], $4::text[]) AS t(token, type, device_info)
        ON CONFLICT (token) DO UPDATE
            SET device_id = excluded.device_id, type = excluded.type, device_info = excluded.device_info, registered_at = now()
        """)

    /// A token that was registered again after it had become void is good.
    private static let removeVoid = Statement(
        "push.remove_void_tokens",
        """
        DELETE FROM push_tokens p USING unnest($1::text[], $2::timestamptz[]) AS v(token, void_since)
        WHERE p.token = v.token AND date_trunc('milliseconds', p.registered_at) <= v.void_since
        """)

    private static let removeStale = Statement(
        "push.remove_stale_tokens",
        """
        DELETE FROM push_tokens p USING devices d
        WHERE p.device_id = ANY ($1::uuid[]) AND d.device_id = p.device_id
            AND greatest(d.last_seen_at, p.registered_at) < now() - interval '270 days'
        """)

    /// Puts these in place of those that the device had, within the caller's transaction.
    static func replace(of deviceId: Identifier, with tokens: [PushToken], on connection: Connection) throws(PostgresError) {
        _ = try connection.execute(clear, [.uuid(deviceId)])
        // The last of two that are the same counts. In one order, so that two devices that swap tokens do not block each other.
        let unique = Dictionary(tokens.map { ($0.token, $0) }) { $1 }.values.sorted { $0.token < $1.token }
        _ = try connection.execute(
            add, [.uuid(deviceId), .texts(unique.map(\.token)), .texts(unique.map(\.type.rawValue)), .texts(unique.map { $0.deviceInfo ?? "" })])
    }

    /// Forgets all about a device that is no more, within the caller's transaction.
    static func clear(of deviceId: Identifier, on connection: Connection) throws(PostgresError) {
        _ = try connection.execute(clear, [.uuid(deviceId)])
        _ = try connection.execute(clearWakeUps, [.uuid(deviceId)])
    }

    /// Removes what a push service has called void, unless it was registered again since.
    static func remove(_ void: [VoidToken], on connection: Connection) throws(PostgresError) {
        guard !void.isEmpty else { return }
        _ = try connection.execute(removeVoid, [.texts(void.map(\.token)), .timestamps(void.map(\.since))])
    }

    /// Removes the tokens of those of these devices that have not been seen for 270 days.
    /// Source: Firebase, "Best practices for FCM registration token management": after 270 days of inactivity a token has expired.
    static func removeStale(of devices: [Identifier], on connection: Connection) throws(PostgresError) {
        _ = try connection.execute(removeStale, [.uuids(devices)])
    }
}

/// A token that its push service does not know any more.
struct VoidToken: Sendable, Equatable {
    let token: String
    /// Milliseconds since 1970; what was registered later is good.
    let since: Int64
}
