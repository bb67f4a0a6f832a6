import HTTPServer

/// How much of one limit a client has left, as the `RateLimit` fields tell it.
///
///     RateLimit-Policy: "messagesPerDevice";q=600;w=60
///     RateLimit: "messagesPerDevice";r=598;t=1
///
/// q is the quota and w the seconds in which an empty bucket fills. r is what is left, t the seconds until one more comes back: until then no more than r
/// can be used. Source: draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4; both are Lists of RFC 9651.
struct RateLimitStanding: Sendable, Equatable {
    let limit: LimitName
    let quota: Int
    let remaining: Int
    let seconds: Int
    let policy: String

    init(_ policy: RateLimitPolicy, remaining: Int, seconds: Int) {
        limit = policy.limit
        quota = policy.quota
        self.remaining = remaining
        self.seconds = max(1, seconds)
        self.policy = policy.field
    }

    /// Whether more than half is gone.
    var isLow: Bool { remaining < quota / 2 }

    /// Whether a smaller part of this limit is left than of the other.
    func isTighter(than other: RateLimitStanding) -> Bool {
        Double(remaining) * Double(other.quota) < Double(other.remaining) * Double(quota)
    }

    var headers: [(name: StaticString, value: String)] {
        [("RateLimit-Policy", policy), ("RateLimit", "\"\(limit.rawValue)\";r=\(remaining);t=\(seconds)")]
    }
}

/// One limit as its policy is told: the same text in every answer.
struct RateLimitPolicy: Sendable {
    let limit: LimitName
    let quota: Int
    let rate: Rate
    let field: String

    init(_ limit: LimitName, value: Int) {
        self.limit = limit
        // What is told apart by its wait alone is one in that time.
        let isWait = limit.row.unit == .seconds
        quota = isWait ? 1 : value
        let window = isWait ? max(1, value) : limit.row.unit.bucketSeconds
        rate = Rate(capacity: Double(quota), seconds: Double(window ?? 1))
        field = "\"\(limit.rawValue)\";q=\(quota)" + (window.map { ";w=\($0)" } ?? "")
    }
}
