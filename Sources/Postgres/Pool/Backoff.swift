/// How long to wait before the next try to reach the database: from 50 ms, doubled with every failure, to a second.
///
/// Half of each wait is random, so that the sessions of many servers do not come back all at once.
struct Backoff {
    private(set) var failures = 0

    private static let first = 0.05
    private static let longest = 1.0

    /// Counts a failure and says how many seconds to wait; `random` is from 0 to 1.
    mutating func fail(random: Double) -> Double {
        let full = min(Backoff.first * Double(1 << min(failures, 10)), Backoff.longest)
        failures += 1
        return full / 2 + full / 2 * random
    }

    mutating func succeed() {
        failures = 0
    }
}
