import HTTPServer
import Postgres
import Synchronization

/// Token buckets: each key may do `value` things at once, and `value` in each unit of time.
///
/// The buckets live in this node's memory. One that would be full again is forgotten, so memory is bounded by what was used within a unit of time.
final class RateLimiter: Sendable {
    /// Whose bucket it is.
    enum Key: Hashable, Sendable {
        case identifier(Identifier)
        /// An IPv4 address, or the /64 of an IPv6 address, of which one customer has a whole one.
        case network([UInt8])
        case number(String)

        static func address(_ peer: PeerAddress) -> Key {
            .network(peer.isIPv6 ? Array(peer.bytes.prefix(8)) : peer.bytes)
        }
    }
    private struct BucketName: Hashable {
        let limit: LimitName
        let key: Key
    }
    private struct State {
        var buckets: [BucketName: TokenBucket] = [:]
        var nextSweep: Double = 0
    }
    private final class Slot: Sendable {
        let state = Mutex(State())
    }

    private let slots: [Slot] = (0..<16).map { _ in Slot() }
    private let limits: LimitTable
    private let isOn: Bool
    private let uptime: @Sendable () -> Double

    init(limits: LimitTable, isOn: Bool, uptime: @escaping @Sendable () -> Double = Uptime.seconds) {
        self.limits = limits
        self.isOn = isOn
        self.uptime = uptime
    }

    /// Takes one token, or throws 429 with the limit's name as its scope.
    func take(_ limit: LimitName, for key: Key) throws(Problem) {
        guard isOn else { return }
        let now = uptime()
        let name = BucketName(limit: limit, key: key)
        let rate = rate(of: limit)
        let wait = slots[abs(name.hashValue % slots.count)].state.withLock { state in
            sweep(&state, now: now)
            return state.buckets[name, default: TokenBucket(full: rate, at: now)].take(rate, at: now)
        }
        if let wait { throw .rateLimited(scope: limit.rawValue, retryAfter: Int(wait.rounded(.up))) }
    }

    private func rate(of limit: LimitName) -> Rate {
        Rate(capacity: Double(limits[limit]), seconds: Double(limit.row.unit.bucketSeconds ?? 1))
    }

    private func sweep(_ state: inout State, now: Double) {
        guard now > state.nextSweep else { return }
        state.nextSweep = now + 60
        state.buckets = state.buckets.filter { name, bucket in !bucket.isFull(rate(of: name.limit), at: now) }
    }
}

/// How many in how long.
struct Rate: Sendable {
    let capacity: Double
    let seconds: Double
}

/// One bucket: how full it was, and when.
struct TokenBucket: Sendable {
    private var tokens: Double
    private var time: Double

    init(full rate: Rate, at now: Double) {
        tokens = rate.capacity
        time = now
    }

    /// Nil where a token was there, otherwise the seconds until there will be one.
    mutating func take(_ rate: Rate, at now: Double) -> Double? {
        tokens = level(rate, at: now)
        time = now
        guard tokens < 1 else {
            tokens -= 1
            return nil
        }
        return (1 - tokens) * rate.seconds / rate.capacity
    }

    func isFull(_ rate: Rate, at now: Double) -> Bool {
        level(rate, at: now) >= rate.capacity
    }

    private func level(_ rate: Rate, at now: Double) -> Double {
        min(rate.capacity, tokens + max(0, now - time) * rate.capacity / rate.seconds)
    }
}
