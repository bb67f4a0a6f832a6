import Postgres
import Synchronization
import Testing

@testable import Restante

@Suite struct InboxWriterTests {
    private let database: PopulatedDatabase
    private let alice: Session
    private let bob: Session

    init() throws {
        database = try PopulatedDatabase()
        alice = try database.addUser()[0]
        bob = try database.addUser()[0]
    }

    /// Notes what a writer tells, in its order.
    private final class Record: Sendable {
        enum Event: Equatable {
            case delivered([Identifier])
            case sent(Identifier?)
        }
        let events = Mutex<[Event]>([])
        let connections = Atomic<Int>(0)

        func sent(_ result: Result<SendOutcome, any Error>) {
            let messageId = (try? result.get())?.sent
            events.withLock { $0.append(.sent(messageId)) }
        }
    }

    private func start(_ writer: InboxWriter, _ record: Record) {
        writer.start(
            InboxWriter.Listener(
                deliver: { deliveries in record.events.withLock { $0.append(.delivered(deliveries.map(\.item.messageId))) } },
                reconnected: { record.connections.add(1, ordering: .relaxed) }))
    }

    @Test func whatWasQueuedBeforeTheStartIsOneBatchInItsOrder() throws {
        let (writer, record) = (database.makeWriter(), Record())
        for number in 1...50 { try writer.enqueue(.send(database.message(from: alice, to: .user(bob.userId), "\(number)")) { record.sent($0) }) }
        start(writer, record)
        writer.close()
        let events = record.events.withLock { $0 }
        let sent = events.compactMap { if case .sent(let messageId) = $0 { messageId } else { nil } }
        #expect(sent.count == 50)
        #expect(sent == sent.sorted())
        #expect(events.first == .delivered(sent), "polls are woken first, with all of the batch")
        #expect(try database.read(bob).items.map(\.messageId) == sent)
        #expect(try database.read(bob).items.enumerated().allSatisfy { $1.served.contains(#""content":"\#($0 + 1)""#) })
    }

    @Test func oneTaskThatTheDatabaseRefusesHarmsNoOther() throws {
        try database.connection.execute(
            simple: "ALTER TABLE inbox ADD CHECK (position('poison' IN convert_from(item, 'UTF8')) = 0)", within: 10)
        let (writer, record) = (database.makeWriter(), Record())
        for number in 1...9 {
            let content = number == 4 ? "poison" : "\(number)"
            try writer.enqueue(.send(database.message(from: alice, to: .user(bob.userId), content)) { record.sent($0) })
        }
        start(writer, record)
        writer.close()
        let outcomes = record.events.withLock { $0 }.filter { if case .sent = $0 { true } else { false } }
        #expect(outcomes.count == 9, "each is told once")
        #expect(outcomes.count { $0 == .sent(nil) } == 1)
        #expect(try database.read(bob).items.count == 8)
        #expect(record.connections.load(ordering: .relaxed) == 1, "a refusal costs no connection")
    }

    @Test func visitsAndSendsOfOneQueueAreAllServed() throws {
        let group = try database.addGroup(of: [alice, bob])
        let (writer, record) = (database.makeWriter(), Record())
        let pages = Mutex<[Int]>([])
        try writer.enqueue(.send(database.message(from: alice, to: .user(bob.userId))) { record.sent($0) })
        try writer.enqueue(.send(database.message(from: alice, to: .group(group))) { record.sent($0) })
        try writer.enqueue(
            .visit(InboxVisit(device: bob, read: InboxQuery())) { result in
                pages.withLock { $0.append((try? result.get().items.count) ?? -1) }
            })
        start(writer, record)
        writer.close()
        #expect(pages.withLock { $0 } == [1], "a batch reads after it has written; the group's message is a batch of its own")
        #expect(try database.read(bob).items.count == 2)
    }

    @Test func aLostConnectionIsReplacedAndTheTaskWritten() async throws {
        let (writer, record) = (database.makeWriter(), Record())
        start(writer, record)
        try await withCheckedThrowingContinuation { (waiting: CheckedContinuation<Void, any Error>) in
            do {
                try writer.enqueue(.send(database.message(from: alice, to: .user(bob.userId))) { waiting.resume(with: $0.map { _ in }) })
            } catch { waiting.resume(throwing: error) }
        }
        try database.connection.execute(
            simple: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
            within: 10)
        try writer.enqueue(.send(database.message(from: alice, to: .user(bob.userId))) { record.sent($0) })
        writer.close()
        let messageId = record.events.withLock { $0 }.compactMap { if case .sent(let messageId) = $0 { messageId } else { nil } }
        #expect(messageId.count == 1)
        #expect(try database.read(bob).items.count == 2)
        #expect(record.connections.load(ordering: .relaxed) == 2)
    }

    @Test func aDeliveryKnowsAMomentBeforeItWasWritten() throws {
        final class Moment: Sendable { let begun = Atomic<UInt64>(.max) }
        let moment = Moment()
        let writer = database.makeWriter(settings: DatabaseSettings.ofWriter + ["SET lock_timeout = 0"])
        let other = try database.database.open()
        try other.execute(simple: "BEGIN; LOCK TABLE sent_messages IN ACCESS EXCLUSIVE MODE", within: 10)
        try writer.enqueue(.send(database.message(from: alice, to: .user(bob.userId))) { _ in })
        writer.start(
            InboxWriter.Listener(deliver: { moment.begun.store($0[0].begun, ordering: .relaxed) }, reconnected: {}))
        try database.awaitLockWait(of: "writer")
        let notYetWritten = Uptime.nanoseconds()
        other.close()
        writer.close()
        #expect(moment.begun.load(ordering: .relaxed) < notYetWritten)
    }

    @Test func aClosedWriterTakesNothing() throws {
        let writer = database.makeWriter()
        writer.close()
        let problem = #expect(throws: Problem.self) { try writer.enqueue(.send(database.message(from: alice, to: .user(bob.userId))) { _ in }) }
        #expect(problem?.code == .overloaded)
        #expect((1...3).contains(try #require(problem?.retryAfter)))
    }

    @Test func aFullQueueTakesNothingMore() throws {
        let writer = database.makeWriter()
        let message = try database.message(from: alice, to: .user(bob.userId))
        for _ in 0..<20_000 { try writer.enqueue(.send(message) { _ in }) }
        let problem = #expect(throws: Problem.self) { try writer.enqueue(.send(message) { _ in }) }
        #expect(problem?.code == .overloaded)
    }
}
