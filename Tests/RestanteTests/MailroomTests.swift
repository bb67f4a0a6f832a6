import Postgres
import Synchronization
import Testing

@testable import Restante

/// The mailroom with a writer on a real database, as one node has it.
@Suite struct MailroomTests {
    private let database: PopulatedDatabase
    private let node: TestNode
    private let alice: Session
    private let bob: Session

    init() throws {
        database = try PopulatedDatabase()
        alice = try database.addUser()[0]
        bob = try database.addUser()[0]
        node = TestNode(database)
    }

    @Test func aPollIsHeldUntilSomethingIsSent() throws {
        node.start()
        let poll = try node.poll(bob)
        // A later visit of the same writer: by its answer the poll's read is done.
        #expect(try node.visit(bob) == 0)
        #expect(poll.isOpen)
        let messageId = try node.send(database.message(from: alice, to: .user(bob.userId)))
        #expect(try poll.answer().messageIds == [messageId.description])
        let next = try node.poll(bob)
        #expect(try next.answer().messageIds == [messageId.description], "it was not acknowledged")
    }

    @Test func aPollThatDoesNotWaitIsAnsweredWithWhatIsThere() throws {
        node.start()
        #expect(try node.poll(bob, wait: 0).answer().isEmptyPage)
        let messageId = try database.deliver(database.message(from: alice, to: .user(bob.userId)))
        #expect(try node.poll(bob, wait: 0).answer().messageIds == [messageId.description])
    }

    @Test func aPollEndsWhenItsWaitIsOver() throws {
        node.start()
        #expect(try node.poll(bob, wait: 1).answer().isEmptyPage)
    }

    @Test func aPollAcknowledgesBeforeItIsHeld() throws {
        let first = try database.deliver(database.message(from: alice, to: .user(bob.userId)))
        node.start()
        let poll = try node.poll(bob, acknowledge: [first])
        let second = try node.send(database.message(from: alice, to: .user(bob.userId)))
        #expect(try poll.answer().messageIds == [second.description])
    }

    @Test func aNewPollSupersedesTheOneBefore() throws {
        node.start()
        let first = try node.poll(bob)
        let second = try node.poll(bob)
        #expect(try first.answer().isSuperseded)
        #expect(second.isOpen)
    }

    @Test func aPollThatAcknowledgesIsSupersededOnlyOnceThatIsDone() throws {
        let messageId = try database.deliver(database.message(from: alice, to: .user(bob.userId)))
        let first = try node.poll(bob, acknowledge: [messageId])
        let second = try node.poll(bob)
        #expect(first.isOpen, "the writer does not work yet")
        node.start()
        #expect(try first.answer().isSuperseded)
        #expect(try database.read(bob).items.isEmpty)
        node.mailroom.drain()
        #expect(try second.answer().isEmptyPage)
    }

    @Test func aPollThatAcknowledgesIsToldWhenThatFails() throws {
        let first = try node.poll(bob, acknowledge: [database.identifiers.next()])
        let second = try node.poll(bob)
        try database.connection.execute(simple: "ALTER TABLE undelivered RENAME TO gone", within: 10)
        node.start()
        #expect(try first.answer().status == 500)
        node.mailroom.drain()
        #expect(try second.answer().isEmptyPage)
    }

