import HTTPServer
import Postgres
import Synchronization
import Testing

@testable import Restante

@Suite struct TokenBucketTests {
    private let rate = Rate(capacity: 3, seconds: 60)

    @Test func aFullBucketGivesItsCapacityAtOnceAndNoMore() {
        var bucket = TokenBucket(full: rate, at: 0)
        #expect((0..<3).map { _ in bucket.take(rate, at: 0) } == [nil, nil, nil])
        #expect(bucket.take(rate, at: 0) == 20)
    }

    @Test func anEmptyBucketRefillsEvenly() {
        var bucket = TokenBucket(full: rate, at: 0)
        for _ in 0..<3 { _ = bucket.take(rate, at: 0) }
        #expect(bucket.take(rate, at: 15) == 5)
        #expect(bucket.take(rate, at: 20) == nil)
        #expect(bucket.take(rate, at: 20) == 20)
    }

    @Test func aRefusalCostsNothing() {
        var bucket = TokenBucket(full: rate, at: 0)
        for _ in 0..<3 { _ = bucket.take(rate, at: 0) }
        for second in 1...19 { #expect(bucket.take(rate, at: Double(second)) != nil) }
        #expect(bucket.take(rate, at: 20.001) == nil)
    }

    @Test func anIdleBucketHoldsNoMoreThanItsCapacity() {
        var bucket = TokenBucket(full: rate, at: 0)
        _ = bucket.take(rate, at: 0)
        #expect(bucket.level(rate, at: 19) < 3)
        #expect(bucket.level(rate, at: 20) == 3)
        #expect((0..<4).map { _ in bucket.take(rate, at: 1e9) == nil } == [true, true, true, false])
    }

    @Test func aClockThatGoesBackGivesNothingAway() {
        var bucket = TokenBucket(full: rate, at: 100)
        for _ in 0..<3 { _ = bucket.take(rate, at: 100) }
        #expect(bucket.take(rate, at: 0) != nil)
    }
}

@Suite struct RateLimiterTests {
    private final class Clock: Sendable {
        let seconds = Mutex(0.0)
    }
    private let clock = Clock()
    private let somebody = RateLimiter.Key.identifier(Identifier(high: 1, low: 1))
    private let somebodyElse = RateLimiter.Key.identifier(Identifier(high: 1, low: 2))

    private func limiter(isOn: Bool = true) -> RateLimiter {
        var limits = LimitTable()
        limits[.messagesPerDevice] = 2
        limits[.callsPerDay] = 1
        return RateLimiter(limits: limits, isOn: isOn) { [clock] in clock.seconds.withLock { $0 } }
    }

    @Test func theRefusalNamesTheLimitAndWhenToComeBack() throws {
        let limiter = limiter()
        try limiter.take(.messagesPerDevice, for: somebody)
        try limiter.take(.messagesPerDevice, for: somebody)
        let problem = #expect(throws: Problem.self) { try limiter.take(.messagesPerDevice, for: somebody) }
        #expect(problem?.code == .rateLimited)
        #expect(problem?.scope == "messagesPerDevice")
        #expect(problem?.retryAfter == 30)
    }

    @Test func whoWaitsAsToldIsServed() throws {
        let limiter = limiter()
        for _ in 0..<2 { try limiter.take(.messagesPerDevice, for: somebody) }
        clock.seconds.withLock { $0 = 29.5 }
        let problem = #expect(throws: Problem.self) { try limiter.take(.messagesPerDevice, for: somebody) }
        #expect(problem?.retryAfter == 1, "never 0, which would be an invitation to hurry")
        clock.seconds.withLock { $0 = 30.5 }
        try limiter.take(.messagesPerDevice, for: somebody)
    }

    @Test func everyKeyAndEveryLimitHasABucketOfItsOwn() throws {
        let limiter = limiter()
        try limiter.take(.callsPerDay, for: somebody)
        #expect(throws: Problem.self) { try limiter.take(.callsPerDay, for: somebody) }
        try limiter.take(.callsPerDay, for: somebodyElse)
        for _ in 0..<2 { try limiter.take(.messagesPerDevice, for: somebody) }
        try limiter.take(.messagesPerDevice, for: somebodyElse)
        try limiter.take(.typingPerDevice, for: somebody)
    }

