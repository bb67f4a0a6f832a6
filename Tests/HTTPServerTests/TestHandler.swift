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

    func admit(_ head: RequestHead) -> Admission {
        noted.withLock {
            $0.requests.append(
                SeenRequest(
                    path: head.path, query: head.query.map { "\($0.name)=\($0.value)" }, agent: head.header("user-agent"),
                    contentLength: head.contentLength, hasBody: head.hasBody))
        }
        let context = TestContext(path: head.path, method: head.method)
        switch head.path {
        case "/refuse": return .answer(Response(status: 401, body: Array("no".utf8)), context: context)
        case "/large": return .accept(maxBodyBytes: 1 << 24, context: context)
        default: return .accept(maxBodyBytes: 1000, context: context)
        }
    }

    func handle(_ exchange: Exchange) {
        guard let context = exchange.context as? TestContext else { return }
        switch context.path {
        case "/hold":
            exchange.whenAbandoned { [self] in noted.withLock { $0.abandoned += 1 } }
            noted.withLock { $0.held.append(exchange) }
        case "/race": onRace(exchange)
        case "/none": exchange.complete(Response(status: 204))
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

    func rejection(_ reason: Rejection) -> Response {
        Response(status: reason.status, headers: [("Content-Type", "application/problem+json")], body: Array(reason.detail.utf8))
    }

    func tooLarge(maxBytes: Int, context: any AnyObject & Sendable) -> Response {
        Response(status: 413, body: Array("\(maxBytes)".utf8))
    }

    func draining() -> Response { Response(status: 503, body: Array("draining".utf8)) }

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
