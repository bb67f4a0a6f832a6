import Postgres
import Synchronization
import Testing

@testable import Restante

/// Two mailrooms of two nodes, on one database and with a bus between them that loses nothing.
@Suite struct MailroomNodesTests {
    private let database: PopulatedDatabase
    private let here: TestNode
    private let there: TestNode
    private let said = Said()
    private let alice: Session
    private let bob: Session

    private final class Said: Sendable {
        let events = Mutex<[WakeEvent]>([])
    }

    /// Brings what one node says to the other at once, and keeps a record of it.
    private struct Line: WakeBus {
        let said: Said
        let other: Mailroom

        func publish(_ event: WakeEvent) {
            said.events.withLock { $0.append(event) }
            other.hear(event)
        }
    }

    init() throws {
        database = try PopulatedDatabase()
        alice = try database.addUser()[0]
        bob = try database.addUser()[0]
        here = TestNode(database)
        there = TestNode(database)
        here.mailroom.join(Line(said: said, other: there.mailroom))
        there.mailroom.join(Line(said: said, other: here.mailroom))
        here.start()
        there.start()
    }

    private var events: [WakeEvent] { said.events.withLock { $0 } }

    @Test func aPollThereIsWokenByASendHere() throws {
        let poll = try there.poll(bob)
        #expect(try there.visit(bob) == 0)
        let messageId = try here.send(database.message(from: alice, to: .user(bob.userId)))
        #expect(try poll.answer(within: 8).messageIds == [messageId.description], "by itself it would look after ten seconds at the earliest")
        #expect(events == [.polling(bob.deviceId), .arrived([bob.deviceId])])
    }

    @Test func whatWasSentThereBeforeComesFirst() throws {
        let poll = try here.poll(bob)
        // The first read of the poll is over.
        #expect(try here.visit(bob) == 0)
        let first = try database.deliver(database.message(from: alice, to: .user(bob.userId), "1"))
        let second = try here.send(database.message(from: alice, to: .user(bob.userId), "2"))
        #expect(try poll.answer().messageIds == [first, second].map(\.description), "of the first one nothing was heard yet")
    }

    @Test func whatIsDeliveredHereIsToldNobody() throws {
        let poll = try here.poll(bob)
        _ = try here.send(database.message(from: alice, to: .user(bob.userId)))
        _ = try poll.answer()
        #expect(events == [.polling(bob.deviceId)])
    }

    @Test func aPollHereSupersedesTheOneThere() throws {
        let old = try there.poll(bob)
        let new = try here.poll(bob)
        #expect(try old.answer().isSuperseded)
        let back = try there.poll(bob)
        #expect(try new.answer().isSuperseded, "the device is back, however short it was away")
        #expect(back.isOpen)
    }

    @Test func aDeviceThatStaysIsAnnouncedOnce() throws {
        for _ in 1...3 { _ = try here.poll(bob) }
        #expect(events == [.polling(bob.deviceId)])
    }

    @Test func aPollThereWhoseAcknowledgementIsUnderWayIsSupersededAfterIt() throws {
        let messageId = try database.deliver(database.message(from: alice, to: .user(bob.userId)))
        let slow = TestNode(database)
        let old = try slow.poll(bob, acknowledge: [messageId])
        slow.mailroom.hear(.polling(bob.deviceId))
        #expect(old.isOpen)
        slow.start()
        #expect(try old.answer().isSuperseded)
        #expect(try database.read(bob).items.isEmpty)
    }

    @Test func theLastPollOfADeviceThatIsRevokedHereIsToldSoThere() throws {
        let poll = try there.poll(bob)
        here.mailroom.revoke([bob.deviceId])
        #expect(try poll.answer().code == "session-revoked")
        #expect(events == [.polling(bob.deviceId), .revoked([bob.deviceId])], "what was heard is not passed on")
    }

    @Test func aSignalFromHereIsShownThere() throws {
        let poll = try there.poll(bob)
        here.mailroom.show(Array(#"{"type":"TYPING"}"#.utf8), to: [bob.deviceId])
        #expect(try poll.answer().signals == ["TYPING"])
    }

    @Test func aHintForNobodyIsNothing() throws {
        here.mailroom.hear(.arrived([bob.deviceId]))
        here.mailroom.hear(.polling(bob.deviceId))
        here.mailroom.hear(.revoked([bob.deviceId]))
        #expect(try here.poll(bob, wait: 0).answer().isEmptyPage)
        #expect(events.isEmpty)
    }
}
