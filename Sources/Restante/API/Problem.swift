import HTTPServer
import JSON

/// An error as the client sees it. Source: RFC 9457.
struct Problem: Error, Sendable {
    /// One fault of a request, at a member of the body (JSON Pointer) or at a query parameter.
    struct Fault: Sendable {
        enum Place: Sendable {
            case member(JSONPointer)
            case parameter(String)
        }
        let place: Place
        let detail: String
    }

    /// What a sender must know of devices that have changed.
    struct Devices: Sendable {
        let missing: JSON
        let extra: JSON
        let stale: JSON
        let bundles: JSON
    }

    let code: ProblemCode
    var detail: String?
    var faults: [Fault] = []
    var line: Int?
    var column: Int?
    var didYouMean: String?
    var maxBytes: Int?
    var scope: String?
    var attemptsLeft: Int?
    var callId: String?
    var devices: Devices?
    /// Seconds; sent as `Retry-After`.
    var retryAfter: Int?
    var allowedMethods: String?
    /// Sent as `Content-Range`.
    var contentRange: String?

    init(_ code: ProblemCode, detail: String? = nil) {
        self.code = code
        self.detail = detail
    }

    static func tooLarge(maxBytes: Int) -> Problem {
        var problem = Problem(.tooLarge, detail: "At most \(maxBytes) bytes are accepted here.")
        problem.maxBytes = maxBytes
        return problem
    }

    static func rateLimited(scope: String, retryAfter: Int) -> Problem {
        var problem = Problem(.rateLimited, detail: "The limit \(scope) is used up for now.")
        problem.scope = scope
        problem.retryAfter = max(1, retryAfter)
        return problem
    }

    /// A fault that will pass: `code` is one of those with status 503. Those who are told so together are not asked to come back together.
    static func passing(_ code: ProblemCode, detail: String? = nil, retryAfter: Int = .random(in: 1...3)) -> Problem {
        var problem = Problem(code, detail: detail)
        problem.retryAfter = retryAfter
        return problem
    }
}

/// An error of a feature that knows which problem it is to the client.
protocol ProblemConvertible: Error {
    var problem: Problem { get }
    /// What the operator should know and the client should not; nil: the client has been told all there is.
    var faultForLog: String? { get }
}

extension ProblemConvertible {
    var faultForLog: String? { nil }
}

extension Problem {
    /// The answer, without the headers that every answer has.
    func response(requestId: String) -> Response {
        let row = code.description
        let body = JSON.object([
            "type": .string("/problems/\(code.rawValue)"),
            "title": .string(row.title),
            "status": .integer(Int64(row.status)),
            "detail": .string(detail ?? row.explanation),
            "code": .string(code.rawValue),
            "retryable": .boolean(row.retryable),
            "requestId": .string(requestId),
            "line": line.map { .integer(Int64($0)) },
            "column": column.map { .integer(Int64($0)) },
            "didYouMean": didYouMean.map(JSON.string),
            "errors": faults.isEmpty ? nil : .array(faults.map(\.json)),
            "maxBytes": maxBytes.map { .integer(Int64($0)) },
            "scope": scope.map(JSON.string),
            "attemptsLeft": attemptsLeft.map { .integer(Int64($0)) },
            "callId": callId.map(JSON.string),
            "missing": devices?.missing,
            "extra": devices?.extra,
            "stale": devices?.stale,
            "bundles": devices?.bundles,
        ])
        var response = Response(status: row.status, headers: [("Content-Type", "application/problem+json")], body: body.encoded())
        if row.status == 401 { response.headers.append(("WWW-Authenticate", "Bearer")) }
        if let retryAfter { response.headers.append(("Retry-After", String(retryAfter))) }
        if let contentRange { response.headers.append(("Content-Range", contentRange)) }
        if let allowedMethods { response.headers.append(("Allow", allowedMethods)) }
        return response
    }
}

extension Problem.Fault {
    fileprivate var json: JSON {
        switch place {
        case .member(let pointer): .object(["pointer": .string(pointer.description), "detail": .string(detail)])
        case .parameter(let name): .object(["parameter": .string(name), "detail": .string(detail)])
        }
    }
}
