import HTTPServer
import JSON
import Postgres

/// Where problems come from that no feature makes: the request's form, the server's guard, the database.
extension Problem {
    init(_ error: JSONSyntaxError) {
        self.init(.malformedJSON, detail: error.detail)
        line = error.line
        column = error.column
    }

    init(invalid faults: [Fault]) {
        self.init(.invalidRequest)
        self.faults = faults
    }

    init(_ rejection: Rejection) {
        let code: ProblemCode =
            switch rejection.status {
            case 411: .lengthRequired
            case 413: .tooLarge
            case 414: .uriTooLong
            case 417: .expectationFailed
            case 431: .headersTooLarge
            case 501: .notImplemented
            case 505: .unsupportedVersion
            default: .malformedRequest
            }
        self.init(code, detail: rejection.detail)
    }

    init(_ error: PostgresError) {
        switch error {
        case .unavailable, .timedOut, .outcomeUnknown:
            self = .passing(.unavailable)
        case .tooManyWaiting:
            self = .passing(.overloaded)
        case .server(let state, _, _) where state == .diskFull:
            self.init(.outOfSpace)
        case .server(let state, _, _) where state.isTransient:
            self = .passing(.unavailable)
        default:
            self.init(.internalError)
        }
    }
}

/// The body of an upload has not come whole; where its client is still there, it has been told why.
extension BodyFault: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .abandoned: .passing(.draining)
        case .tooLarge: Problem(.tooLarge)
        }
    }
}

extension SQLState {
    /// Whether the same statement may succeed later.
    fileprivate var isTransient: Bool {
        // What a row refers to was deleted meanwhile, often the caller's own account: the next try is told.
        isRetryable
            || [.foreignKeyViolation, .queryCanceled, .lockNotAvailable, .adminShutdown, .crashShutdown, .cannotConnectNow, .tooManyConnections]
                .contains(self)
    }
}
