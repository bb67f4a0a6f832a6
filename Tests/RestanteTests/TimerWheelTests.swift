import Testing

@testable import Restante

@Suite struct TimerWheelTests {
    private var wheel = TimerWheel<String>(horizon: 8, at: 100)

    @Test mutating func aTimerRingsAtItsTickAndOnlyOnce() {
        wheel.set("a", at: 103)
        #expect(wheel.advance(to: 102) == [])
        #expect(wheel.advance(to: 103) == ["a"])
        #expect(wheel.advance(to: 120) == [])
    }

    @Test mutating func timersRingInTheOrderOfTheirTicks() {
        wheel.set("c", at: 105)
        wheel.set("a", at: 101)
        wheel.set("b", at: 103)
        #expect(wheel.advance(to: 106) == ["a", "b", "c"])
    }

    @Test mutating func timersOfOneTickRingInTheOrderInWhichTheyWereSet() {
        for name in ["a", "b", "c"] { wheel.set(name, at: 104) }
        #expect(wheel.advance(to: 104) == ["a", "b", "c"])
    }

    @Test(arguments: [0, 99, 100] as [UInt64])
    mutating func whatIsDueAlreadyRingsAtTheNextTick(wanted: UInt64) {
        wheel.set("a", at: wanted)
        #expect(wheel.advance(to: 100) == [])
        #expect(wheel.advance(to: 101) == ["a"])
    }

    @Test mutating func whatLiesBeyondTheHorizonRingsAtIt() {
        wheel.set("far", at: 5_000)
        wheel.set("last", at: 107)
        #expect(wheel.advance(to: 106) == [])
        #expect(wheel.advance(to: 107) == ["far", "last"])
    }

    @Test mutating func aClockThatStandsStillOrGoesBackRingsNothing() {
        wheel.set("a", at: 101)
        #expect(wheel.advance(to: 100) == [])
        #expect(wheel.advance(to: 50) == [])
        #expect(wheel.advance(to: 101) == ["a"])
    }

    @Test mutating func afterALongPauseEverythingRingsOnce() {
        for tick in 101...107 as ClosedRange<UInt64> { wheel.set("\(tick)", at: tick) }
        let rung = wheel.advance(to: 1_000_003)
        #expect(rung.sorted() == (101...107).map { "\($0)" })
        #expect(wheel.advance(to: 1_000_050) == [])
    }

    @Test mutating func theWheelTurnsOnAfterAPause() {
        _ = wheel.advance(to: 1_000)
        wheel.set("a", at: 1_007)
        #expect(wheel.advance(to: 1_006) == [])
        #expect(wheel.advance(to: 1_007) == ["a"])
    }

    @Test mutating func aTimerNeverRingsEarlyWhateverTheTick() {
        var rung: [UInt64: UInt64] = [:]
        var numbers = TimerWheel<UInt64>(horizon: 8, at: 0)
        for now in 1...200 as ClosedRange<UInt64> {
            for wanted in numbers.advance(to: now) { rung[wanted] = now }
            numbers.set(now + now % 7 + 1, at: now + now % 7 + 1)
        }
        #expect(rung.count > 100)
        #expect(rung.allSatisfy { $0.key == $0.value })
    }
}
