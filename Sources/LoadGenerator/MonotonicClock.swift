// timespec comes with whichever C module the compiler has read first.
internal import CEpoll
import Glibc

/// Nanoseconds on the clock that no one sets (CLOCK_MONOTONIC), the unit of every instant in this target.
package typealias Instant = UInt64

/// Reads the clock that all latencies and schedules are measured with.
package enum MonotonicClock {
    package static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(time.tv_sec) * 1_000_000_000 + Instant(time.tv_nsec)
    }
}

extension Instant {
    /// The instant so many seconds later.
    package func after(seconds: Double) -> Instant {
        self + Instant(seconds * 1_000_000_000)
    }
}
