import JSON
import Postgres
import Testing

@testable import Restante

@Suite struct WriterBatchSendTests {
    private let database: PopulatedDatabase
    private let alice: [Session]
    private let bob: [Session]

    init() throws {
        database = try PopulatedDatabase()
        alice = try database.addUser(devices: 2)
        bob = try database.addUser(devices: 2)
    }

    @Test func aMessageReachesTheRecipientsDevicesAndTheSendersOtherOnes() throws {
        let committed = try database.send(try database.message(from: alice[0], to: .user(bob[0].userId), "Hi"))
        let messageId = try #require(committed.sends[0].outcome.sent)
        #expect(Set(committed.deliveries.map(\.deviceId)) == [bob[0].deviceId, bob[1].deviceId, alice[1].deviceId])
        for device in [bob[0], bob[1], alice[1]] {
            let items = try database.read(device).items
            #expect(items.map(\.messageId) == [messageId])
            let delivered = committed.deliveries.first { $0.deviceId == device.deviceId }
            #expect(items.first?.text == delivered?.item.text, "a poll is answered with what a later read would serve")
            let item = try JSON.parse(Array((items.first?.served ?? "").utf8))
            #expect(item["content"]?.string == "Hi")
            #expect(item["direction"]?.string == (device == alice[1] ? "out" : "in"))
            #expect(item["to"]?.string == (device == alice[1] ? bob[0].userId.description : nil))
        }
        #expect(try database.read(alice[0]).items.isEmpty)
    }

    @Test func theSameSendAgainIsAnsweredWithTheFirstOne() throws {
        let message = try database.message(from: alice[0], to: .user(bob[0].userId))
        let first = try database.deliver(message)
        let again = try database.send(message)
        #expect(again.sends[0].outcome.replayed == first)
        #expect(again.deliveries.isEmpty)
        #expect(try database.read(bob[0]).items.count == 1)
    }

    @Test func ofManyEqualSendsInOneBatchOneIsWritten() throws {
        let message = try database.message(from: alice[0], to: .user(bob[0].userId))
        let committed = try database.send(message, message, message)
        let messageId = try #require(committed.sends.compactMap(\.outcome.sent).first)
        #expect(committed.sends.compactMap(\.outcome.replayed) == [messageId, messageId])
        #expect(try database.read(bob[0]).items.map(\.messageId) == [messageId])
        #expect(try database.count(.countSent) == 1)
    }

    @Test func aWriteThatIsRepeatedUnderItsOwnIdIsSentAndNotReplayed() throws {
        var tasks = [PendingTask(task: .send(try database.message(from: alice[0], to: .user(bob[0].userId))) { _ in }, deadline: .infinity)]
        _ = try database.batch.commit(&tasks, on: database.connection)
        let messageId = try #require(tasks[0].messageId)
        let again = try database.batch.commit(&tasks, on: database.connection)
        #expect(again.sends[0].outcome.sent == messageId)
        #expect(try database.read(bob[0]).items.count == 1)
    }

    @Test func anotherMessageUnderTheSameIdIsRefused() throws {
        let clientMessageId = database.identifiers.next()
        let message = try database.message(from: alice[0], to: .user(bob[0].userId), clientMessageId: clientMessageId)
        _ = try database.deliver(message)
        let otherText = try database.message(from: alice[0], to: .user(bob[0].userId), "Bye", clientMessageId: clientMessageId)
        let otherTarget = try database.message(from: alice[1], to: .user(alice[0].userId), clientMessageId: clientMessageId)
        let committed = try database.send(otherText, otherTarget)
        #expect(committed.sends.allSatisfy { $0.outcome.isReused })
        #expect(try database.count(.countSent) == 1)
    }

    @Test func anotherSenderMayUseTheSameClientMessageId() throws {
        let clientMessageId = database.identifiers.next()
        let committed = try database.send(
            database.message(from: alice[0], to: .user(bob[0].userId), clientMessageId: clientMessageId),
            database.message(from: bob[0], to: .user(alice[0].userId), clientMessageId: clientMessageId))
        #expect(committed.sends.allSatisfy { $0.outcome.sent != nil })
    }

    @Test func whatWasSentYesterdayIsFoundToday() throws {
        let message = try database.message(from: alice[0], to: .user(bob[0].userId))
        let first = try database.deliver(message)
        try database.connection.execute(simple: "UPDATE sent_messages SET day = day - 1", within: 10)
        #expect(try database.send(message).sends[0].outcome.replayed == first)
        #expect(try database.count(.countSent) == 1)
    }

