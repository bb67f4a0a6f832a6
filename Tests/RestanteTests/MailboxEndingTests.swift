import Postgres
import Testing

@testable import Restante

/// How a poll ends that found nothing: superseded, over, or let go of; and what becomes of one that acknowledges.
@Suite struct MailboxEndingTests {
    private var mailbox = Mailbox(lastSeen: 0)
    private let alice = MailboxProbe()

    @Test mutating func aNewPollSupersedesTheOneBefore() throws {
        try mailbox.park(alice.waiter(1))
        #expect(mailbox.open(try alice.waiter(2), at: 10) == .answer(1, [], isSuperseded: true))
        #expect(mailbox.waiter?.ticket == 2)
    }

    @Test mutating func aPollThatOnlyReadsIsSupersededWhileItReads() throws {
        _ = mailbox.open(try alice.waiter(1), at: 10)
        #expect(mailbox.open(try alice.waiter(2), at: 10) == .answer(1, [], isSuperseded: true))
        #expect(mailbox.finishRead(1, .of(7), at: 10, moment: 10) == nil)
        #expect(mailbox.finishRead(2, .of(7), at: 10, moment: 10) == .answer(2, [7]))
    }

    @Test mutating func aPollElsewhereSupersedesTheOneHere() throws {
        #expect(mailbox.supersede() == nil)
        try mailbox.park(alice.waiter(1))
        #expect(mailbox.supersede() == .answer(1, [], isSuperseded: true))
    }

    @Test mutating func aPollWhoseAcknowledgementIsUnderWayIsSupersededAfterIt() throws {
        _ = mailbox.open(try alice.waiter(1, acknowledges: true), at: 10)
        #expect(mailbox.open(try alice.waiter(2), at: 10) == nil)
        #expect(mailbox.waiters.map(\.ticket).sorted() == [1, 2])
        #expect(mailbox.finishRead(1, .of(7), at: 10, moment: 10) == .answer(1, [], isSuperseded: true), "the items are the other's")
        #expect(mailbox.finishRead(1, .of(7), at: 10, moment: 10) == nil)
        #expect(mailbox.finishRead(2, .of(7), at: 10, moment: 20) == .answer(2, [7]))
    }

    @Test mutating func aPollWhoseAcknowledgementFailsIsToldSoHoweverItEnds() throws {
        _ = mailbox.open(try alice.waiter(1, acknowledges: true), at: 10)
        _ = mailbox.open(try alice.waiter(2), at: 10)
        #expect(mailbox.failRead(1, MailboxProbe.Fault(), at: 10) == .fail(1))
        #expect(mailbox.waiter?.ticket == 2, "the new poll has a read of its own")
    }

    @Test mutating func aPollWhoseWaitIsOverBeforeItsAcknowledgementIsDoneWaitsForIt() throws {
        _ = mailbox.open(try alice.waiter(1, acknowledges: true, deadline: 20), at: 10)
        #expect(mailbox.ring(at: 20) == nil)
        #expect(mailbox.waiter == nil)
        #expect(mailbox.finishRead(1, .of(), at: 21, moment: 10) == .answer(1, []))
    }

    @Test mutating func aDrainWaitsForTheAcknowledgement() throws {
        _ = mailbox.open(try alice.waiter(1, acknowledges: true), at: 10)
        #expect(mailbox.close(1, with: InboxPage()) == nil)
        #expect(mailbox.finishRead(1, .of(7), at: 10, moment: 10) == .answer(1, []))
    }

    @Test mutating func onceItsAcknowledgementIsDoneAPollIsLikeAnyOther() throws {
        try mailbox.park(alice.waiter(1, acknowledges: true))
        #expect(mailbox.hint(at: 20) == .read(1))
        #expect(mailbox.open(try alice.waiter(2), at: 10) == .answer(1, [], isSuperseded: true))
    }

