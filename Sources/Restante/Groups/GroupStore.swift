import Postgres

/// What a change of a group has come to: the group as it is now, and what was put into inboxes.
struct GroupOutcome: Sendable {
    let group: Group
    let deliveries: [Delivery]
}

/// The groups. Every change holds the group's row, which sends to the group hold too, so all see changes and messages in one order; ids are made
/// while the row is held.
struct GroupStore: Sendable {
    let pool: Pool
    let identifiers: IdentifierGenerator
    let limits: LimitTable

    func create(name: String, profileStatus: String, memberIds: [Identifier], by session: Session) async throws -> GroupOutcome {
        let others = memberIds.reduce(into: [Identifier]()) { unique, member in
            if member != session.userId, !unique.contains(member) { unique.append(member) }
        }
        guard others.count < limits[.groupMembers] else { throw GroupError.full }
        return try await pool.transaction { connection in
            try mayAdd(others, by: session, on: connection)
            let groupId = identifiers.next()
            let members = [session.userId] + others
            let row = try connection.execute(
                GroupStatements.insert,
                [.uuid(groupId), .text(name), .text(profileStatus), .uuid(session.userId), .int32(Int32(members.count))])[0]
            _ = try connection.execute(GroupStatements.addMembers, [.uuid(groupId), .uuids(members), .uuid(session.userId)])
            let group = try Self.group(row)
            return GroupOutcome(group: group, deliveries: try tell(.created, of: group, about: nil, by: session, on: connection))
        }
    }

    func add(_ userId: Identifier, to groupId: Identifier, by session: Session) async throws -> GroupOutcome {
        try await pool.transaction { connection in
            let group = try lock(groupId, asAdmin: session, on: connection)
            try mayAdd([userId], by: session, checkingMembershipOf: groupId, on: connection)
            guard group.memberCount < limits[.groupMembers] else { throw GroupError.full }
            // The admin flag goes to no one here: the creator is a member already.
            _ = try connection.execute(GroupStatements.addMembers, [.uuid(groupId), .uuids([userId]), .optionalUUID(nil)])
            let changed = try bump(groupId, members: 1, on: connection)
            return GroupOutcome(group: changed, deliveries: try tell(.memberAdded, of: changed, about: userId, by: session, on: connection))
        }
    }

    func remove(_ userId: Identifier, from groupId: Identifier, by session: Session) async throws -> GroupOutcome {
        try await pool.transaction { connection in
            _ = try lock(groupId, asAdmin: session, on: connection)
            return try takeOut(userId, of: groupId, .memberRemoved, by: session, on: connection)
        }
    }

    func leave(_ groupId: Identifier, by session: Session) async throws -> GroupOutcome {
        try await pool.transaction { connection in
            _ = try lock(groupId, asMember: session, on: connection)
            return try takeOut(session.userId, of: groupId, .memberLeft, by: session, on: connection)
        }
    }

    /// The caller's groups, by id.
    func list(of userId: Identifier, after: Identifier, limit: Int) async throws -> (groups: [Group], hasMore: Bool) {
        try await pool.run { connection in
            let rows = try connection.execute(GroupStatements.list, [.uuid(userId), .uuid(after), .int32(Int32(limit + 1))])
            return (try rows.prefix(limit).map(Self.group), rows.count > limit)
        }
    }

    /// The members of a group, by id, for one of them.
    func members(
        of groupId: Identifier, for userId: Identifier, after: Identifier, limit: Int
    ) async throws -> (members: [GroupMember], hasMore: Bool) {
        try await pool.run { connection in
            guard try !connection.execute(GroupStatements.role, [.uuid(groupId), .uuid(userId)]).isEmpty else { throw GroupError.unknownGroup }
            let rows = try connection.execute(GroupStatements.members, [.uuid(groupId), .uuid(after), .int32(Int32(limit + 1))])
            let members = try rows.prefix(limit).map { row in
                GroupMember(userId: try row.uuid(0), isAdmin: try row.bool(1), joinedAt: Timestamp(milliseconds: try row.timestamp(2)))
            }
            return (members, rows.count > limit)
        }
    }
}

