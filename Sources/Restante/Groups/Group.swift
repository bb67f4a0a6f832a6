import JSON
import Postgres

/// A group as its members see it.
struct Group: Sendable {
    let groupId: Identifier
    let name: String
    let profileStatus: String?
    /// Nil where that account has been deleted.
    let createdBy: Identifier?
    let memberCount: Int
    let revision: Int64

    var json: JSON {
        .object([
            "groupId": .string(groupId.description),
            "name": .string(name),
            "profileStatus": profileStatus.map(JSON.string),
            "createdAt": .string(Timestamp(of: groupId).description),
            "createdBy": createdBy.map { .string($0.description) },
            "memberCount": .integer(memberCount),
            "revision": .integer(revision),
        ])
    }
}

extension Group {
    /// Reads the columns in which every statement answers with a group.
    init(_ row: Row) throws(PostgresError) {
        groupId = try row.uuid(0)
        name = try row.text(1)
        profileStatus = try row.optionalText(2)
        createdBy = try row.optionalUUID(3)
        memberCount = Int(try row.int32(4))
        revision = try row.int64(5)
    }
}

/// One member, as the others see them.
struct GroupMember: Sendable {
    let userId: Identifier
    let isAdmin: Bool
    let joinedAt: Timestamp

    var json: JSON {
        .object([
            "userId": .string(userId.description), "isAdmin": .boolean(isAdmin), "joinedAt": .string(joinedAt.description),
        ])
    }
}
