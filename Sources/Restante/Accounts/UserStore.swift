import JSON
import Postgres

/// A user as others see one; the owner also sees the mobile number.
struct User: Sendable {
    let userId: Identifier
    let name: String?
    let profileStatus: String?
    let avatarMediaId: Identifier?
    let mobileNumber: String

    func json(forOwner isOwner: Bool) -> JSON {
        .object([
            "userId": .string(userId.description),
            "name": name.map(JSON.string),
            "profileStatus": profileStatus.map(JSON.string),
            "avatarMediaId": avatarMediaId.map { .string($0.description) },
            "createdAt": .string(Timestamp(of: userId).description),
            "mobileNumber": isOwner ? .string(mobileNumber) : nil,
        ])
    }
}

/// Who may see or do something of a user's.
enum Visibility: String, CaseIterable, Sendable {
    case everyone, contacts, nobody
}

/// What `updateUser` may change; what is nil stays. An empty text unsets.
struct UserChange: Sendable {
    enum Avatar: Sendable {
        case keep
        /// Nil: none.
        case set(Identifier?)
    }
    var name: String?
    var profileStatus: String?
    var avatar = Avatar.keep
    /// In place of those that the calling device had.
    var pushTokens: [PushToken]?
    var lastSeen: Visibility?
    var groups: Visibility?
    var readReceipts: Bool?
    var discoverable: Bool?
}

/// The users.
struct UserStore: Sendable {
    let pool: Pool
    let identifiers: IdentifierGenerator

    static let statements = [find, findByNumber, hold, insert, update]

    private static let find = Statement(
        "users.find", "SELECT user_id, name, profile_status, avatar_media_id, mobile_number FROM users WHERE user_id = $1::uuid")

    private static let findByNumber = Statement("users.find_by_number", "SELECT user_id FROM users WHERE mobile_number = $1::text FOR UPDATE")

    private static let hold = Statement("users.hold", "SELECT FROM users WHERE user_id = $1::uuid FOR NO KEY UPDATE")

    private static let insert = Statement(
        "users.insert",
        """
        INSERT INTO users (user_id, mobile_number, name, profile_status) VALUES ($1::uuid, $2::text, nullif($3::text, ''), nullif($4::text, ''))
        """)

    private static let update = Statement(
        "users.update",
        """
        UPDATE users SET
            name = CASE WHEN $2::text IS NULL THEN name ELSE nullif($2, '') END,
            profile_status = CASE WHEN $3::text IS NULL THEN profile_status ELSE nullif($3, '') END,
            last_seen_visibility = coalesce($4::text, last_seen_visibility),
            groups_visibility = coalesce($5::text, groups_visibility),
            read_receipts = coalesce($6::bool, read_receipts),
            discoverable = coalesce($7::bool, discoverable),
            avatar_media_id = CASE WHEN $8::bool THEN $9::uuid ELSE avatar_media_id END
        WHERE user_id = $1::uuid
        RETURNING user_id, name, profile_status, avatar_media_id, mobile_number
        """)

    func find(_ userId: Identifier) async throws -> User {
        let found = try await pool.run { connection in
            try connection.execute(Self.find, [.uuid(userId)]).first.map(Self.user)
        }
        guard let found else { throw AccountError.unknownUser }
        return found
    }

    /// The user with that number, locked against a second login at the same time.
    func find(mobileNumber: String, on connection: Connection) throws -> Identifier? {
        try connection.execute(Self.findByNumber, [.text(mobileNumber)]).first?.uuid(0)
    }

    /// Has what a user does in transactions like this one done one after the other, so that many at once cannot together pass a cap. Throws 401 where the
    /// user is gone.
    static func hold(_ userId: Identifier, on connection: Connection) throws {
        guard try !connection.execute(hold, [.uuid(userId)]).isEmpty else { throw Problem(.sessionRevoked) }
    }

    func add(mobileNumber: String, name: String, profileStatus: String, on connection: Connection) throws -> Identifier {
        let userId = identifiers.next()
        _ = try connection.execute(Self.insert, [.uuid(userId), .text(mobileNumber), .text(name), .text(profileStatus)])
        return userId
    }

    func update(_ session: Session, _ change: UserChange) async throws -> User {
        var (changesAvatar, avatar): (Bool, Identifier?) = (false, nil)
        if case .set(let mediaId) = change.avatar { (changesAvatar, avatar) = (true, mediaId) }
        let parameters: [Parameter] = [
            .uuid(session.userId), .optionalText(change.name), .optionalText(change.profileStatus), .optionalText(change.lastSeen?.rawValue),
            .optionalText(change.groups?.rawValue), .optionalBool(change.readReceipts), .optionalBool(change.discoverable),
            .bool(changesAvatar), .optionalUUID(avatar),
        ]
        return try await pool.transaction { connection in
            guard let row = try connection.execute(Self.update, parameters).first else { throw Problem(.sessionRevoked) }
            if let pushTokens = change.pushTokens { try PushTokenStore.replace(of: session.deviceId, with: pushTokens, on: connection) }
            return try Self.user(row)
        }
    }

    private static func user(_ row: Row) throws -> User {
        User(
            userId: try row.uuid(0), name: try row.optionalText(1), profileStatus: try row.optionalText(2), avatarMediaId: try row.optionalUUID(3),
            mobileNumber: try row.text(4))
    }
}
