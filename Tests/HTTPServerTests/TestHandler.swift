import Glibc
import Synchronization

@testable import HTTPServer

/// What the tests know of a request.
final class TestContext: Sendable {
    let path: String
    let method: HTTPServer.Method
    init(path: String, method: HTTPServer.Method) {
        self.path = path
        self.method = method
    }
}

/// An application in which each path is one behaviour.
final class TestHandler: ExchangeHandler {
    private let noted = Mutex(Notes())
    /// Takes exchanges to `/race`.
    let onRace: @Sendable (Exchange) -> Void

    private struct Notes {
        var held: [Exchange] = []
        var records: [ExchangeRecord] = []
        var requests: [SeenRequest] = []
        var abandoned = 0
        var clock: clockid_t?
    }

    struct SeenRequest: Sendable {
        let path: String
        let query: [String]
        let agent: String?
        let contentLength: Int?
        let hasBody: Bool
    }

    init(onRace: @escaping @Sendable (Exchange) -> Void = { $0.complete(Response(status: 200)) }) {
        self.onRace = onRace
    }

    /// The processor time of the thread that served last; nil before that.
    var threadSeconds: Double? {
        guard let clock = noted.withLock({ $0.clock }) else { return nil }
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    func admit(_ head: RequestHead) -> Admission {
        var clock = clockid_t()
        pthread_getcpuclockid(pthread_self(), &clock)
        noted.withLock { $0.clock = clock }
        noted.withLock {
            $0.requests.append(
                SeenRequest(
                    path: head.path, query: head.query.map { "\($0.name)=\($0.value)" }, agent: head.header("user-agent"),
                    contentLength: head.contentLength, hasBody: head.hasBody))
        }
        let context = TestContext(path: head.path, method: head.method)
        switch head.path {
        case "/refuse": return .answer(Response(status: 401, body: Array("no".utf8)), context: context)
        case "/size": return .accept(maxBodyBytes: 1 << 20, context: context)
        case "/large", "/large/none", "/large/hold": return .accept(maxBodyBytes: 1 << 24, context: context)
        default: return .accept(maxBodyBytes: 1000, context: context)
        }
    }

    func handle(_ exchange: Exchange) {
        guard let context = exchange.context as? TestContext else { return }
        switch context.path {
        case "/hold", "/large/hold":
            exchange.whenAbandoned { [self] in noted.withLock { $0.abandoned += 1 } }
            noted.withLock { $0.held.append(exchange) }
        case "/race": onRace(exchange)
        case "/wordy": exchange.complete(Response(status: 200, headers: [("X-Words", String(repeating: "w", count: 880))]))
        case "/none", "/large/none": exchange.complete(Response(status: 204))
        case "/bad": exchange.complete(Response(status: 200, headers: [("X-Split", "a\r\nb: c")], body: [65]))
        case "/bye": exchange.complete(Response(status: 200, body: Array("bye".utf8), close: true))
        case "/size": exchange.complete(Response(status: 200, body: Array("\(exchange.takeBody().count)".utf8)))
        case "/page": exchange.complete(Response(status: 200, body: [UInt8](repeating: 120, count: 100_000)))
        case "/big": exchange.complete(Response(status: 200, body: [UInt8](repeating: 120, count: 3_000_000)))
        default:
            let body = exchange.takeBody()
            exchange.complete(
                Response(status: 200, headers: [("Content-Type", "text/plain")], body: body.isEmpty ? Array("ok".utf8) : body))
        }
    }

    func rejection(_ reason: Rejection, of head: RejectedHead) -> (response: Response, context: (any AnyObject & Sendable)?) {
        var headers: [(name: StaticString, value: String)] = [("Content-Type", "application/problem+json")]
        if let own = head.header("X-Own") { headers.append(("X-Own", own)) }
        let response = Response(status: reason.status, headers: headers, body: Array(reason.detail.utf8))
        return (response, TestContext(path: "rejected", method: .get))
    }

    func tooLarge(maxBytes: Int, context: any AnyObject & Sendable) -> Response {
        Response(status: 413, body: Array("\(maxBytes)".utf8))
    }

    func overloaded(context: (any AnyObject & Sendable)?) -> Response {
        Response(status: 503, headers: [("Retry-After", "2")], body: Array((context as? TestContext)?.path.utf8 ?? "connections".utf8))
    }

    func draining(context: any AnyObject & Sendable) -> Response { Response(status: 503, body: Array("draining".utf8)) }

    func finished(_ record: ExchangeRecord) { noted.withLock { $0.records.append(record) } }

    var requests: [SeenRequest] { noted.withLock { $0.requests } }
    var records: [ExchangeRecord] { noted.withLock { $0.records } }
    var abandonedCount: Int { noted.withLock { $0.abandoned } }
    var heldCount: Int { noted.withLock { $0.held.count } }

    /// Exchanges to `/hold` since the last call, in the order in which they came.
    func takeHeld() -> [Exchange] {
        noted.withLock { notes in
            let all = notes.held
            notes.held = []
            return all
        }
    }
}

/// A server of few daemons for one test, stopped when the test is done with it.
func withServer(
    _ handler: TestHandler = TestHandler(), _ change: (inout ServerConfiguration) -> Void = { _ in },
    _ body: (Server, TestHandler) throws -> Void
) throws {
    var configuration = ServerConfiguration()
    configuration.port = 0
    configuration.daemonsPerWorker = 4
    change(&configuration)
    let server = try Server.start(configuration, handler: handler)
    defer { server.stop(within: 0) }
    try body(server, handler)
}
