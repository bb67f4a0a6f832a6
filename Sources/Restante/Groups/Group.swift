import JSON
import Postgres

/// A group as its members see it.
struct Group: Sendable {
    let groupId: Identifier
    let name: String
    let profileStatus: String?
    let createdBy: Identifier
    let memberCount: Int
    let revision: Int64

    var json: JSON {
        .object([
            "groupId": .string(groupId.description),
            "name": .string(name),
            "profileStatus": profileStatus.map(JSON.string),
            "createdAt": .string(Timestamp(of: groupId).description),
            "createdBy": .string(createdBy.description),
            "memberCount": .integer(memberCount),
            "revision": .integer(revision),
        ])
    }
}

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

/// A change of a group, as the members' devices are told of it.
struct GroupChange: Sendable {
    enum Kind: String, Sendable {
        case created, memberAdded, memberRemoved, memberLeft, adminChanged
    }
    let kind: Kind
    let groupId: Identifier
    /// Whom it concerns; nil where it concerns the group as a whole.
    let userId: Identifier?
    let by: Identifier
    let revision: Int64

    func item(_ messageId: Identifier) -> InboxItem {
        let text = JSON.object([
            "type": .string("GROUP"),
            "groupId": .string(groupId.description),
            "change": .string(kind.rawValue),
            "userId": userId.map { .string($0.description) },
            "by": .string(by.description),
            "revision": .integer(revision),
        ]).encoded()
        return InboxItem(messageId: messageId, text: Array(text.dropFirst()))
    }
}

/// Why a group operation is refused.
enum GroupError: ProblemConvertible {
    case unknownGroup
    case unknownUser
    case notAMember
    case notAnAdmin
    case mayNotAdd
    case alreadyAMember
    case full

    var problem: Problem {
        switch self {
        case .unknownGroup: Problem(.notFound, detail: "There is no such group, or you are not a member of it.")
        case .unknownUser: Problem(.notFound, detail: "There is no such user.")
        case .notAMember: Problem(.notFound, detail: "This user is not a member of the group.")
        case .notAnAdmin: Problem(.notAnAdmin)
        case .mayNotAdd: Problem(.mayNotAdd)
        case .alreadyAMember: Problem(.alreadyAMember)
        case .full: Problem(.groupFull)
        }
    }
}
