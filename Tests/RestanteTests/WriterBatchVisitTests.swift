import JSON
import Postgres
import Testing

@testable import Restante

@Suite struct WriterBatchVisitTests {
    private let database: PopulatedDatabase
    private let alice: Session
    private let bob: [Session]

    init() throws {
        database = try PopulatedDatabase()
        alice = try database.addUser()[0]
        bob = try database.addUser(devices: 2)
    }

    private func send(_ content: String = "Hello", from sender: Session? = nil) throws -> Identifier {
        try database.deliver(database.message(from: sender ?? alice, to: .user(bob[0].userId), content))
    }

    /// The message ids of each receipt that waits for a device.
    private func receipts(of device: Session) throws -> [[String?]] {
        try database.read(device).items.map { try JSON.parse(Array($0.served.utf8)) }.filter { $0["type"]?.string == "RECEIPT" }.map { item in
            #expect(item["status"]?.string == "delivered")
            #expect(item["from"]?["userId"]?.string == bob[0].userId.description)
            return item["messageIds"]?.elements.map(\.string) ?? []
        }
    }

    @Test func itemsAreServedOldestFirstUntilTheyAreAcknowledged() throws {
        let sent = try (1...5).map { try send("\($0)") }
        #expect(try database.read(bob[0]).items.map(\.messageId) == sent)
        #expect(try database.read(bob[0]).items.map(\.messageId) == sent, "reading takes nothing away")
        #expect(try database.acknowledge([sent[1], sent[3]], by: bob[0]) == 2)
        #expect(try database.read(bob[0]).items.map(\.messageId) == [sent[0], sent[2], sent[4]])
        #expect(try database.read(bob[1]).items.map(\.messageId) == sent, "another device has an inbox of its own")
    }

    @Test func anAcknowledgementIsIdempotentAndTakesOnlyWhatItNames() throws {
        let sent = try send()
        #expect(try database.acknowledge([database.identifiers.next()], by: bob[0]) == 0)
        #expect(try database.acknowledge([sent, sent], by: bob[0]) == 1)
        #expect(try database.acknowledge([sent], by: bob[0]) == 0)
        #expect(try database.acknowledge([sent], by: alice) == 0, "an item of somebody else's inbox")
        #expect(try database.read(bob[1]).items.count == 1)
    }

    @Test func oneVisitAcknowledgesBeforeItReads() throws {
        let (first, second) = (try send(), try send())
        let outcome = try database.visit(InboxVisit(device: bob[0], acknowledge: [first], read: InboxQuery())).visits[0].outcome
        #expect(outcome.acknowledged == 1)
        #expect(outcome.items.map(\.messageId) == [second])
    }

    @Test func theFirstOfSeveralDevicesGivesTheReceipt() throws {
        let sent = try send()
        #expect(try database.count(.countUndelivered) == 1)
        _ = try database.acknowledge([sent], by: bob[1])
        #expect(try receipts(of: alice) == [[sent.description]])
        _ = try database.acknowledge([sent], by: bob[0])
        #expect(try receipts(of: alice).count == 1)
        #expect(try database.count(.countUndelivered) == 0)
    }

    @Test func whatOneRequestAcknowledgesOfOneSenderIsOneReceipt() throws {
        let carol = try database.addUser()[0]
        let sent = try [send(), send(), send(from: carol), send()]
        let committed = try database.visit(InboxVisit(device: bob[0], acknowledge: sent))
        #expect(try receipts(of: alice) == [[sent[0], sent[1], sent[3]].map(\.description)])
        #expect(try receipts(of: carol) == [[sent[2].description]])
        #expect(Set(committed.deliveries.map(\.deviceId)) == [alice.deviceId, carol.deviceId], "their polls are woken")
        #expect(Set(committed.deliveries.map(\.item.messageId)).count == 2)
    }

    @Test func twoRequestsOfOneBatchGiveAReceiptEach() throws {
        let sent = try [send(), send()]
        try database.visit(InboxVisit(device: bob[0], acknowledge: [sent[0]]), InboxVisit(device: bob[0], acknowledge: [sent[1]]))
        #expect(try receipts(of: alice) == sent.map { [$0.description] })
    }

    @Test func aMessageThatTwoDevicesAcknowledgeInOneBatchIsInOneReceipt() throws {
        let sent = try [send(), send()]
        let visits = try database.visit(
            InboxVisit(device: bob[0], acknowledge: [sent[0]]), InboxVisit(device: bob[1], acknowledge: sent)
        ).visits.map(\.outcome.acknowledged)
        #expect(visits == [1, 2], "each device has taken its own copies")
        #expect(try receipts(of: alice).flatMap { $0 }.sorted { $0 ?? "" < $1 ?? "" } == sent.map(\.description))
        #expect(try database.count(.countUndelivered) == 0)
    }

