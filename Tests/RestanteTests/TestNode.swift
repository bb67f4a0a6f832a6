import Dispatch
import Postgres
import Synchronization
import Testing

@testable import Restante

/// One node without its HTTP: a mailroom and its one writer, on a test's database.
final class TestNode {
    let writer: InboxWriter
    let writers: InboxWriters
    let mailroom: Mailroom

    init(_ database: PopulatedDatabase) {
        writer = database.makeWriter()
        writers = InboxWriters(writers: [writer], groupWriters: [database.makeWriter()], searcher: database.makeWriter())
        mailroom = Mailroom(writers: writers)
    }

    deinit {
        writers.close()
        mailroom.close()
    }

    /// Lets the writer work; what was asked of it before waits until then.
    func start() {
        writers.start(deliver: { [mailroom] in mailroom.deliver($0) }, reconnected: { [mailroom] in mailroom.lookSoon() })
    }

    func poll(_ device: Session, wait: Int = 30, acknowledge: [Identifier] = []) throws -> TestExchange {
        let exchange = try TestExchange()
        try mailroom.fetch(InboxVisit(device: device, acknowledge: acknowledge, read: InboxQuery()), wait: wait, reply: exchange.reply)
        return exchange
    }

    /// Acknowledges these without a poll; how many there were.
    func visit(_ device: Session, acknowledge: [Identifier] = []) throws -> Int {
        try outcome { try mailroom.visit(InboxVisit(device: device, acknowledge: acknowledge), $0) }.acknowledged
    }

    /// Sends one message that is new, and returns its id.
    func send(_ message: OutgoingMessage) throws -> Identifier {
        try #require(outcome { try writers.send(message, $0) }.sent)
    }

    private final class Box<Value: Sendable>: Sendable {
        let result = Mutex<Result<Value, any Error>?>(nil)
        let bell = DispatchSemaphore(value: 0)
    }

    /// Waits for what a writer's thread tells.
    private func outcome<Value: Sendable>(_ begin: (@escaping @Sendable (Result<Value, any Error>) -> Void) throws -> Void) throws -> Value {
        let box = Box<Value>()
        try begin { result in
            box.result.withLock { $0 = result }
            box.bell.signal()
        }
        try #require(box.bell.wait(timeout: .now() + 15) == .success, "the writer told nothing within 15 s")
        return try #require(box.result.withLock { $0 }).get()
    }
}
