import HTTPServer
import Postgres

/// Who is asking: the device behind an access token, and its user.
struct Session: Sendable, Hashable {
    let userId: Identifier
    let deviceId: Identifier
    let sessionId: Identifier
}

/// Who can reach the port that a request came to.
enum Audience: Sendable {
    case clients
    /// There is one port for all. Operators look there too, but whatever they are told everybody is told.
    case everybody
    case operators
}

/// One request as a feature sees it: authenticated, its body read but not yet decoded.
struct Call: Sendable {
    let admitted: Admitted
    let body: [UInt8]
    let audience: Audience
    private let caller: Session?
    private let stream: Exchange?

    /// - Parameter stream: where the rest of the body comes from, if the endpoint reads it piece by piece.
    init(_ admitted: Admitted, body: [UInt8], caller: Session?, audience: Audience = .clients, stream: Exchange? = nil) {
        self.admitted = admitted
        self.body = body
        self.caller = caller
        self.audience = audience
        self.stream = stream
    }

    var path: String { admitted.path }
    var query: [(name: String, value: String)] { admitted.query }
    var headers: NotedHeaders { admitted.headers }
    var isHead: Bool { admitted.isHead }
    var client: PeerAddress { admitted.client }
    var requestId: String { admitted.requestId }
    /// The trace that this request belongs to, for requests that it causes.
    var trace: TraceContext { admitted.trace }

    /// The next piece of the body of an `.upload`; nil after the last one.
    func nextPiece() async throws(BodyFault) -> [UInt8]? {
        guard let stream else { return nil }
        return try await stream.nextPiece()
    }

    /// The calling device. Only operations for everyone are reached without one, and those do not ask.
    var session: Session {
        get throws {
            guard let caller else { throw Problem(.unauthenticated) }
            return caller
        }
    }
}
