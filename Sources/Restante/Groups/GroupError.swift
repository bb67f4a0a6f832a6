/// Why a group operation is refused.
enum GroupError: ProblemConvertible {
    case unknownGroup
    case unknownUser
    case unknownInvite
    case notAMember
    case notAnAdmin
    case mayNotAdd
    case alreadyAMember
    case lastAdmin
    case full

    var problem: Problem {
        switch self {
        case .unknownGroup: Problem(.notFound, detail: "There is no such group, or you are not a member of it.")
        case .unknownUser: Problem(.notFound, detail: "There is no such user.")
        case .unknownInvite: Problem(.notFound, detail: "There is no such invite, or it is over.")
        case .notAMember: Problem(.notFound, detail: "This user is not a member of the group.")
        case .notAnAdmin: Problem(.notAnAdmin)
        case .mayNotAdd: Problem(.mayNotAdd)
        case .alreadyAMember: Problem(.alreadyAMember)
        case .lastAdmin: Problem(.lastAdmin)
        case .full: Problem(.groupFull)
        }
    }
}
