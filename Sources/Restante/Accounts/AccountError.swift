/// Why an account operation is refused.
enum AccountError: ProblemConvertible {
    case otpIncorrect(attemptsLeft: Int)
    case otpExpired
    case alreadyRegistered
    case notRegistered
    case tooManyDevices
    case refreshTokenInvalid
    case unknownUser
    case unknownDevice
    case tooManyBlocked
    case otpTooSoon(seconds: Int)

    var problem: Problem {
        switch self {
        case .otpIncorrect(let attemptsLeft):
            var problem = Problem(.otpIncorrect)
            problem.attemptsLeft = attemptsLeft
            return problem
        case .otpExpired: return Problem(.otpExpired)
        case .alreadyRegistered: return Problem(.alreadyRegistered)
        case .notRegistered: return Problem(.notRegistered)
        case .tooManyDevices: return Problem(.tooManyDevices)
        case .refreshTokenInvalid: return Problem(.refreshTokenInvalid)
        case .unknownUser: return Problem(.notFound, detail: "There is no such user.")
        case .unknownDevice: return Problem(.notFound, detail: "You have no such device.")
        // Nothing makes room but the caller, so the pause is long.
        case .tooManyBlocked: return .rateLimited(scope: LimitName.blockedUsers.rawValue, retryAfter: 3600)
        case .otpTooSoon(let seconds): return .rateLimited(scope: LimitName.otpResendSeconds.rawValue, retryAfter: seconds)
        }
    }
}
