import Postgres

/// What bounds the one-time passwords that are sent. An attacker who earns on each SMS asks for many, over numbers of his own.
///
/// Buckets (by number, by block of a thousand numbers, by voice call) are spent and filled as `RateLimiter`'s are. Two bounds look
/// back 24 hours, by the hour: the budget of the whole system; and numbers with the same first six digits, where at least so many
/// were sent and fewer than one in ten was used.
///
/// All of it stands in PostgreSQL, so it holds on all nodes together. Transactions take the rows in one order: bucket by bucket
/// as in `take`, the prefix, the whole. At the turn of an hour, sends that are under way at the same moment do not see each other:
/// the two bounds may then be passed by as many as there are sessions.
struct OTPBudgetStore: Sendable {
    let secrets: Secrets
    let limits: LimitTable

    static let statements = [spend, untilToken, giveBack, countSent, uncount, countVerified, lastDay, expireBuckets, expireCounts]

    /// No row comes back where the bucket is empty.
    private static let spend = Statement(
        "otp_budget.spend",
        """
        INSERT INTO otp_buckets AS b (name, key, tokens, filled_at) VALUES ($1::text, $2::bytea, $3::int4 - 1, now())
        ON CONFLICT (name, key) DO UPDATE
        SET tokens = least($3::int4, b.tokens + greatest(0, extract(epoch FROM now() - b.filled_at)) * $3::int4 / $4::int4) - 1, filled_at = now()
        WHERE least($3::int4, b.tokens + greatest(0, extract(epoch FROM now() - b.filled_at)) * $3::int4 / $4::int4) >= 1
        RETURNING 1
        """)

    private static let untilToken = Statement(
        "otp_budget.until_token",
        """
        SELECT ceil((1 - tokens) * $4::int4 / $3::int4 - extract(epoch FROM now() - filled_at))::int8
        FROM otp_buckets WHERE name = $1::text AND key = $2::bytea
        """)

    private static let giveBack = Statement(
        "otp_budget.give_back",
        "UPDATE otp_buckets SET tokens = least($3::int4, tokens + 1) WHERE name = $1::text AND key = $2::bytea")

    private static let countSent = Statement(
        "otp_budget.count_sent",
        """
        INSERT INTO otp_counts AS c (prefix, hour, sent) VALUES ($1::text, date_trunc('hour', now()), 1)
        ON CONFLICT (prefix, hour) DO UPDATE SET sent = c.sent + 1
        """)

    private static let uncount = Statement(
        "otp_budget.uncount",
        "UPDATE otp_counts SET sent = sent - 1 WHERE prefix = $1::text AND hour = date_trunc('hour', $2::timestamptz) AND sent > 0")

    private static let countVerified = Statement(
        "otp_budget.count_verified",
        """
        INSERT INTO otp_counts AS c (prefix, hour, verified) VALUES ($1::text, date_trunc('hour', now()), 1)
        ON CONFLICT (prefix, hour) DO UPDATE SET verified = c.verified + 1
        """)

    /// Sent, verified, and the seconds until the oldest hour counts no more.
    private static let lastDay = Statement(
        "otp_budget.last_day",
        """
        SELECT coalesce(sum(sent), 0)::int8, coalesce(sum(verified), 0)::int8,
            coalesce(ceil(extract(epoch FROM min(hour) + interval '25 hours' - now())), 1)::int8
        FROM otp_counts WHERE prefix = $1::text AND hour > now() - interval '25 hours'
        """)

    private static let expireBuckets = Statement("otp_budget.expire_buckets", "DELETE FROM otp_buckets WHERE filled_at < now() - interval '1 day'")

    private static let expireCounts = Statement("otp_budget.expire_counts", "DELETE FROM otp_counts WHERE hour < now() - interval '26 hours'")

    /// One send, in the caller's transaction: throws 429 with the scope of the first bound that is reached.
    func take(for mobileNumber: String, channel: OTPChannel, on connection: Connection) throws {
        for bucket in buckets(mobileNumber, channel) { try spend(bucket, on: connection) }
        for (limit, prefix) in [(LimitName.otpUnverifiedPerPrefix, Self.prefix(of: mobileNumber)), (.otpPerDay, Self.whole)] {
            _ = try connection.execute(Self.countSent, [.text(prefix)])
            let day = try connection.execute(Self.lastDay, [.text(prefix)])[0]
            let (sent, verified) = (try day.int64(0), try day.int64(1))
            let isReached = sent > limits[limit] && (limit == .otpPerDay || verified < sent / 10)
            if isReached { throw Problem.rateLimited(scope: limit.rawValue, retryAfter: Int(try day.int64(2))) }
        }
    }

    /// Takes back a send, counted at `time`, of which nothing has left the house.
    func giveBack(_ mobileNumber: String, channel: OTPChannel, time: Int64, on connection: Connection) throws {
        for bucket in buckets(mobileNumber, channel) {
            _ = try connection.execute(Self.giveBack, Array(bucket.parameters(limits).prefix(3)))
        }
        for prefix in [Self.prefix(of: mobileNumber), Self.whole] {
            _ = try connection.execute(Self.uncount, [.text(prefix), .timestamp(time)])
        }
    }

    /// A password was used: the numbers around it are those of people.
    func noteUse(by mobileNumber: String, on connection: Connection) throws {
        _ = try connection.execute(Self.countVerified, [.text(Self.prefix(of: mobileNumber))])
    }

    /// Gives the room back of what says nothing any more: a bucket untouched for a day is full.
    static func sweep(on connection: Connection) throws {
        _ = try connection.execute(expireBuckets, within: 10)
        _ = try connection.execute(expireCounts, within: 10)
    }

    private func spend(_ bucket: Bucket, on connection: Connection) throws {
        guard limits[bucket.limit] > 0 else {
            throw Problem.rateLimited(scope: bucket.limit.rawValue, retryAfter: bucket.limit.row.unit.bucketSeconds ?? 1)
        }
        guard try connection.execute(Self.spend, bucket.parameters(limits)).isEmpty else { return }
        let wait = try connection.execute(Self.untilToken, bucket.parameters(limits)).first?.int64(0)
        throw Problem.rateLimited(scope: bucket.limit.rawValue, retryAfter: Int(wait ?? 1))
    }

    private struct Bucket {
        let limit: LimitName
        let key: [UInt8]

        func parameters(_ limits: LimitTable) -> [Parameter] {
            let seconds = limit.row.unit.bucketSeconds ?? 1
            return [.text(limit.rawValue), .bytes(key), .int32(Int32(limits[limit])), .int32(Int32(seconds))]
        }
    }

    private func buckets(_ mobileNumber: String, _ channel: OTPChannel) -> [Bucket] {
        let number = secrets.hash(ofNumber: mobileNumber)
        let voice = channel == .voice ? [Bucket(limit: .otpVoicePerNumber, key: number)] : []
        let block = secrets.hash(ofNumber: mobileNumber.dropLast(3) + "...")
        return [Bucket(limit: .otpPerNumber, key: number)] + voice + [Bucket(limit: .otpPerBlock, key: block)]
    }

    /// The plus and six digits: the country, and mostly the network or the place.
    private static func prefix(of mobileNumber: String) -> String {
        String(mobileNumber.prefix(7))
    }

    private static let whole = ""
}
