import Postgres

/// Why a call operation is refused.
enum CallError: ProblemConvertible, Equatable {
    case unknownUser
    case unknownCall
    case over
    case busy
    case inProgress(Identifier)

    var problem: Problem {
        switch self {
        case .unknownUser: return Problem(.notFound, detail: "There is no such user.")
        case .unknownCall: return Problem(.notFound, detail: "There is no such call, or this device has no part in it.")
        case .over: return Problem(.callOver)
        case .busy: return Problem(.busy)
        case .inProgress(let callId):
            var problem = Problem(.callInProgress)
            problem.callId = callId.description
            return problem
        }
    }
}
