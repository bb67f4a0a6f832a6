package import Postgres
import Synchronization

/// Makes the ids of everything: UUIDv7, strictly rising within this process even when the clock stands still or goes back.
///
/// The 12 bits after the time count within a millisecond; when they run over, the next millisecond is borrowed.
/// Source: RFC 9562, sections 5.7 and 6.2 (method 1).
package final class IdentifierGenerator: Sendable {
    private struct State {
        var milliseconds: UInt64 = 0
        var counter: UInt64 = 0
        /// Ids need to differ, not to be secret, so the system's randomness is asked for once only.
        var random = SplitMix64(seed: UInt64.random(in: 0...UInt64.max))
    }
    private let state = Mutex(State())
    private let clock: @Sendable () -> Timestamp

    package init(clock: @escaping @Sendable () -> Timestamp = { Timestamp.now() }) {
        self.clock = clock
    }

    package func next() -> Identifier {
        let now = UInt64(clock().milliseconds)
        return state.withLock { state in
            let random = state.random.next()
            if now > state.milliseconds {
                state.milliseconds = now
                // Half of the counter is left free, so that a busy millisecond seldom borrows.
                state.counter = random >> 53
            } else {
                state.counter += 1
                if state.counter > 0xFFF {
                    state.milliseconds += 1
                    state.counter = 0
                }
            }
            return Identifier(high: state.milliseconds << 16 | 0x7000 | state.counter, low: 0x8000_0000_0000_0000 | random >> 2)
        }
    }
}

/// A small generator of well-mixed numbers. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
private struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
