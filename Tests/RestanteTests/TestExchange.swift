import Glibc
import JSON
import Logging
import Testing

@testable import HTTPServer
@testable import Restante

/// A request that came over no socket: its answer is collected as a worker of the server does.
final class TestExchange: Sendable {
    struct Answer {
        let status: Int
        let body: JSON

        /// The ids of a page's messages, in its order.
        var messageIds: [String] { body["messages"]?.elements.compactMap { $0["messageId"]?.string } ?? [] }
        var signals: [String] { body["ephemeral"]?.elements.compactMap { $0["type"]?.string } ?? [] }
        var isEmptyPage: Bool { status == 200 && body["messages"]?.elements.isEmpty == true && signals.isEmpty && !isSuperseded }
        var isSuperseded: Bool { body["superseded"]?.boolean == true }
        var code: String? { body["code"]?.string }
    }

    let reply: Reply
    private let exchange: Exchange
    private let completions: CompletionQueue

    private final class Context: Sendable {}

    init() throws {
        completions = try CompletionQueue()
        exchange = Exchange(context: Context(), slot: 0, completions: completions, bodies: BodyBudget(limit: 0))
        reply = Reply(
            exchange: exchange, admitted: Admitted(route: nil, requestId: "test", client: .loopback),
            log: RequestLog(logger: .silent, metrics: Metrics(), rateLimiter: RateLimiter(limits: LimitTable(), isOn: false)))
        // From here on every answer goes through the queue, as that of a held request does.
        _ = exchange.park()
    }

    /// Whether neither an answer nor a hang-up has come.
    var isOpen: Bool { exchange.isOpen }

    /// Waits for the answer; asked for once.
    func answer(within seconds: Int32 = 15) throws -> Answer {
        var event = pollfd(fd: completions.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&event, 1, seconds * 1000)
        var answered: [Notice] = []
        completions.silence()
        completions.take(into: &answered)
        let response = try #require(answered.first?.exchange.takeResponse(), "no answer within \(seconds) s")
        return Answer(status: response.status, body: try JSON.parse(response.body))
    }

    /// The client goes away.
    func hangUp() {
        if exchange.claim() { exchange.abandon() }
    }
}
