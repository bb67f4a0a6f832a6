import Postgres
import Synchronization
import Testing

@testable import Restante

@Suite struct IdentifierGeneratorTests {
    private final class Clock: Sendable {
        let milliseconds = Mutex(Int64(1_769_860_800_123))
    }
    private let clock = Clock()
    private let generator: IdentifierGenerator

    init() {
        generator = IdentifierGenerator { [clock] in Timestamp(milliseconds: clock.milliseconds.withLock { $0 }) }
    }

    @Test func everyIdentifierIsAUUIDv7() {
        for _ in 0..<10_000 {
            let identifier = generator.next()
            #expect(identifier.high >> 12 & 0xF == 7, "the version")
            #expect(identifier.low >> 62 == 0b10, "the variant")
        }
    }

    @Test func theTimeIsTheClocks() {
        #expect(Timestamp(of: generator.next()).milliseconds == 1_769_860_800_123)
        clock.milliseconds.withLock { $0 += 1 }
        #expect(Timestamp(of: generator.next()).milliseconds == 1_769_860_800_124)
    }

    @Test func identifiersRiseWhileTheClockStandsStill() {
        let made = (0..<10_000).map { _ in generator.next() }
        #expect(zip(made, made.dropFirst()).allSatisfy { $0.0 < $0.1 })
    }

    @Test func aMillisecondThatIsUsedUpBorrowsTheNext() {
        let made = (0..<4_097).map { _ in generator.next() }
        let times = Set(made.map { Timestamp(of: $0).milliseconds })
        #expect(times == [1_769_860_800_123, 1_769_860_800_124])
        clock.milliseconds.withLock { $0 += 1 }
        #expect(generator.next() > made[4_096], "the borrowed millisecond is not begun anew")
    }

    @Test func identifiersRiseWhenTheClockGoesBack() {
        let before = generator.next()
        clock.milliseconds.withLock { $0 -= 3_600_000 }
        let after = generator.next()
        #expect(after > before)
        #expect(Timestamp(of: after) == Timestamp(of: before))
    }

    @Test func aNewMillisecondLeavesRoomForManyMore() {
        for _ in 0..<1_000 {
            clock.milliseconds.withLock { $0 += 1 }
            #expect(generator.next().high & 0xFFF < 0x800)
        }
    }

    @Test func manyAtOnceNeverGetTheSame() async {
        let made = await withTaskGroup(of: [Identifier].self) { group in
            for _ in 0..<8 { group.addTask { (0..<2_000).map { _ in generator.next() } } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(made.joined()).count == 16_000)
        #expect(made.allSatisfy { own in zip(own, own.dropFirst()).allSatisfy { $0.0 < $0.1 } })
    }

    @Test func theRestIsRandom() {
        let lows = (0..<64).map { _ in generator.next().low & UInt64.max >> 2 }
        let seen = (lows.reduce(0, |), lows.reduce(.max, &))
        #expect(seen.0 == .max >> 2, "each bit has been 1")
        #expect(seen.1 == 0, "each bit has been 0")
    }
}