    @Test func receiptsGoToAllDevicesOfTheSenderAndCauseNone() throws {
        let sender = try database.addUser(devices: 2)
        let sent = try send(from: sender[0])
        _ = try database.acknowledge([sent], by: bob[0])
        for device in sender {
            let items = try database.read(device).items.filter { $0.messageId != sent }
            #expect(items.count == 1)
            #expect(try database.visit(InboxVisit(device: device, acknowledge: items.map(\.messageId))).deliveries.isEmpty)
        }
    }

    @Test func theSendersOwnCopyGivesNoReceipt() throws {
        let sender = try database.addUser(devices: 2)
        let sent = try send(from: sender[0])
        #expect(try database.visit(InboxVisit(device: sender[1], acknowledge: [sent])).deliveries.isEmpty)
        #expect(try receipts(of: sender[0]).isEmpty)
    }

    @Test func thePageEndsAtTheLimitAndSaysThatThereIsMore() throws {
        let sent = try (1...4).map { _ in try send() }
        let page = try database.read(bob[0], InboxQuery(limit: 3))
        #expect(page.items.map(\.messageId) == Array(sent[..<3]))
        #expect(page.hasMore)
        let whole = try database.read(bob[0], InboxQuery(limit: 4))
        #expect(whole.items.count == 4 && !whole.hasMore)
        let rest = try database.read(bob[0], InboxQuery(limit: 3, after: sent[2]))
        #expect(rest.items.map(\.messageId) == [sent[3]] && !rest.hasMore)
    }

    @Test func thePageEndsWithTheItemThatPassesItsBytes() throws {
        let large = String(repeating: "x", count: 60_000)
        let sent = try (1...6).map { _ in try send(large) }
        let page = try database.read(bob[0])
        #expect(page.items.map(\.messageId) == Array(sent[..<5]), "five times 60 kB pass 256 KiB")
        #expect(page.hasMore)
        let rest = try database.read(bob[0], InboxQuery(after: sent[4]))
        #expect(rest.items.count == 1 && !rest.hasMore)
    }

    @Test func manyPagesOfOneBatchAreShorter() throws {
        let large = String(repeating: "x", count: 60_000)
        let sent = try (1...6).map { _ in try send(large) }
        var tasks = (1...128).map { _ in
            PendingTask(task: .visit(InboxVisit(device: bob[0], read: InboxQuery())) { _ in }, deadline: .infinity)
        }
        let pages = try database.batch.commit(&tasks, on: database.connection, within: 10).visits.map(\.outcome)
        #expect(pages.count == 128)
        #expect(pages.allSatisfy { $0.items.map(\.messageId) == Array(sent[..<3]) && $0.hasMore }, "128 KiB each, 16 MiB together")
    }

    @Test func itemsBehindSomeWhoseBodyIsMissingAreReached() throws {
        let sent = try [send(), send(), send()]
        try database.connection.execute(
            simple: "UPDATE inbox SET item = NULL WHERE message_id IN ('\(sent[0])', '\(sent[1])')", within: 10)
        #expect(try database.read(bob[0], InboxQuery(limit: 1)).items.map(\.messageId) == [sent[2]])
    }

    @Test func aChannelIsReadAlone() throws {
        let carol = try database.addUser()[0]
        let sent = try [send(), send(from: carol), send()]
        #expect(try database.read(bob[0], InboxQuery(channel: alice.userId)).items.map(\.messageId) == [sent[0], sent[2]])
        #expect(try database.read(bob[0], InboxQuery(channel: carol.userId)).items.map(\.messageId) == [sent[1]])
        #expect(try database.read(bob[0], InboxQuery(channel: bob[0].userId)).items.isEmpty)
    }

    @Test func everyVisitOfABatchGetsItsOwn() throws {
        let (first, second) = (try send(), try database.deliver(database.message(from: bob[0], to: .user(alice.userId))))
        let visits = try database.visit(
            InboxVisit(device: alice, read: InboxQuery()), InboxVisit(device: bob[0], acknowledge: [first]),
            InboxVisit(device: bob[1], acknowledge: [second, first], read: InboxQuery(limit: 1))
        ).visits.map(\.outcome)
        #expect(visits.map(\.acknowledged) == [0, 1, 2], "bob's other device has a copy of what bob sent")
        #expect(visits[0].items.contains { $0.messageId == second })
        #expect(visits[1].items.isEmpty)
        #expect(visits[2].items.isEmpty && !visits[2].hasMore)
    }
}
