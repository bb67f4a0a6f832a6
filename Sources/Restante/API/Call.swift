import HTTPServer
import Postgres

/// Who is asking: the device behind an access token, and its user.
struct Session: Sendable, Hashable {
    let userId: Identifier
    let deviceId: Identifier
    let sessionId: Identifier
}

/// One request as a feature sees it: authenticated, its body read but not yet decoded.
struct Call: Sendable {
    let query: [(name: String, value: String)]
    let path: String
    let body: [UInt8]
    let peer: PeerAddress
    let requestId: String
    /// Whether it came where only operators ask; they are told more.
    let isFromOperator: Bool
    /// Nil where there is no request, as in a test.
    let admitted: Admitted?
    fileprivate(set) var caller: Session?
    let isHead: Bool
    let headers: NotedHeaders
    private let stream: Exchange?

    init(
        query: [(name: String, value: String)], path: String, body: [UInt8], peer: PeerAddress, requestId: String, caller: Session?,
        isFromOperator: Bool = false, admitted: Admitted? = nil, isHead: Bool = false, headers: NotedHeaders = NotedHeaders(),
        stream: Exchange? = nil
    ) {
        self.query = query
        self.path = path
        self.body = body
        self.peer = peer
        self.requestId = requestId
        self.caller = caller
        self.isHead = isHead
        self.headers = headers
        self.stream = stream
        self.isFromOperator = isFromOperator
        self.admitted = admitted
    }

    /// The next piece of the body of an `.upload`; nil after the last one.
    func nextPiece() async throws(BodyFault) -> [UInt8]? {
        guard let stream else { return nil }
        return try await stream.nextPiece()
    }

    /// The trace that this request belongs to, for requests that it causes.
    var trace: TraceContext { admitted?.trace ?? .begin() }

    /// The calling device. Only operations for everyone are reached without one, and those do not ask.
    var session: Session {
        get throws {
            guard let caller else { throw Problem(.unauthenticated) }
            return caller
        }
    }
}
