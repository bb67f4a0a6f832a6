import Postgres
import Testing

@testable import Restante

/// What a mailbox asks for: while a poll is held, and when it is woken.
@Suite struct MailboxTests {
    private var mailbox = Mailbox(lastSeen: 0)
    private let alice = MailboxProbe()

    @Test mutating func aPollIsAnsweredWithWhatItsReadFinds() throws {
        #expect(mailbox.open(try alice.waiter(1), at: 10) == nil)
        #expect(mailbox.finishRead(1, .of(1, 2, hasMore: true), at: 10, moment: 5) == .answer(1, [1, 2], hasMore: true))
        #expect(mailbox.waiter == nil)
        #expect(mailbox.finishRead(1, .of(1), at: 10, moment: 6) == nil, "it has been answered")
    }

    @Test mutating func anArrivalAnswersAParkedPollWithItself() throws {
        try mailbox.park(alice.waiter(1))
        #expect(mailbox.arrive(.of(7), begun: 100, at: 10) == .answer(1, [7]))
        #expect(mailbox.arrive(.of(8), begun: 200, at: 10) == nil, "nobody waits any more")
    }

    @Test mutating func anArrivalOfMoreThanThePageHoldsSaysThatThereIsMore() throws {
        try mailbox.park(alice.waiter(1, query: InboxQuery(limit: 2)))
        #expect(mailbox.arrive(.of(1, 2, 3), begun: 100, at: 10) == .answer(1, [1, 2], hasMore: true))
    }

    @Test mutating func anArrivalEndsAtTheBytesAtWhichAReadWould() throws {
        let long = (1...6).map { InboxItem(messageId: Identifier(high: 0, low: $0), text: Array(repeating: UInt8(ascii: "x"), count: 60_000)) }
        try mailbox.park(alice.waiter(1))
        #expect(mailbox.arrive(long, begun: 100, at: 10) == .answer(1, [1, 2, 3, 4, 5], hasMore: true))
        try mailbox.park(alice.waiter(2))
        let longest = InboxItem(messageId: Identifier(high: 0, low: 1), text: Array(repeating: UInt8(ascii: "x"), count: 300_000))
        #expect(mailbox.arrive([longest], begun: 100, at: 10) == .answer(2, [1]))
    }

    @Test mutating func whereOtherNodesWriteAnArrivalIsLookedUp() throws {
        try mailbox.park(alice.waiter(1))
        #expect(mailbox.arrive(.of(7), begun: 100, isAlone: false, at: 10) == .read(1))
        #expect(mailbox.finishRead(1, .of(6, 7), at: 10, moment: 20) == .answer(1, [6, 7]))
    }

    @Test mutating func aDeviceHasThirtyTwoReadsUnderWayAtOnce() {
        var granted = (1...33).map { _ in mailbox.beginFetch() }
        #expect(granted == Array(repeating: true, count: 32) + [false])
        mailbox.endFetch()
        granted = (1...2).map { _ in mailbox.beginFetch() }
        #expect(granted == [true, false])
        for _ in 1...32 { mailbox.endFetch() }
        granted = (1...5).map { _ in mailbox.beginFetch(isSearch: true) }
        #expect(granted == [true, true, true, true, false])
    }

    @Test mutating func aPollThatWantsOnlySomeItemsAsksTheDatabaseWhichOnesTheyAre() throws {
        try mailbox.park(alice.waiter(1, query: InboxQuery(after: Identifier(high: 0, low: 5))))
        #expect(mailbox.arrive(.of(7), begun: 100, at: 10) == .read(1))
    }

    @Test mutating func anArrivalDuringTheReadMakesItReadAgain() throws {
        _ = mailbox.open(try alice.waiter(1), at: 10)
        #expect(mailbox.arrive(.of(7), begun: 100, at: 10) == nil)
        #expect(mailbox.finishRead(1, .of(), at: 10, moment: 200) == .read(1))
        #expect(mailbox.finishRead(1, .of(7), at: 10, moment: 300) == .answer(1, [7]))
    }

    @Test mutating func aHintMakesAParkedPollRead() throws {
        #expect(mailbox.hint(at: 20) == nil)
        try mailbox.park(alice.waiter(1))
        #expect(mailbox.hint(at: 20) == .read(1))
        #expect(mailbox.hint(at: 20) == nil, "it is reading")
        #expect(mailbox.finishRead(1, .of(), at: 10, moment: 10) == .read(1), "the second hint may be of something newer")
    }

