import Postgres
import Synchronization
import Testing

@testable import Restante

@Suite struct SessionCacheTests {
    private final class Clock: Sendable {
        let seconds = Mutex(1_000.0)
    }
    private let clock = Clock()
    private let cache: SessionCache
    private let session = Session(userId: Identifier(high: 1, low: 1), deviceId: Identifier(high: 1, low: 2), sessionId: Identifier(high: 1, low: 3))
    private let hash = TokenHash("rat_one")

    init() {
        cache = SessionCache { [clock] in clock.seconds.withLock { $0 } }
    }

    @Test func whatIsRememberedIsFoundUnderItsOwnTokenOnly() {
        cache.remember(session, for: hash, seconds: 600, ifStill: cache.generations)
        #expect(cache.session(for: hash) == session)
        #expect(cache.session(for: TokenHash("rat_two")) == nil)
    }

    @Test func anEntryLivesThirtySecondsAtMost() {
        cache.remember(session, for: hash, seconds: 600, ifStill: cache.generations)
        clock.seconds.withLock { $0 += 29.9 }
        #expect(cache.session(for: hash) == session)
        clock.seconds.withLock { $0 += 0.1 }
        #expect(cache.session(for: hash) == nil)
    }

    @Test func anEntryDoesNotOutliveItsToken() {
        cache.remember(session, for: hash, seconds: 2, ifStill: cache.generations)
        clock.seconds.withLock { $0 += 1.9 }
        #expect(cache.session(for: hash) == session)
        clock.seconds.withLock { $0 += 0.1 }
        #expect(cache.session(for: hash) == nil)
    }

    @Test func aRevokedDevicesTokensAreForgottenAtOnce() {
        let other = Session(userId: session.userId, deviceId: Identifier(high: 1, low: 9), sessionId: Identifier(high: 1, low: 4))
        let second = TokenHash("rat_two")
        cache.remember(session, for: hash, seconds: 600, ifStill: cache.generations)
        cache.remember(session, for: second, seconds: 600, ifStill: cache.generations)
        cache.remember(other, for: TokenHash("rat_three"), seconds: 600, ifStill: cache.generations)
        cache.forget(devices: [session.deviceId])
        #expect(cache.session(for: hash) == nil)
        #expect(cache.session(for: second) == nil)
        #expect(cache.session(for: TokenHash("rat_three")) == other)
    }

    @Test func aLookUpThatBeganBeforeARevocationIsNotRemembered() {
        let generations = cache.generations
        cache.forget(devices: [session.deviceId])
        cache.remember(session, for: hash, seconds: 600, ifStill: generations)
        #expect(cache.session(for: hash) == nil)
        cache.remember(session, for: hash, seconds: 600, ifStill: cache.generations)
        #expect(cache.session(for: hash) == session)
    }

    @Test func oneTokenIsForgottenAndNoOtherOfItsDevice() {
        let second = TokenHash("rat_two")
        cache.remember(session, for: hash, seconds: 600, ifStill: cache.generations)
        cache.remember(session, for: second, seconds: 600, ifStill: cache.generations)
        let generations = cache.generations
        cache.forget(hash)
        #expect(cache.session(for: hash) == nil)
        #expect(cache.session(for: second) == session)
        cache.remember(session, for: hash, seconds: 600, ifStill: generations)
        #expect(cache.session(for: hash) == nil, "what was read before does not bring it back")
    }

    @Test func aTokenThatIsForgottenDoesNotUndoTheLookUpsOfOthers() throws {
        let other = try #require((0..<100).lazy.map { TokenHash("rat_\($0)") }.first { $0.shard != hash.shard })
        let generations = cache.generations
        cache.forget(hash)
        cache.remember(session, for: other, seconds: 600, ifStill: generations)
        #expect(cache.session(for: other) == session)
    }

    @Test func sweepingKeepsWhatIsStillGood() {
        for number in 0..<100 { cache.remember(session, for: TokenHash("old \(number)"), seconds: 20, ifStill: cache.generations) }
        clock.seconds.withLock { $0 += 15 }
        for number in 0..<100 { cache.remember(session, for: TokenHash("new \(number)"), seconds: 600, ifStill: cache.generations) }
        clock.seconds.withLock { $0 += 16 }
        for number in 0..<100 { cache.remember(session, for: TokenHash("newest \(number)"), seconds: 600, ifStill: cache.generations) }
        #expect((0..<100).allSatisfy { cache.session(for: TokenHash("old \($0)")) == nil })
        #expect((0..<100).allSatisfy { cache.session(for: TokenHash("new \($0)")) == session })
    }
}