    @Test func aDrainAnswersAllAndHoldsNobodyFromThenOn() throws {
        let devices = try (0..<40).map { _ in try database.addUser()[0] }
        node.start()
        let polls = try devices.map { try node.poll($0) }
        node.mailroom.drain()
        for poll in polls { #expect(try poll.answer().isEmptyPage) }
        #expect(try node.poll(bob).answer().isEmptyPage)
    }

    @Test func aDrainWaitsForAcknowledgements() throws {
        let messageId = try database.deliver(database.message(from: alice, to: .user(bob.userId)))
        let poll = try node.poll(bob, acknowledge: [messageId])
        node.mailroom.drain()
        #expect(poll.isOpen)
        node.start()
        #expect(try poll.answer().isEmptyPage)
        #expect(try database.read(bob).items.isEmpty)
    }

    @Test func theLastPollOfARevokedDeviceIsToldSo() throws {
        node.start()
        let (poll, other) = (try node.poll(bob), try node.poll(alice))
        node.mailroom.revoke([bob.deviceId])
        let answer = try poll.answer()
        #expect(answer.status == 401)
        #expect(answer.code == "session-revoked")
        #expect(other.isOpen)
    }

    @Test func aPollThatWasAdmittedBeforeItsDeviceWasRevokedIsNotHeld() throws {
        node.mailroom.revoke([bob.deviceId])
        let problem = #expect(throws: Problem.self) { try node.poll(bob) }
        #expect(problem?.code == .sessionRevoked)
    }

    @Test func aThirtyThirdReadOfOneDeviceAtOnceIsRefused() throws {
        let idle = TestNode(database)
        let reads = try (1...32).map { _ in try idle.poll(bob, wait: 0) }
        let problem = #expect(throws: Problem.self) { try idle.poll(bob, wait: 0) }
        #expect(problem?.code == .overloaded)
        idle.start()
        for read in reads { #expect(try read.answer().isEmptyPage) }
        #expect(try idle.poll(bob, wait: 0).answer().isEmptyPage)
    }

    @Test func whoWantsOneChannelOnlyHoldsUpNobodyElse() throws {
        let idle = TestNode(database)
        let exchange = try TestExchange()
        let search = InboxVisit(device: bob, read: InboxQuery(channel: alice.userId))
        try idle.mailroom.fetch(search, wait: 0, reply: exchange.reply)
        try idle.mailroom.fetch(search, wait: 30, reply: TestExchange().reply)
        #expect(idle.writer.depth == 0)
        #expect(idle.writers.searcher.depth == 2)
        idle.start()
        #expect(try exchange.answer().isEmptyPage)
    }

    @Test func whatIsCommittedUnseenIsFoundByLookingSoon() throws {
        node.start()
        let poll = try node.poll(bob)
        #expect(try node.visit(bob) == 0)
        let messageId = try database.deliver(database.message(from: alice, to: .user(bob.userId)))
        node.mailroom.lookSoon()
        #expect(try poll.answer(within: 8).messageIds == [messageId.description], "by itself it would look after ten seconds at the earliest")
    }

    @Test func whoMissedSomethingGetsItBeforeWhatIsNew() throws {
        node.start()
        let poll = try node.poll(bob)
        #expect(try node.visit(bob) == 0)
        let missed = try database.deliver(database.message(from: alice, to: .user(bob.userId)))
        node.mailroom.lookSoon()
        let new = try node.send(database.message(from: alice, to: .user(bob.userId)))
        let messageIds = try poll.answer().messageIds
        #expect(messageIds == [missed.description, new.description] || messageIds == [missed.description])
    }

    @Test func aWritersNewConnectionMakesItsPollsRead() throws {
        node.start()
        let poll = try node.poll(bob)
        #expect(try node.visit(bob) == 0)
        let missed = try database.deliver(database.message(from: alice, to: .user(bob.userId)))
        try database.connection.execute(
            simple: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'writer'",
            within: 10)
        _ = try node.send(database.message(from: alice, to: .user(bob.userId)))
        #expect(try poll.answer().messageIds.first == missed.description)
    }

    @Test func whatWasAcknowledgedMeanwhileIsNotServedLate() throws {
        node.start()
        let poll = try node.poll(bob)
        #expect(try node.visit(bob) == 0)
        let begun = Uptime.nanoseconds()
        let messageId = try database.deliver(database.message(from: alice, to: .user(bob.userId)))
        #expect(try node.visit(bob, acknowledge: [messageId]) == 1)
        node.mailroom.deliver([Delivery(deviceId: bob.deviceId, item: InboxItem(messageId: messageId, text: Array("}".utf8)), begun: begun)])
        #expect(try node.visit(bob) == 0)
        #expect(poll.isOpen, "its read has found nothing")
    }

    @Test func whoHungUpGetsNothingAndHarmsNobody() throws {
        node.start()
        let poll = try node.poll(bob)
        poll.hangUp()
        #expect(!poll.isOpen)
        let messageId = try node.send(database.message(from: alice, to: .user(bob.userId)))
        #expect(try node.poll(bob).answer().messageIds == [messageId.description])
    }

    @Test func aSignalIsShownToWhoPollsAndNeverStored() throws {
        node.start()
        let poll = try node.poll(bob)
        node.mailroom.show(Array(#"{"type":"TYPING"}"#.utf8), to: [bob.deviceId])
        #expect(try poll.answer().signals == ["TYPING"])
        #expect(try node.poll(bob, wait: 0).answer().isEmptyPage)
    }

    @Test func aSignalForADeviceThatWasSeenLatelyWaitsForItsNextPoll() throws {
        node.start()
        node.mailroom.touch(bob)
        node.mailroom.show(Array(#"{"type":"TYPING"}"#.utf8), to: [bob.deviceId])
        #expect(try node.poll(bob, wait: 0).answer().signals == ["TYPING"])
    }

    @Test func whereTheWriterTakesNothingThePollIsRefusedAndForgotten() throws {
        node.start()
        node.writer.close()
        let problem = #expect(throws: Problem.self) { try node.poll(bob) }
        #expect(problem?.code == .overloaded)
    }
}
