import JSON
import Postgres

/// A device of a user, as its owner sees it.
struct Device: Sendable {
    let deviceId: Identifier
    let name: String
    let type: String
    let lastSeenAt: Timestamp

    func json(isCurrent: Bool) -> JSON {
        .object([
            "deviceId": .string(deviceId.description),
            "name": .string(name),
            "type": .string(type),
            "createdAt": .string(Timestamp(of: deviceId).description),
            "lastSeenAt": .string(lastSeenAt.description),
            "current": .boolean(isCurrent),
        ])
    }
}

/// What kind of thing a device is.
enum DeviceType: String, CaseIterable, Sendable {
    case ios, android, web, desktop, cli
}

/// The devices of users. A removed one stays as a tombstone until its tokens have expired, so that these are answered with `session-revoked`.
struct DeviceStore: Sendable {
    let pool: Pool
    let identifiers: IdentifierGenerator

    static let statements = [count, insert, list, find, markRevoked]

    private static let count = Statement("devices.count", "SELECT count(*) FROM devices WHERE user_id = $1::uuid AND revoked_at IS NULL")

    private static let insert = Statement(
        "devices.insert", "INSERT INTO devices (device_id, user_id, name, type) VALUES ($1::uuid, $2::uuid, $3::text, $4::text)")

    private static let list = Statement(
        "devices.list",
        "SELECT device_id, name, type, last_seen_at FROM devices WHERE user_id = $1::uuid AND revoked_at IS NULL ORDER BY device_id")

    private static let find = Statement(
        "devices.find", "SELECT device_id FROM devices WHERE user_id = $1::uuid AND device_id = $2::uuid AND revoked_at IS NULL FOR UPDATE")

    private static let markRevoked = Statement(
        "devices.mark_revoked", "UPDATE devices SET revoked_at = now(), name = '' WHERE device_id = $1::uuid AND revoked_at IS NULL")

    func count(of userId: Identifier, on connection: Connection) throws -> Int {
        Int(try connection.execute(Self.count, [.uuid(userId)])[0].int64(0))
    }

    /// Adds a device within the caller's transaction.
    func add(name: String, type: DeviceType, to userId: Identifier, on connection: Connection) throws -> Identifier {
        let deviceId = identifiers.next()
        _ = try connection.execute(Self.insert, [.uuid(deviceId), .uuid(userId), .text(name), .text(type.rawValue)])
        return deviceId
    }

    func list(of userId: Identifier) async throws -> [Device] {
        try await pool.run { connection in
            try connection.execute(Self.list, [.uuid(userId)]).map { row in
                Device(
                    deviceId: try row.uuid(0), name: try row.text(1), type: try row.text(2), lastSeenAt: Timestamp(milliseconds: try row.timestamp(3))
                )
            }
        }
    }

    /// Seconds that a request waits for a removed device's inbox to be emptied.
    private static let clearingSeconds: Double = 5

    /// Revokes a device of this user; throws 404 where the user has none such. The caller makes memory forget it, then calls `clearInbox`.
    func remove(_ deviceId: Identifier, of userId: Identifier) async throws {
        try await pool.transaction { connection in
            guard try !connection.execute(Self.find, [.uuid(userId), .uuid(deviceId)]).isEmpty else { throw AccountError.unknownDevice }
            try revoke(deviceId, on: connection)
        }
    }

    /// Ends a device within the caller's transaction: its tokens are no longer good, its push tokens and keys are gone. Its inbox is left, since none may be
    /// too full for its device to be removed.
    func revoke(_ deviceId: Identifier, on connection: Connection) throws {
        _ = try connection.execute(Self.markRevoked, [.uuid(deviceId)])
        try PushTokenStore.clear(of: deviceId, on: connection)
        try KeyStore.clear(of: deviceId, on: connection)
    }

    /// Empties the inbox of a device that was revoked. `Retention` clears what is left here, by a failure or for want of time, and what a send that is
    /// under way still writes.
    func clearInbox(of deviceId: Identifier) async {
        let deadline = Uptime.seconds() + Self.clearingSeconds
        while Uptime.seconds() < deadline, (try? await pool.transaction { try InboxStore.clear(of: [deviceId], on: $0) }) == true {}
    }
}
