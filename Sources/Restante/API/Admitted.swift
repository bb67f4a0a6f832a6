import HTTPServer
import Synchronization

/// What the head of a request has settled.
final class Admitted: Sendable {
    /// Nil: there is no such operation.
    let route: Route?
    let requestId: String
    /// Where it was asked from; of a device that is known, only who connects.
    let client: PeerAddress
    let credential: Credential
    let path: String
    let query: [(name: String, value: String)]
    let contentType: MediaType
    let isHead: Bool
    let headers: NotedHeaders
    /// Whether it was a poll that asked to wait, or moved media, so that its time says nothing about the server.
    let hasWaited = Atomic<Bool>(false)
    let trace: TraceContext
    /// The tightest of the limits that this request has taken from.
    private let limited = Mutex<RateLimitStanding?>(nil)

    init(
        route: Route?, requestId: String, client: PeerAddress, trace: TraceContext = .begin(),
        credential: Credential = .notNeeded, path: String = "", query: [(name: String, value: String)] = [], contentType: MediaType = .absent,
        isHead: Bool = false, headers: NotedHeaders = NotedHeaders()
    ) {
        self.route = route
        self.requestId = requestId
        self.client = client
        self.trace = trace
        self.credential = credential
        self.path = path
        self.query = query
        self.contentType = contentType
        self.isHead = isHead
        self.headers = headers
    }

    var operation: String { route?.endpoint.operation ?? RequestMetrics.unknown }

    var standing: RateLimitStanding? { limited.withLock { $0 } }

    func note(_ standing: RateLimitStanding) {
        limited.withLock { known in
            if known.map(standing.isTighter) ?? true { known = standing }
        }
    }

    /// The limit that made this request fail is the one that its answer tells of.
    func replaceStanding(with standing: RateLimitStanding) {
        limited.withLock { $0 = standing }
    }
}

/// A request that the server turned away for its form.
final class RejectedRequest: Sendable {
    let requestId: String

    init(requestId: String) {
        self.requestId = requestId
    }
}

/// The media type of a body, as far as this API tells them apart.
enum MediaType: Sendable {
    case absent
    case json
    case other

    /// Parameters such as `charset` are ignored: JSON is UTF-8. Source: RFC 8259, section 8.1.
    init(_ header: String?) {
        guard let header else {
            self = .other
            return
        }
        // What nearly every client sends needs no reading.
        if header.utf8.elementsEqual("application/json".utf8) {
            self = .json
            return
        }
        let essence = header.prefix { $0 != ";" }.trimmingSpaces().lowercased()
        self = essence == "application/json" ? .json : .other
    }
}

extension Substring {
    func trimmingSpaces() -> Substring {
        var trimmed = self
        while trimmed.first == " " || trimmed.first == "\t" { trimmed.removeFirst() }
        while trimmed.last == " " || trimmed.last == "\t" { trimmed.removeLast() }
        return trimmed
    }
}
