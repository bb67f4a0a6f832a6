import Postgres

/// The invites: a group has at most one, and whoever shows its code joins.
///
/// An invite is no change of the group: it raises no revision, and no member is told of it. It outlives the admin who made it, until another is made or
/// it is revoked. It is made, revoked and used while the group is held, so a join is wholly before or wholly after its end.
struct InviteStore: Sendable {
    let pool: Pool
    let identifiers: IdentifierGenerator
    let limits: LimitTable

    static let statements = [put, delete, find, isGood]

    private static let put = Statement(
        "invites.put",
        """
        INSERT INTO group_invites (group_id, code_hash) VALUES ($1::uuid, $2::bytea)
        ON CONFLICT (group_id) DO UPDATE SET code_hash = excluded.code_hash
        """)

    private static let delete = Statement("invites.delete", "DELETE FROM group_invites WHERE group_id = $1::uuid")

    private static let find = Statement("invites.find", "SELECT group_id FROM group_invites WHERE code_hash = $1::bytea")

    private static let isGood = Statement(
        "invites.is_good", "SELECT EXISTS (SELECT FROM group_invites WHERE group_id = $1::uuid AND code_hash = $2::bytea)")

    /// Makes an invite, which ends the one before.
    func create(for groupId: Identifier, by session: Session) async throws -> InviteCode {
        let code = InviteCode()
        try await pool.transaction { connection in
            try GroupTransaction(on: connection, by: session, identifiers).holdAsAdmin(groupId)
            _ = try connection.execute(Self.put, [.uuid(groupId), .bytes(code.hash)])
        }
        return code
    }

    /// Ends the group's invite; does nothing where there is none.
    func revoke(for groupId: Identifier, by session: Session) async throws {
        try await pool.transaction { connection in
            try GroupTransaction(on: connection, by: session, identifiers).holdAsAdmin(groupId)
            _ = try connection.execute(Self.delete, [.uuid(groupId)])
        }
    }

    /// Makes the caller a member of the group whose invite that is.
    func join(by code: InviteCode, _ session: Session) async throws -> GroupOutcome {
        try await pool.transaction { connection in
            var transaction = GroupTransaction(on: connection, by: session, identifiers)
            try transaction.keepActor()
            // What was found may have ended by the time that the group is held.
            guard let groupId = try connection.execute(Self.find, [.bytes(code.hash)]).first?.uuid(0), let group = try transaction.lock(groupId),
                try connection.execute(Self.isGood, [.uuid(groupId), .bytes(code.hash)])[0].bool(0)
            else { throw GroupError.unknownInvite }
            guard try transaction.isAdmin(session.userId, of: groupId) == nil else { throw GroupError.alreadyAMember }
            let joined = try transaction.takeIn(session.userId, of: group, upTo: limits[.groupMembers], .memberJoined)
            return GroupOutcome(group: joined, deliveries: transaction.deliveries)
        }
    }
}