    @Test func whatWasSentAfterMidnightIsFoundByWhoBeganBeforeIt() throws {
        let message = try database.message(from: alice[0], to: .user(bob[0].userId))
        let group = try database.addGroup(of: [alice[0], bob[0]])
        let toGroup = try database.message(from: alice[0], to: .group(group))
        let (first, second) = (try database.deliver(message), try database.deliver(toGroup))
        try database.connection.execute(simple: "UPDATE sent_messages SET day = day + 1", within: 10)
        #expect(try database.send(message).sends[0].outcome.replayed == first)
        #expect(try database.send(toGroup).sends[0].outcome.replayed == second)
        #expect(try database.count(.countSent) == 2)
    }

    @Test func aDeviceThatIsRemovedSendsNothingMore() throws {
        let group = try database.addGroup(of: [alice[0], bob[0]])
        try database.connection.execute(simple: "UPDATE devices SET revoked_at = now() WHERE device_id = '\(alice[0].deviceId)'", within: 10)
        for target in [OutgoingMessage.Target.user(bob[0].userId), .group(group)] {
            let committed = try database.send(database.message(from: alice[0], to: target))
            guard case .senderGone = committed.sends[0].outcome else { throw Unexpected(outcome: committed.sends[0].outcome) }
        }
        #expect(try database.count(.countInbox) == 0)
    }

    private struct Unexpected: Error {
        let outcome: SendOutcome
    }

    @Test func whoseFateCannotBeAskedForHarmsNobodyElse() throws {
        let old = try database.message(from: alice[0], to: .user(bob[0].userId))
        _ = try database.deliver(old)
        let unlucky = try Connection.open(database.database.conninfo, settings: DatabaseSettings.ofWriter, within: 10)
        defer { unlucky.close() }
        // From now on the question that follows a commit ends this session.
        try unlucky.execute(Statement("inbox.find_sends", "SELECT 1"))
        var tasks = [old, try database.message(from: alice[0], to: .user(bob[0].userId))].map {
            PendingTask(task: .send($0) { _ in }, deadline: .infinity)
        }
        let committed = try database.batch.commit(&tasks, on: unlucky)
        #expect(committed.sends.compactMap(\.outcome.sent).count == 1)
        #expect(committed.deliveries.count == 3, "those who poll are told of it")
        #expect(committed.unexplained.count == 1)
    }

    @Test func aroundMidnightTwoWritersOfTheSameSendWaitForEachOther() throws {
        var batch = database.batch
        batch.isNearMidnight = { true }
        let message = try database.message(from: alice[0], to: .user(bob[0].userId))
        var tasks = [PendingTask(task: .send(message) { _ in }, deadline: .infinity)]
        let other = try Connection.open(database.database.conninfo, settings: DatabaseSettings.ofWriter, within: 10)
        defer { other.close() }
        try other.execute(simple: "BEGIN", within: 10)
        try other.execute(InboxStatements.lockSends, [.uuids([message.sender.userId]), .uuids([message.clientMessageId])])
        try database.connection.execute(simple: "SET lock_timeout = '100ms'", within: 10)
        let error = #expect(throws: PostgresError.self) { try batch.commit(&tasks, on: database.connection) }
        #expect(error?.state == .lockNotAvailable)
        try other.execute(simple: "ROLLBACK", within: 10)
        let messageId = tasks[0].messageId
        #expect(try batch.commit(&tasks, on: database.connection).sends[0].outcome.sent == messageId)
    }

    @Test func anUnknownRecipientIsToldAndTheRestOfTheBatchIsSent() throws {
        let committed = try database.send(
            database.message(from: alice[0], to: .user(database.identifiers.next())), database.message(from: alice[0], to: .user(bob[0].userId)))
        #expect(committed.sends[0].outcome.isUnknownTarget)
        #expect(committed.sends[1].outcome.sent != nil)
        #expect(try database.count(.countSent) == 1, "an unknown recipient leaves nothing behind")
    }

    @Test func aRecipientWithoutDevicesIsNoUnknownOne() throws {
        try database.connection.execute(simple: "UPDATE devices SET revoked_at = now() WHERE user_id = '\(bob[0].userId)'", within: 10)
        let committed = try database.send(database.message(from: alice[0], to: .user(bob[0].userId)))
        #expect(committed.sends[0].outcome.sent != nil)
        #expect(committed.deliveries.map(\.deviceId) == [alice[1].deviceId])
    }

    @Test func whoWritesToThemselvesGetsOneCopyOnEachDevice() throws {
        _ = try database.deliver(database.message(from: alice[0], to: .user(alice[0].userId)))
        #expect(try database.read(alice[1]).items.count == 1)
        #expect(try database.count(.countInbox) == 2)
    }
}
