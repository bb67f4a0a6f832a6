/// When each event of a steady rate is due, whatever became of those before: a slow server gets no fewer of them, and a latency
/// counted from the due time leaves out no one who had to wait.
package struct OpenLoopSchedule: Sendable {
    private let start: Instant
    private let rate: Double
    private var taken = 0

    /// `rate` is in events a second and more than 0.
    package init(start: Instant, rate: Double) {
        self.start = start
        self.rate = rate
    }

    /// When the next event is due.
    package var next: Instant {
        start + Instant(Double(taken) * 1_000_000_000 / rate)
    }

    /// Takes the next event if it is due, and says since when.
    package mutating func take(at now: Instant) -> Instant? {
        let due = next
        guard due <= now else { return nil }
        taken += 1
        return due
    }
}
