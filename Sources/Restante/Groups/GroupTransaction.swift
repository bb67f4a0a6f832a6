import Postgres

/// One change of a group, from the lock on its row to what the members' devices are told.
///
/// Every change holds the group's row FOR UPDATE, and sends to the group hold it FOR SHARE: so all see messages and changes in one order. The ids
/// of what is told are made while the row is held, so they say the same order, and revisions rise by one for each change.
///
/// The order in which rows are locked, so that no two transactions wait for each other: users first, then groups, both by id. A message with media
/// holds its group and then asks for the members; where one of these is just being deleted, it gives up after a quarter of a second, and comes again.
struct GroupTransaction {
    let connection: Connection
    let identifiers: IdentifierGenerator
    /// Who does it. Their other devices are told as well; this one is not.
    let actor: Session
    /// What was put into inboxes; for the mailroom, after COMMIT.
    private(set) var deliveries: [Delivery] = []

    init(on connection: Connection, by actor: Session, _ identifiers: IdentifierGenerator) {
        self.connection = connection
        self.actor = actor
        self.identifiers = identifiers
    }

    /// Keeps the actor's account from being deleted until the transaction ends.
    func keepActor() throws {
        guard try !connection.execute(GroupStatements.keepUser, [.uuid(actor.userId)]).isEmpty else { throw Problem(.sessionRevoked) }
    }

    /// Holds the group; throws where there is none or the actor is no member.
    func hold(_ groupId: Identifier) throws -> (group: Group, isAdmin: Bool) {
        guard let group = try lock(groupId), let isAdmin = try isAdmin(actor.userId, of: groupId) else { throw GroupError.unknownGroup }
        return (group, isAdmin)
    }

    /// Holds the group; throws also where the actor is no admin.
    @discardableResult
    func holdAsAdmin(_ groupId: Identifier) throws -> Group {
        let (group, isAdmin) = try hold(groupId)
        guard isAdmin else { throw GroupError.notAnAdmin }
        return group
    }

    /// Holds the group, whoever asks; nil where there is none (any more).
    func lock(_ groupId: Identifier) throws -> Group? {
        try connection.execute(GroupStatements.lock, [.uuid(groupId)]).first.map(Group.init)
    }

    /// Nil where the user is no member.
    func isAdmin(_ userId: Identifier, of groupId: Identifier) throws -> Bool? {
        try connection.execute(GroupStatements.role, [.uuid(groupId), .uuid(userId)]).first?.bool(0)
    }

    /// Takes one more member into a group that is held; throws where it is full.
    mutating func takeIn(_ userId: Identifier, of group: Group, upTo limit: Int, _ kind: GroupChange.Kind) throws -> Group {
        guard group.memberCount < limit else { throw GroupError.full }
        // The admin flag goes to no one: the group has its admins already.
        _ = try connection.execute(GroupStatements.addMembers, [.uuid(group.groupId), .uuids([userId]), .optionalUUID(nil)])
        return try finish(kind, of: group.groupId, members: 1, about: userId)
    }

    /// Takes a member out of a group that is held and tells everybody, finds a new admin where none is left, and deletes the group with its last member.
    ///
    /// - Parameter isTold: whether their own devices are told as well: of this, and of nothing after it.
    mutating func takeOut(_ userId: Identifier, of groupId: Identifier, _ kind: GroupChange.Kind, isTold: Bool = true) throws -> Group {
        guard try connection.execute(GroupStatements.remove, [.uuid(groupId), .uuid(userId)]).affected == 1 else { throw GroupError.notAMember }
        let group = try finish(kind, of: groupId, members: -1, about: userId, telling: isTold ? [userId] : [])
        if group.memberCount == 0 {
            _ = try connection.execute(GroupStatements.delete, [.uuid(groupId)])
        } else if let successor = try connection.execute(GroupStatements.promoteLongestStanding, [.uuid(groupId)]).first {
            return try finish(.adminChanged, of: groupId, about: try successor.uuid(0))
        }
        return group
    }

    /// Raises the revision and tells the members, and those who are none any more.
    mutating func finish(
        _ kind: GroupChange.Kind, of groupId: Identifier, members: Int32 = 0, about userId: Identifier, telling outsiders: [Identifier] = []
    ) throws -> Group {
        let group = try Group(try connection.execute(GroupStatements.bump, [.uuid(groupId), .int32(members)])[0])
        try tell(kind, of: group, about: userId, and: outsiders)
        return group
    }

    /// Puts the change into the inboxes of all members' devices, and of the outsiders', but not of the acting device.
    mutating func tell(_ kind: GroupChange.Kind, of group: Group, about userId: Identifier?, and outsiders: [Identifier] = []) throws {
        let change = GroupChange(kind: kind, groupId: group.groupId, userId: userId, by: actor.userId, revision: group.revision)
        let members = try connection.execute(GroupStatements.memberIds, [.uuid(group.groupId)]).map { try $0.uuid(0) }
        deliveries += try InboxStore.put(
            change.item(identifiers.next()), channel: group.groupId, for: .users(members + outsiders, except: actor.deviceId), on: connection)
    }
}
