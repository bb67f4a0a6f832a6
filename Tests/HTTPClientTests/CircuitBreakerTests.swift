import HTTPClient
import Testing

@Suite struct CircuitBreakerTests {
    @Test func staysClosedWhileFewFail() {
        let breaker = Breaker()
        for number in 0..<1000 {
            #expect(breaker.admits(at: 0))
            breaker.note(success: number % 3 != 0, at: 0)
        }
        #expect(breaker.wait(at: 0) == 0)
    }

    @Test func opensWhenHalfOfTheLastHundredFailed() {
        let breaker = Breaker()
        for _ in 0..<100 { breaker.note(success: true, at: 1) }
        for number in 1...50 {
            #expect(breaker.admits(at: 1), "after \(number - 1) failures")
            breaker.note(success: false, at: 1)
        }
        #expect(!breaker.admits(at: 1))
        #expect(!breaker.admits(at: 10.9))
        #expect(breaker.wait(at: 3) == 8)
    }

    @Test func aFewFailuresProveNothing() {
        let breaker = Breaker()
        for _ in 0..<9 { breaker.note(success: false, at: 0) }
        #expect(breaker.admits(at: 0))
        breaker.note(success: false, at: 0)
        #expect(!breaker.admits(at: 0))
    }

    @Test func oneProbeGoesAndClosesItOrOpensItAgain() {
        let breaker = Self.opened(at: 0)
        #expect(breaker.admits(at: 10))
        #expect(!breaker.admits(at: 10), "a second probe")
        breaker.note(success: false, at: 11)
        #expect(!breaker.admits(at: 20.9))
        #expect(breaker.admits(at: 21))
        breaker.note(success: true, at: 22)
        for _ in 0..<9 {
            #expect(breaker.admits(at: 22))
            breaker.note(success: false, at: 22)
        }
        #expect(breaker.admits(at: 22), "the slate was cleaned")
    }

    @Test func aLostProbeDoesNotKeepItOpen() {
        let breaker = Self.opened(at: 0)
        #expect(breaker.admits(at: 10))
        #expect(!breaker.admits(at: 19.9))
        #expect(breaker.admits(at: 20))
    }

    @Test func whatWasUnderWayWhenItOpenedChangesNothing() {
        let breaker = Self.opened(at: 0)
        breaker.note(success: true, at: 5)
        breaker.note(success: false, at: 6)
        #expect(!breaker.admits(at: 9))
        #expect(breaker.admits(at: 10))
    }

    @Test func whatBeganBeforeItOpenedIsNoProbe() {
        let breaker = Self.opened(at: 0)
        #expect(breaker.admits(at: 10))
        breaker.note(success: true, begun: 0, at: 11)
        #expect(!breaker.admits(at: 11), "it is still open")
        breaker.note(success: false, begun: 0, at: 12)
        breaker.note(success: true, begun: 10, at: 13)
        #expect(breaker.admits(at: 13))
        #expect(breaker.admits(at: 13), "the probe closed it")
    }

    private static func opened(at time: Double) -> Breaker {
        let breaker = Breaker()
        for _ in 0..<10 { breaker.note(success: false, at: time) }
        return breaker
    }
}

/// The machine behind a reference, since `#expect` calls nothing that mutates.
private final class Breaker {
    private var machine = CircuitBreaker()

    func admits(at now: Double) -> Bool { machine.admits(at: now) }
    /// A call that took no time, unless it is said when it began.
    func note(success: Bool, begun: Double? = nil, at now: Double) { machine.note(success: success, begun: begun ?? now, at: now) }
    func wait(at now: Double) -> Double { machine.wait(at: now) }
}
