import HTTPServer
import Logging
import Postgres

/// One line for each request, and the one place where an error becomes a problem.
///
/// A line has the operation, the status, the bytes and the time; never a body, a token, a one-time password or a number.
struct RequestLog: Sendable {
    let logger: Logger
    let metrics: Metrics

    func finished(_ record: ExchangeRecord, _ admitted: Admitted?) {
        guard logger.logLevel <= .info else { return }
        logger.info(
            "request",
            metadata: [
                "operation": .string(admitted?.operation ?? RequestMetrics.rejected),
                "status": .stringConvertible(record.status),
                "outcome": .string("\(record.outcome)"),
                "bytes": .stringConvertible(record.responseBytes),
                "seconds": .stringConvertible((record.seconds * 1e6).rounded() / 1e6),
                "requestId": .string(admitted?.requestId ?? "-"),
            ])
    }

    /// What the client is told of `error`; counted here, and nowhere else.
    func response(to error: any Error, requestId: String) -> Response {
        let problem = problem(for: error, requestId: requestId)
        metrics.problems.add(problem.code)
        if let scope = problem.scope.flatMap(LimitName.init) { metrics.rateLimited.add(scope) }
        return problem.response(requestId: requestId)
    }

    /// The problem that `error` is; what the client is not told of it goes to the log.
    private func problem(for error: any Error, requestId: String) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as any ProblemConvertible: return error.problem
        case let error as PostgresError:
            let problem = Problem(error)
            let level: Logger.Level = problem.code == .internalError ? .error : .warning
            logger.log(level: level, "database", metadata: ["requestId": .string(requestId), "error": .string("\(error)")])
            return problem
        default:
            logger.error("unexpected", metadata: ["requestId": .string(requestId), "error": .string("\(error)")])
            return Problem(.internalError)
        }
    }
}