    @Test func anIPv6NetworkIsOneCallerAndAnIPv4AddressIsOne() throws {
        var limits = LimitTable()
        limits[.requestsPerAddress] = 1
        let limiter = RateLimiter(limits: limits, isOn: true)
        func take(_ bytes: [UInt8]) throws { try limiter.take(.requestsPerAddress, for: .address(#require(PeerAddress(bytes: bytes)))) }
        try take([192, 0, 2, 1])
        try take([192, 0, 2, 2])
        #expect(throws: Problem.self) { try take([192, 0, 2, 1]) }
        let network: [UInt8] = [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 1]
        try take(network + [0, 0, 0, 0, 0, 0, 0, 1])
        #expect(throws: Problem.self) { try take(network + [9, 9, 9, 9, 9, 9, 9, 9]) }
        try take([0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1])
    }

    @Test func aDailyLimitTakesADayToFill() throws {
        let limiter = limiter()
        try limiter.take(.callsPerDay, for: somebody)
        clock.seconds.withLock { $0 = 3_600 }
        let problem = #expect(throws: Problem.self) { try limiter.take(.callsPerDay, for: somebody) }
        #expect(problem?.retryAfter == 23 * 3_600)
        clock.seconds.withLock { $0 = 86_401 }
        try limiter.take(.callsPerDay, for: somebody)
    }

    @Test func sweepingForgetsNobodyWhoIsStillLimited() throws {
        let limiter = limiter()
        for number in 0..<200 as Range<UInt64> { try limiter.take(.callsPerDay, for: .identifier(Identifier(high: 2, low: number))) }
        clock.seconds.withLock { $0 = 7_200 }
        for number in 0..<200 as Range<UInt64> {
            #expect(throws: Problem.self) { try limiter.take(.callsPerDay, for: .identifier(Identifier(high: 2, low: number))) }
        }
    }

    @Test func switchedOffItLetsEverythingThrough() throws {
        let limiter = limiter(isOn: false)
        for _ in 0..<1_000 { try limiter.take(.callsPerDay, for: somebody) }
    }

    @Test func theAnswerTellsOfTheTightestLimit() throws {
        let limiter = limiter()
        let admitted = Admitted(route: nil, requestId: "test", client: .loopback)
        let call = Restante.Call(admitted, body: [], caller: nil)
        try limiter.takeQuietly(.requestsPerDevice, for: somebody, noting: admitted)
        #expect(admitted.standing == nil, "nearly all of it is left")
        try limiter.take(.typingPerDevice, for: somebody, noting: call)
        #expect(admitted.standing?.headers.map(\.value) == [#""typingPerDevice";q=120;w=60"#, #""typingPerDevice";r=119;t=1"#])
        try limiter.take(.messagesPerDevice, for: somebody, noting: call)
        #expect(admitted.standing?.headers.map(\.value) == [#""messagesPerDevice";q=2;w=60"#, #""messagesPerDevice";r=1;t=30"#])
        try limiter.take(.typingPerDevice, for: somebody, noting: call)
        #expect(admitted.standing?.limit == .messagesPerDevice)
        clock.seconds.withLock { $0 = 10 }
        try limiter.take(.messagesPerDevice, for: somebody, noting: call)
        #expect(admitted.standing?.headers.map(\.value) == [#""messagesPerDevice";q=2;w=60"#, #""messagesPerDevice";r=0;t=20"#])
    }

    @Test func aLimitThatAllShareIsToldOnceItRunsLow() throws {
        let limiter = limiter()
        let admitted = Admitted(route: nil, requestId: "test", client: .loopback)
        for _ in 0..<2 { try limiter.takeQuietly(.messagesPerDevice, for: somebody, noting: admitted) }
        #expect(admitted.standing?.remaining == 0)
        #expect(throws: Problem.self) { try limiter.takeQuietly(.messagesPerDevice, for: somebody, noting: admitted) }
    }

    @Test func whatIsCountedElsewhereIsToldTheSameWay() {
        let limiter = limiter()
        #expect(
            limiter.exhausted(.otpResendSeconds, retryAfter: 40)?.headers.map(\.value) == [
                #""otpResendSeconds";q=1;w=60"#, #""otpResendSeconds";r=0;t=40"#,
            ])
        #expect(limiter.exhausted(.newContactsPerDay, retryAfter: 1)?.policy == #""newContactsPerDay";q=1000;w=86400"#)
        #expect(limiter.exhausted(.groupMembers, retryAfter: 1)?.policy == #""groupMembers";q=1024"#, "a cap has no window")
    }

    @Test func veryManyKeysTakeNoMoreMemoryThanTheyMay() throws {
        var limits = LimitTable()
        limits[.otpPerAddress] = 10
        let limiter = RateLimiter(limits: limits, isOn: true, mostBuckets: 1_600) { [clock] in clock.seconds.withLock { $0 } }
        for _ in 0..<10 { try limiter.take(.otpPerAddress, for: somebody) }
        for number in 0..<10_000 as Range<UInt64> { try limiter.take(.otpPerAddress, for: .identifier(Identifier(high: 3, low: number))) }
        #expect((1...1_600).contains(limiter.count))
        #expect(throws: Problem.self, "whoever has used up most is forgotten last") { try limiter.take(.otpPerAddress, for: somebody) }
    }
}
