import Glibc

/// The clock for waits and deadlines: it never jumps, and it counts suspended time.
package enum Uptime {
    package static func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    @Sendable
    package static func seconds() -> Double {
        Double(nanoseconds()) / 1e9
    }
}
