import Postgres
import Testing

@testable import Restante

@Suite struct MailboxShardTests {
    private var shard = MailboxShard(at: 0)
    private let alice = MailboxProbe()

    private mutating func park(_ waiter: Waiter, at now: UInt64) {
        shard.withMailbox(alice.session.deviceId, at: now) { $0.park(waiter, at: now) }
    }

    /// What every tick of these asks for.
    private mutating func ring(_ ticks: ClosedRange<UInt64>) -> [UInt64: [ExpectedErrand]] {
        var errands: [UInt64: [ExpectedErrand]] = [:]
        for tick in ticks {
            let ringing = shard.ring(at: tick).map { ExpectedErrand($0) }
            if !ringing.isEmpty { errands[tick] = ringing }
        }
        return errands
    }

    @Test mutating func aPollRingsWhenItsLookAndItsEndAreDue() throws {
        try park(alice.waiter(1, deadline: 130, nextLook: 100), at: 10)
        #expect(ring(11...110) == [100: [.read(1)]])
        shard.withMailbox(alice.session.deviceId, at: 110) { _ = $0.finishRead(1, .of(), at: 110, moment: 0) }
        #expect(ring(111...200) == [130: [.answer(1, [])]])
    }

    @Test mutating func timersOfPollsThatAreOverRingForNobody() throws {
        try park(alice.waiter(1, deadline: 50, nextLook: 40), at: 10)
        try park(alice.waiter(2, deadline: 90, nextLook: 200), at: 20)
        #expect(ring(21...89) == [:])
        #expect(ring(90...90) == [90: [.answer(2, [])]])
    }

    @Test mutating func aNewPollsTimerMayBeEarlierThanTheOneThatIsSet() throws {
        try park(alice.waiter(1, deadline: 300, nextLook: 200), at: 10)
        try park(alice.waiter(2, deadline: 30, nextLook: 200), at: 20)
        #expect(ring(21...400) == [30: [.answer(2, [])]])
    }

    @Test mutating func lookingSoonComesBeforeTheTimerThatIsSet() throws {
        try park(alice.waiter(1, deadline: 300, nextLook: 150), at: 10)
        shard.withMailbox(alice.session.deviceId, at: 10) { $0.lookSoon(at: 10) }
        #expect(ring(11...20).values.flatMap { $0 } == [.read(1)])
    }

    @Test mutating func aReadThatTakesLongIsNotBegunASecondTime() throws {
        let waiter = try alice.waiter(1, deadline: 60, nextLook: 20)
        shard.withMailbox(alice.session.deviceId, at: 10) { _ = $0.open(waiter, at: 10) }
        #expect(ring(11...59) == [:])
        #expect(ring(60...60) == [60: [.answer(1, [])]])
    }

    @Test mutating func aMailboxIsForgottenWhenItsDeviceIsNoLongerPresent() throws {
        shard.withMailbox(alice.session.deviceId, at: 10) { $0.touch(at: 10) }
        _ = ring(11...200)
        shard.withMailbox(alice.session.deviceId, at: 200) { $0.touch(at: 200) }
        _ = ring(201...549)
        #expect(shard.entries.count == 1)
        _ = ring(550...560)
        #expect(shard.entries.isEmpty)
    }

    @Test mutating func aMailboxIsForgottenAfterItsPollToo() throws {
        try park(alice.waiter(1, deadline: 50), at: 10)
        _ = ring(11...359)
        #expect(shard.entries.count == 1)
        _ = ring(360...370)
        #expect(shard.entries.isEmpty)
    }

    @Test mutating func manyMailboxesRingEachAtItsOwnTime() throws {
        for number in 1...100 as ClosedRange<UInt64> {
            let waiter = try alice.waiter(number, deadline: 20 + number, nextLook: 1_000)
            shard.withMailbox(Identifier(high: 9, low: number), at: 10) { $0.park(waiter, at: 10) }
        }
        let errands = ring(11...150)
        #expect(errands == Dictionary(uniqueKeysWithValues: (1...100).map { (20 + $0, [.answer($0, [])]) }))
    }
}
