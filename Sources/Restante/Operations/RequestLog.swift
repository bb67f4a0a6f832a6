import HTTPServer
import Logging
import Postgres

/// One line for each request, and the one place where an error becomes a problem.
///
/// A line has the operation, the status, the bytes and the time; never a body, a token, a one-time password or a number.
final class RequestLog: Sendable {
    private let logger: Logger
    private let metrics: Metrics
    private let rateLimiter: RateLimiter

    init(logger: Logger, metrics: Metrics, rateLimiter: RateLimiter) {
        self.logger = logger
        self.metrics = metrics
        self.rateLimiter = rateLimiter
    }

    func finished(_ record: ExchangeRecord, _ admitted: Admitted?, requestId: String) {
        guard logger.logLevel <= .info else { return }
        var line: Logger.Metadata = [
            "operation": .string(admitted?.operation ?? RequestMetrics.rejected),
            "status": .stringConvertible(record.status),
            "outcome": .string("\(record.outcome)"),
            "bytes": .stringConvertible(record.responseBytes),
            "seconds": .stringConvertible((record.seconds * 1e6).rounded() / 1e6),
            "requestId": .string(requestId),
        ]
        if let trace = admitted?.trace {
            line["trace_id"] = .string(trace.traceText)
            line["span_id"] = .string(trace.spanText)
            line["parent_span_id"] = trace.parentText.map { .string($0) }
        }
        logger.info("request", metadata: line)
    }

    /// A connection too many was told 503.
    func refusedConnection(_ requestId: String) {
        logger.info("connection refused", metadata: ["requestId": .string(requestId)])
    }

    /// What the client is told of `error`; what it is not told goes to the log. Counted here, and nowhere else.
    func problem(for error: any Error, requestId: String) -> Problem {
        let problem = translated(error, requestId: requestId)
        metrics.problems.add(problem.code)
        if let scope = problem.scope.flatMap(LimitName.init) { metrics.rateLimited.add(scope) }
        return problem
    }

    func response(to error: any Error, requestId: String) -> Response {
        problem(for: error, requestId: requestId).response(requestId: requestId)
    }

    /// The same for a request that was admitted: its answer tells of the limit that made it fail, and of no other.
    func response(to error: any Error, for admitted: Admitted) -> Response {
        let problem = problem(for: error, requestId: admitted.requestId)
        if let standing = standing(of: problem) { admitted.replaceStanding(with: standing) }
        return problem.response(requestId: admitted.requestId)
    }

    /// How the limit stands that this problem is about, if it is about one.
    private func standing(of problem: Problem) -> RateLimitStanding? {
        guard let limit = problem.scope.flatMap(LimitName.init), let retryAfter = problem.retryAfter else { return nil }
        return rateLimiter.exhausted(limit, retryAfter: retryAfter)
    }

    private func translated(_ error: any Error, requestId: String) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as any ProblemConvertible:
            if let fault = error.faultForLog { logger.warning("fault", metadata: ["requestId": .string(requestId), "error": .string(fault)]) }
            return error.problem
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