    @Test mutating func aMailboxWithAnUnfinishedAcknowledgementIsNotForgotten() throws {
        _ = mailbox.open(try alice.waiter(1, acknowledges: true), at: 10)
        _ = mailbox.close(1, with: InboxPage())
        #expect(mailbox.nextTimer(after: 1_000_000) != nil)
        _ = mailbox.finishRead(1, .of(), at: 10, moment: 10)
        #expect(mailbox.nextTimer(after: 1_000_000) == nil)
    }

    @Test mutating func whoHungUpIsForgottenAtOnce() throws {
        _ = mailbox.open(try alice.waiter(1, acknowledges: true), at: 10)
        _ = mailbox.open(try alice.waiter(2), at: 10)
        mailbox.forget(1)
        mailbox.forget(2)
        #expect(mailbox.waiters.isEmpty)
        #expect(mailbox.finishRead(1, .of(7), at: 10, moment: 10) == nil)
        #expect(mailbox.arrive(.of(7), begun: 100, at: 10) == nil)
    }

    @Test mutating func aLateHangUpOfThePollBeforeHarmsNobody() throws {
        try mailbox.park(alice.waiter(1))
        try mailbox.park(alice.waiter(2))
        mailbox.forget(1)
        #expect(mailbox.arrive(.of(7), begun: 100, at: 10) == .answer(2, [7]))
    }

    @Test mutating func itIsAnsweredEmptyWhenItsWaitIsOver() throws {
        try mailbox.park(alice.waiter(1, deadline: 50, nextLook: 100))
        #expect(mailbox.nextTimer(after: 10) == 50)
        #expect(mailbox.ring(at: 49) == nil)
        #expect(mailbox.ring(at: 50) == .answer(1, []))
    }

    @Test mutating func itLooksAgainBetweenTenAndFifteenSecondsApart() throws {
        try mailbox.park(alice.waiter(1, deadline: 500, nextLook: 120))
        #expect(mailbox.nextTimer(after: 10) == 120)
        #expect(mailbox.ring(at: 119) == nil)
        #expect(mailbox.ring(at: 120) == .read(1))
        #expect(mailbox.finishRead(1, .of(), at: 121, moment: 10) == nil)
        #expect((220...270).contains(try #require(mailbox.nextTimer(after: 121))))
    }

    @Test mutating func aSignalAnswersAParkedPoll() throws {
        try mailbox.park(alice.waiter(1))
        #expect(mailbox.show(Array("typing".utf8), at: 11) == .answer(1, [], ephemeral: ["typing"]))
        #expect(mailbox.takeEphemeral(at: 11).isEmpty)
    }

    @Test mutating func aSignalDuringTheReadGoesOutWithIt() throws {
        _ = mailbox.open(try alice.waiter(1), at: 10)
        #expect(mailbox.show(Array("typing".utf8), at: 10) == nil)
        #expect(mailbox.finishRead(1, .of(), at: 10, moment: 10) == .answer(1, [], ephemeral: ["typing"]))
    }

    @Test mutating func aSignalIsKeptTenSecondsForADeviceThatWasSeenLately() {
        mailbox.touch(at: 1_000)
        #expect(mailbox.show(Array("1".utf8), at: 1_350) == nil)
        #expect(mailbox.show(Array("2".utf8), at: 1_351) == nil)
        #expect(mailbox.takeEphemeral(at: 1_450) == [Array("1".utf8)], "the second one came when the device was away")
        mailbox.touch(at: 2_000)
        _ = mailbox.show(Array("3".utf8), at: 2_000)
        #expect(mailbox.takeEphemeral(at: 2_101).isEmpty)
    }

    @Test mutating func ofManySignalsTheLatest250AreKept() {
        for number in 1...251 { _ = mailbox.show(Array("\(number)".utf8), at: 0) }
        #expect(mailbox.takeEphemeral(at: 0).map { String(decoding: $0, as: UTF8.self) } == (2...251).map { "\($0)" })
    }
}
