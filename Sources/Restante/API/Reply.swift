import HTTPServer
import JSON
import Synchronization

/// The way back to the client of one request; can be used from any thread, and only the first answer counts.
struct Reply: Sendable {
    private let exchange: Exchange
    private let admitted: Admitted
    private let log: RequestLog

    init(exchange: Exchange, admitted: Admitted, log: RequestLog) {
        self.exchange = exchange
        self.admitted = admitted
        self.log = log
    }

    /// False where the exchange was already answered or its client is gone.
    @discardableResult
    func send(_ response: Response) -> Bool {
        var response = response.withCommonHeaders(requestId: admitted.requestId)
        if let standing = admitted.standing { response.headers += standing.headers }
        return exchange.complete(response)
    }

    @discardableResult
    func fail(_ error: any Error) -> Bool {
        send(log.response(to: error, for: admitted))
    }

    /// The request asked to be held until something arrives.
    func noteWait() {
        admitted.hasWaited.store(true, ordering: .relaxed)
    }

    /// The answer tells of this limit, unless of a tighter one.
    func note(_ standing: RateLimitStanding) {
        admitted.note(standing)
    }

    /// Calls `action` when the client hangs up or the server stops before an answer; at most once, on a thread of the server.
    func whenAbandoned(_ action: @escaping @Sendable () -> Void) {
        exchange.whenAbandoned(action)
    }
}

extension Response {
    static let noContent = Response(status: 204, headers: [], body: [])

    static func json(_ value: JSON, status: Int = 200) -> Response {
        .json(encoded: value.encoded(), status: status)
    }

    static func json(encoded body: [UInt8], status: Int = 200) -> Response {
        Response(status: status, headers: [("Content-Type", "application/json")], body: body)
    }

    /// The headers that every answer of this server has.
    func withCommonHeaders(requestId: String) -> Response {
        var response = self
        response.headers.append(("X-Request-Id", requestId))
        // Only what may be kept says so itself.
        if !response.headers.contains(where: { $0.name.description == "Cache-Control" }) { response.headers.append(("Cache-Control", "no-store")) }
        response.headers.append(("X-Content-Type-Options", "nosniff"))
        return response
    }
}
