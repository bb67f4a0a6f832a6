import Testing

@testable import Postgres

@Suite struct PoolLineTests {
    private func at(_ seconds: Double) -> Deadline { Deadline(nanoseconds: Int64(seconds * 1e9)) }

    @Test func callsAreTakenInOrderOfArrival() {
        var line = PoolLine<Int>(capacity: 3, patience: 1)
        for job in 1...3 { _ = line.enqueue(job, now: at(0)) }
        #expect([line.next(), line.next(), line.next(), line.next()] == [1, 2, 3, nil])
        #expect(line.served == 3)
    }

    @Test func anIdleSessionIsWokenAndOtherwiseTheWatch() {
        var line = PoolLine<Int>(capacity: 3, patience: 1)
        line.idle = 1
        #expect(line.enqueue(1, now: at(0)) == .wakeSession)
        #expect(line.enqueue(2, now: at(0)) == .wakeWatch)
    }

    @Test func aSessionThatHasTakenACallIsIdleNoMore() {
        var line = PoolLine<Int>(capacity: 3, patience: 1)
        line.idle = 1
        #expect(line.enqueue(1, now: at(0)) == .wakeSession)
        #expect(line.next() == 1)
        #expect(line.enqueue(2, now: at(0)) == .wakeWatch)
    }

    @Test func aFullLineRefuses() {
        var line = PoolLine<Int>(capacity: 1, patience: 1)
        line.connected = 1
        _ = line.enqueue(1, now: at(0))
        #expect(line.enqueue(2, now: at(0)) == .refuse(.tooManyWaiting))
        #expect(line.refused == 1)
    }

    @Test func aLineThatNoSessionServesSaysSo() {
        var line = PoolLine<Int>(capacity: 1, patience: 1)
        _ = line.enqueue(1, now: at(0))
        #expect(line.enqueue(2, now: at(0)) == .refuse(.unavailable("no session is open")))
    }

    @Test func onlyThoseWhoStoodTooLongLeave() {
        var line = PoolLine<Int>(capacity: 3, patience: 1)
        line.connected = 1
        _ = line.enqueue(1, now: at(0))
        _ = line.enqueue(2, now: at(0.5))
        #expect(line.nextExpiry == at(1))
        #expect(line.expire(now: at(0.9)) == nil)
        let late = line.expire(now: at(1))
        #expect(late?.jobs == [1])
        #expect(late?.error == .tooManyWaiting)
        #expect(line.next() == 2)
        #expect(line.nextExpiry == nil)
    }

    @Test func aClosedLineGivesBackWhoWaitedAndTakesNobody() {
        var line = PoolLine<Int>(capacity: 3, patience: 1)
        _ = line.enqueue(1, now: at(0))
        #expect(line.close() == [1])
        #expect(line.enqueue(2, now: at(0)) == .refuse(.unavailable("the pool is closed")))
        #expect(line.next() == nil)
    }

    @Test func pausesGrowToASecondAndStartAnewAfterSuccess() {
        var backoff = Backoff()
        let longest = (0..<12).map { _ in backoff.fail(random: 1) }
        #expect(longest.prefix(3) == [0.05, 0.1, 0.2])
        #expect(longest.last == 1)
        #expect(backoff.fail(random: 0) == 0.5)
        backoff.succeed()
        #expect(backoff.fail(random: 0) == 0.025)
    }
}
