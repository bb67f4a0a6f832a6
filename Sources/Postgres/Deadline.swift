import Glibc

/// A moment on the monotonic clock, which no change of the wall clock moves.
package struct Deadline: Comparable, Sendable {
    /// Nanoseconds on CLOCK_MONOTONIC.
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static var now: Deadline {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Deadline(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    package static func after(seconds: Double) -> Deadline {
        now + seconds
    }

    package static func + (start: Deadline, seconds: Double) -> Deadline {
        Deadline(nanoseconds: start.nanoseconds + Int64(min(max(seconds, 0), longest) * 1e9))
    }

    package static func < (left: Deadline, right: Deadline) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// What is left, for poll(2): rounded up, so that waiting it out does reach the deadline; zero when it has passed.
    var remainingMilliseconds: Int32 {
        let remaining = nanoseconds - Deadline.now.nanoseconds
        return remaining <= 0 ? 0 : Int32(clamping: (remaining + 999_999) / 1_000_000)
    }

    /// As an absolute time for pthread_cond_timedwait(3).
    var timespecification: timespec {
        timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }

    /// A year, in seconds: beyond any use, and far from overflow.
    private static let longest = 31_536_000.0
}
