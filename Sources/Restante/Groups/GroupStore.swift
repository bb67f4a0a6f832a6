import Postgres

/// What a change of a group has come to: the group as it is now, and what was put into inboxes.
struct GroupOutcome: Sendable {
    let group: Group
    let deliveries: [Delivery]
}

/// The groups and who is in them. `GroupTransaction` says what every change has in common.
struct GroupStore: Sendable {
    let pool: Pool
    let identifiers: IdentifierGenerator
    let limits: LimitTable

    func create(name: String, profileStatus: String, memberIds: [Identifier], by session: Session) async throws -> GroupOutcome {
        var seen: Set = [session.userId]
        let others = memberIds.filter { seen.insert($0).inserted }
        guard others.count < limits[.groupMembers] else { throw GroupError.full }
        return try await change(by: session) { transaction in
            let connection = transaction.connection
            try transaction.keepActor()
            guard let rights = try adderRights(over: others, for: session, on: connection) else { throw GroupError.unknownUser }
            guard rights.allSatisfy({ $0 }) else { throw GroupError.mayNotAdd }
            let groupId = identifiers.next()
            let members = [session.userId] + others
            let row = try connection.execute(
                GroupStatements.insert,
                [.uuid(groupId), .text(name), .text(profileStatus), .uuid(session.userId), .int32(Int32(members.count))])[0]
            _ = try connection.execute(GroupStatements.addMembers, [.uuid(groupId), .uuids(members), .uuid(session.userId)])
            let group = try Group(row)
            try transaction.tell(.created, of: group, about: nil)
            return group
        }
    }

    /// Changes what is not nil. Where all of it was so before, nobody is told and the revision stays.
    func update(_ groupId: Identifier, name: String?, profileStatus: String?, by session: Session) async throws -> GroupOutcome {
        try await change(by: session) { transaction in
            let group = try transaction.holdAsAdmin(groupId)
            let parameters: [Parameter] = [.uuid(groupId), .optionalText(name), .optionalText(profileStatus)]
            guard let row = try transaction.connection.execute(GroupStatements.rename, parameters).first else { return group }
            let changed = try Group(row)
            try transaction.tell(.updated, of: changed, about: nil)
            return changed
        }
    }

    func add(_ userId: Identifier, to groupId: Identifier, by session: Session) async throws -> GroupOutcome {
        try await change(by: session) { transaction in
            // Read before the group is held, because users are locked before groups; told after it, because only admins may know.
            let rights = try adderRights(over: [userId], for: session, on: transaction.connection)
            let group = try transaction.holdAsAdmin(groupId)
            guard let rights else { throw GroupError.unknownUser }
            guard try transaction.isAdmin(userId, of: groupId) == nil else { throw GroupError.alreadyAMember }
            guard rights.allSatisfy({ $0 }) else { throw GroupError.mayNotAdd }
            return try transaction.takeIn(userId, of: group, upTo: limits[.groupMembers], .memberAdded)
        }
    }

    /// An admin who removes themselves leaves.
    func remove(_ userId: Identifier, from groupId: Identifier, by session: Session) async throws -> GroupOutcome {
        try await change(by: session) { transaction in
            try transaction.holdAsAdmin(groupId)
            return try transaction.takeOut(userId, of: groupId, userId == session.userId ? .memberLeft : .memberRemoved)
        }
    }

    /// Makes a member admin, or one no more; never leaves a group without one. Where it was so before, nobody is told and the revision stays.
    func setAdmin(_ userId: Identifier, of groupId: Identifier, to isAdmin: Bool, by session: Session) async throws -> GroupOutcome {
        try await change(by: session) { transaction in
            let group = try transaction.holdAsAdmin(groupId)
            guard let wasAdmin = try transaction.isAdmin(userId, of: groupId) else { throw GroupError.notAMember }
            guard wasAdmin != isAdmin else { return group }
            let connection = transaction.connection
            if !isAdmin, try !connection.execute(GroupStatements.otherAdmins, [.uuid(groupId), .uuid(userId)])[0].bool(0) {
                throw GroupError.lastAdmin
            }
            _ = try connection.execute(GroupStatements.setAdmin, [.uuid(groupId), .uuid(userId), .bool(isAdmin)])
            return try transaction.finish(.adminChanged, of: groupId, about: userId)
        }
    }

    func leave(_ groupId: Identifier, by session: Session) async throws -> GroupOutcome {
        try await change(by: session) { transaction in
            _ = try transaction.hold(groupId)
            return try transaction.takeOut(session.userId, of: groupId, .memberLeft)
        }
    }

    /// Takes a user who is about to be deleted out of all their groups, within the caller's transaction; hands back what was put into inboxes.
    ///
    /// The user's row is locked first, so until that transaction ends nobody adds them to a group and they join none. Call it before anything else
    /// is locked that belongs to others.
    func leaveAll(by session: Session, on connection: Connection) throws -> [Delivery] {
        var transaction = GroupTransaction(on: connection, by: session, identifiers)
        _ = try connection.execute(GroupStatements.lockUser, [.uuid(session.userId)])
        for row in try connection.execute(GroupStatements.groupIds, [.uuid(session.userId)]) {
            let groupId = try row.uuid(0)
            // By the time that the group is held, an admin may have removed the user.
            guard try transaction.lock(groupId) != nil, try transaction.isAdmin(session.userId, of: groupId) != nil else { continue }
            _ = try transaction.takeOut(session.userId, of: groupId, .memberLeft, isTold: false)
        }
        return transaction.deliveries
    }

    /// The caller's groups, by id.
    func list(of userId: Identifier, after: Identifier, limit: Int) async throws -> (groups: [Group], hasMore: Bool) {
        try await pool.run { connection in
            let rows = try connection.execute(GroupStatements.list, [.uuid(userId), .uuid(after), .int32(Int32(limit + 1))])
            return (try rows.prefix(limit).map(Group.init), rows.count > limit)
        }
    }

    /// All of the caller's groups, by id.
    func all(of userId: Identifier) async throws -> [Group] {
        try await list(of: userId, after: .zero, limit: Int(Int32.max) - 1).groups
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
    private func change(by session: Session, _ body: @escaping @Sendable (inout GroupTransaction) throws -> Group) async throws -> GroupOutcome {
        try await pool.transaction { connection in
            var transaction = GroupTransaction(on: connection, by: session, identifiers)
            let group = try body(&transaction)
            return GroupOutcome(group: group, deliveries: transaction.deliveries)
        }
    }

    /// For each of these users, whether they let the caller add them; nil where one does not exist.
    private func adderRights(over users: [Identifier], for session: Session, on connection: Connection) throws -> [Bool]? {
        let rows = try connection.execute(GroupStatements.adderRights, [.uuids(users), .uuid(session.userId)])
        return rows.count == users.count ? try rows.map { try $0.bool(1) } : nil
    }
}
