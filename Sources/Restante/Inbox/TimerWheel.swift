/// Timers in buckets of one tick each: setting one and letting it ring cost the same however many there are.
///
/// A timer cannot be taken back; whoever set it looks whether it still matters when it rings.
struct TimerWheel<Element> {
    private var buckets: [[Element]]
    private var tick: UInt64

    /// - Parameter horizon: a timer that is set further ahead than these ticks rings after them.
    init(horizon: Int, at tick: UInt64) {
        buckets = Array(repeating: [], count: horizon)
        self.tick = tick
    }

    /// One tick from now is the earliest.
    mutating func set(_ element: Element, at wanted: UInt64) {
        let rings = min(max(wanted, tick + 1), tick + UInt64(buckets.count) - 1)
        buckets[Int(rings % UInt64(buckets.count))].append(element)
    }

    /// All that ring up to and including `now`; within the horizon the oldest come first.
    mutating func advance(to now: UInt64) -> [Element] {
        var ringing: [Element] = []
        // After a long pause every bucket rings once.
        let first = now > tick + UInt64(buckets.count) ? now - UInt64(buckets.count) : tick
        while tick < now {
            tick += 1
            guard tick > first else { continue }
            let bucket = Int(tick % UInt64(buckets.count))
            if !buckets[bucket].isEmpty {
                ringing += buckets[bucket]
                buckets[bucket] = []
            }
        }
        return ringing
    }
}
