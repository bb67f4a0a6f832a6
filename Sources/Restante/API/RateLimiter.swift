import HTTPServer
import Postgres
import Synchronization

/// Token buckets: each key may do `value` things at once, and `value` in each unit of time.
///
/// The buckets live in this node's memory. One that would be full again is forgotten. Whoever has very many addresses could still make very many
/// buckets, so there are at most about a million: beyond that the fullest go first, and with them the least that anybody has used.
final class RateLimiter: Sendable {
    /// Whose bucket it is.
    enum Key: Hashable, Sendable {
        case identifier(Identifier)
        /// An IPv4 address, or the /64 of an IPv6 address, of which one customer has a whole one.
        case network([UInt8])

        static func address(_ client: PeerAddress) -> Key {
            .network(client.isIPv6 ? Array(client.bytes.prefix(8)) : client.bytes)
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
    /// What one attempt came to.
    private struct Attempt {
        /// Seconds until it may be made again; nil: it was granted.
        let wait: Double?
        let remaining: Int
        let next: Double
    }
    private final class Slot: Sendable {
        let state = Mutex(State())
    }

    private let slots: [Slot] = (0..<16).map { _ in Slot() }
    private let policies: [LimitName: RateLimitPolicy]
    private let bucketsPerSlot: Int
    private let isOn: Bool
    private let uptime: @Sendable () -> Double

    init(limits: LimitTable, isOn: Bool, mostBuckets: Int = 1 << 20, uptime: @escaping @Sendable () -> Double = Uptime.seconds) {
        policies = Dictionary(uniqueKeysWithValues: LimitName.allCases.map { ($0, RateLimitPolicy($0, value: limits[$0])) })
        bucketsPerSlot = max(1, mostBuckets / slots.count)
        self.isOn = isOn
        self.uptime = uptime
    }

    /// Takes one token, or throws 429 with the limit's name as its scope. What is left is told in the answer to `call`.
    func take(_ limit: LimitName, for key: Key, noting call: Call? = nil) throws(Problem) {
        guard let standing = try attempt(limit, for: key) else { return }
        call?.admitted.note(standing)
    }

    /// The same for what answers by a reply.
    func take(_ limit: LimitName, for key: Key, noting reply: Reply) throws(Problem) {
        guard let standing = try attempt(limit, for: key) else { return }
        reply.note(standing)
    }

    /// The same for a limit that all operations share: the answer tells of it once more than half is gone.
    func takeQuietly(_ limit: LimitName, for key: Key, noting admitted: Admitted) throws(Problem) {
        guard let standing = try attempt(limit, for: key), standing.isLow else { return }
        admitted.note(standing)
    }

    /// How a limit stands that is counted elsewhere and is used up.
    func exhausted(_ limit: LimitName, retryAfter: Int) -> RateLimitStanding? {
        policies[limit].map { RateLimitStanding($0, remaining: 0, seconds: retryAfter) }
    }

    /// Nil where nothing is limited.
    private func attempt(_ limit: LimitName, for key: Key) throws(Problem) -> RateLimitStanding? {
        guard isOn, let policy = policies[limit] else { return nil }
        let now = uptime()
        let name = BucketName(limit: limit, key: key)
        let attempt = slots[abs(name.hashValue % slots.count)].state.withLock { state in
            sweep(&state, now: now)
            var bucket = state.buckets[name] ?? TokenBucket(full: policy.rate, at: now)
            let wait = bucket.take(policy.rate, at: now)
            state.buckets[name] = bucket
            return Attempt(wait: wait, remaining: bucket.whole, next: bucket.secondsToNext(policy.rate))
        }
        if let wait = attempt.wait { throw .rateLimited(scope: limit.rawValue, retryAfter: Int(wait.rounded(.up))) }
        return RateLimitStanding(policy, remaining: attempt.remaining, seconds: Int((attempt.next - 1e-6).rounded(.up)))
    }

    private func sweep(_ state: inout State, now: Double) {
        if now > state.nextSweep {
            state.nextSweep = now + 60
            keep(&state, below: 1, now: now)
        }
        // Each step forgets those that have more left than the next, down to all of them.
        for share in [0.9, 0.5, 0] where state.buckets.count >= bucketsPerSlot { keep(&state, below: share, now: now) }
    }

    /// Forgets the buckets that are at least so full.
    private func keep(_ state: inout State, below share: Double, now: Double) {
        state.buckets = state.buckets.filter { name, bucket in
            guard let rate = policies[name.limit]?.rate else { return false }
            return bucket.level(rate, at: now) < rate.capacity * share
        }
    }

    /// How many buckets are remembered.
    var count: Int { slots.reduce(0) { $0 + $1.state.withLock { $0.buckets.count } } }
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

    /// Whole tokens that were left by the last `take`; a capacity is far below what an Int holds.
    var whole: Int { Int(tokens) }

    /// Seconds from the last `take` until one more token is there.
    func secondsToNext(_ rate: Rate) -> Double {
        (1 - tokens.truncatingRemainder(dividingBy: 1)) * rate.seconds / rate.capacity
    }

    func level(_ rate: Rate, at now: Double) -> Double {
        min(rate.capacity, tokens + max(0, now - time) * rate.capacity / rate.seconds)
    }
}