    @Test mutating func anArrivalThatBeganBeforeTheLastReadIsLookedUp() throws {
        try mailbox.park(alice.waiter(1), moment: 100)
        #expect(mailbox.arrive(.of(7), begun: 99, at: 10) == .read(1), "an earlier poll may have been served it, and acknowledged it")
        #expect(mailbox.finishRead(1, .of(), at: 10, moment: 200) == nil)
        #expect(mailbox.arrive(.of(8), begun: 200, at: 10) == .read(1), "the same moment is not after it")
        #expect(mailbox.finishRead(1, .of(), at: 10, moment: 300) == nil)
        #expect(mailbox.arrive(.of(9), begun: 301, at: 10) == .answer(1, [9]))
    }

    @Test mutating func anArrivalThatBeganBeforeTheDeviceAcknowledgedIsLookedUp() throws {
        try mailbox.park(alice.waiter(1), moment: 100)
        mailbox.noteVisit(at: 500)
        #expect(mailbox.arrive(.of(7), begun: 400, at: 10) == .read(1))
        #expect(mailbox.finishRead(1, .of(), at: 10, moment: 600) == nil)
        #expect(mailbox.arrive(.of(8), begun: 601, at: 10) == .answer(1, [8]))
    }

    @Test mutating func aNewPollThatCannotReadEndsWithTheFault() throws {
        _ = mailbox.open(try alice.waiter(1), at: 10)
        #expect(mailbox.failRead(1, MailboxProbe.Fault(), at: 10) == .fail(1))
        #expect(mailbox.waiter == nil)
    }

    @Test mutating func aHeldPollWhoseLookFailedReadsBeforeItIsAnswered() throws {
        try mailbox.park(alice.waiter(1))
        #expect(mailbox.hint(at: 20) == .read(1))
        #expect(mailbox.failRead(1, MailboxProbe.Fault(), at: 10) == nil, "it stays held")
        #expect(mailbox.arrive(.of(7), begun: 100, at: 10) == .read(1), "what the hint was about comes before this")
        #expect(mailbox.finishRead(1, .of(), at: 10, moment: 200) == nil)
        #expect(mailbox.arrive(.of(8), begun: 300, at: 11) == .read(1), "that read may have begun before the miss")
        #expect(mailbox.finishRead(1, .of(), at: 11, moment: 400) == nil)
        #expect(mailbox.arrive(.of(9), begun: 500, at: 12) == .answer(1, [9]), "it has caught up")
    }

    @Test mutating func aHeldPollWhoseLookFailedLooksAgainWithinASecond() throws {
        try mailbox.park(alice.waiter(1))
        _ = mailbox.hint(at: 20)
        _ = mailbox.failRead(1, MailboxProbe.Fault(), at: 10)
        #expect(try #require(mailbox.nextTimer(after: 10)) <= 20)
        #expect(mailbox.ring(at: 20) == .read(1))
    }

    @Test mutating func whoMayHaveMissedSomethingReadsBeforeItIsAnswered() throws {
        try mailbox.park(alice.waiter(1))
        mailbox.lookSoon(at: 10)
        #expect(mailbox.arrive(.of(7), begun: 100, at: 10) == .read(1))
        #expect(mailbox.finishRead(1, .of(6, 7), at: 10, moment: 200) == .answer(1, [6, 7]))
    }

    @Test mutating func aPollThatIsOpenedLaterKnowsNothingOfWhatTheOneBeforeMissed() throws {
        try mailbox.park(alice.waiter(1))
        mailbox.lookSoon(at: 10)
        try mailbox.park(alice.waiter(2), at: 11)
        #expect(mailbox.arrive(.of(7), begun: 100, at: 11) == .answer(2, [7]), "its own read has found all that was there")
    }

    @Test mutating func whoeverHasPolledHereLatelyIsNoNewcomer() {
        #expect(mailbox.isNewcomer(at: 10))
        mailbox.notePoll(at: 10)
        #expect(!mailbox.isNewcomer(at: 610))
        #expect(mailbox.isNewcomer(at: 611), "it may have polled elsewhere since")
        _ = mailbox.supersede()
        #expect(mailbox.isNewcomer(at: 12), "it has polled elsewhere")
    }
}
