import Postgres

/// Finds the devices that an ephemeral item is for.
struct AudienceStore: Sendable {
    let pool: Pool

    static let statements = [userDevices, groupDevices]

    /// One row at least for a user that exists; no device of one who has blocked $3.
    private static let userDevices = Statement(
        "audience.user",
        """
        SELECT d.device_id FROM users u LEFT JOIN devices d ON d.user_id = u.user_id AND d.revoked_at IS NULL AND d.device_id <> $2::uuid
            AND NOT EXISTS (SELECT FROM blocks b WHERE b.user_id = u.user_id AND b.blocked_id = $3::uuid)
        WHERE u.user_id = $1::uuid
        """)

    /// One row at least for a member of the group.
    private static let groupDevices = Statement(
        "audience.group",
        """
        SELECT d.device_id FROM group_members own JOIN group_members m ON m.group_id = own.group_id
            LEFT JOIN devices d ON d.user_id = m.user_id AND d.revoked_at IS NULL AND d.user_id <> own.user_id
        WHERE own.group_id = $1::uuid AND own.user_id = $2::uuid
        """)

    /// All devices of the user but the asking one, none where the user has blocked who asks; throws where the user does not exist.
    func devices(ofUser user: Identifier, for session: Session) async throws -> [Identifier] {
        let devices = try await pool.run { connection in
            try connection.execute(Self.userDevices, [.uuid(user), .uuid(session.deviceId), .uuid(session.userId)]).map { try $0.optionalUUID(0) }
        }
        guard !devices.isEmpty else { throw SendError.unknownRecipient }
        return devices.compactMap { $0 }
    }

    /// All devices of the group's other members; throws where the asking user is no member.
    func devices(ofGroup group: Identifier, for session: Session) async throws -> [Identifier] {
        let devices = try await pool.run { connection in
            try connection.execute(Self.groupDevices, [.uuid(group), .uuid(session.userId)]).map { try $0.optionalUUID(0) }
        }
        guard !devices.isEmpty else { throw SendError.unknownGroup }
        return devices.compactMap { $0 }
    }
}