extension GroupStore {
    private func lock(_ groupId: Identifier, asMember session: Session, on connection: Connection) throws -> (group: Group, isAdmin: Bool) {
        guard let row = try connection.execute(GroupStatements.lock, [.uuid(groupId)]).first,
            let role = try connection.execute(GroupStatements.role, [.uuid(groupId), .uuid(session.userId)]).first
        else { throw GroupError.unknownGroup }
        return (try Self.group(row), try role.bool(0))
    }

    private func lock(_ groupId: Identifier, asAdmin session: Session, on connection: Connection) throws -> Group {
        let (group, isAdmin) = try lock(groupId, asMember: session, on: connection)
        guard isAdmin else { throw GroupError.notAnAdmin }
        return group
    }

    /// Throws unless all of these users exist, none is a member of the group yet, and all let the caller add them.
    private func mayAdd(
        _ users: [Identifier], by session: Session, checkingMembershipOf groupId: Identifier? = nil, on connection: Connection
    ) throws {
        let rights = try connection.execute(GroupStatements.adderRights, [.uuids(users), .uuid(session.userId)])
        guard rights.count == users.count else { throw GroupError.unknownUser }
        if let groupId {
            for user in users where try !connection.execute(GroupStatements.role, [.uuid(groupId), .uuid(user)]).isEmpty {
                throw GroupError.alreadyAMember
            }
        }
        guard try rights.allSatisfy({ try $0.bool(1) }) else { throw GroupError.mayNotAdd }
    }

    /// Removes a member, tells everybody including them, finds a new admin where none is left, and deletes the group with its last member.
    private func takeOut(
        _ userId: Identifier, of groupId: Identifier, _ kind: GroupChange.Kind, by session: Session, on connection: Connection
    ) throws -> GroupOutcome {
        guard try connection.execute(GroupStatements.remove, [.uuid(groupId), .uuid(userId)]).affected == 1 else { throw GroupError.notAMember }
        var group = try bump(groupId, members: -1, on: connection)
        var deliveries = try tell(kind, of: group, about: userId, by: session, on: connection)
        if group.memberCount == 0 {
            _ = try connection.execute(GroupStatements.delete, [.uuid(groupId)])
        } else if let successor = try connection.execute(GroupStatements.promoteLongestStanding, [.uuid(groupId)]).first {
            group = try bump(groupId, members: 0, on: connection)
            deliveries += try tell(.adminChanged, of: group, about: try successor.uuid(0), by: session, on: connection)
        }
        return GroupOutcome(group: group, deliveries: deliveries)
    }

    private func bump(_ groupId: Identifier, members: Int32, on connection: Connection) throws -> Group {
        try Self.group(try connection.execute(GroupStatements.bump, [.uuid(groupId), .int32(members)])[0])
    }

    /// Puts the change into the inboxes of all members' devices, and of the one it concerns, but not of the acting device.
    private func tell(
        _ kind: GroupChange.Kind, of group: Group, about userId: Identifier?, by session: Session, on connection: Connection
    ) throws -> [Delivery] {
        let change = GroupChange(kind: kind, groupId: group.groupId, userId: userId, by: session.userId, revision: group.revision)
        var told = try connection.execute(GroupStatements.memberIds, [.uuid(group.groupId)]).map { try $0.uuid(0) }
        // Who has been removed is told of that, and of nothing after it.
        if let userId, kind != .adminChanged { told.append(userId) }
        return try InboxStore.put(
            change.item(identifiers.next()), channel: group.groupId, for: .users(told, except: session.deviceId), on: connection)
    }

    private static func group(_ row: Row) throws -> Group {
        Group(
            groupId: try row.uuid(0), name: try row.text(1), profileStatus: try row.optionalText(2), createdBy: try row.uuid(3),
            memberCount: Int(try row.int32(4)), revision: try row.int64(5))
    }
}
