import Postgres

/// The one-time passwords that are out: six digits, good for a few tries and minutes, kept as keyed hashes.
struct OneTimePasswordStore: Sendable {
    let pool: Pool
    let secrets: Secrets
    let limits: LimitTable
    let budget: OTPBudgetStore
    /// Whether the wait between two, and the budget, are kept.
    let isLimiting: Bool

    /// One that was made, with what must be known to undo that.
    struct Issued: Sendable {
        let otp: String
        /// Seconds until another one may be asked for.
        let resendAfter: Int
        fileprivate let mobileNumber: String
        fileprivate let attemptsLeft: Int32
        fileprivate let channel: OTPChannel
        fileprivate let time: Int64
        fileprivate let before: Standing?
    }

    /// A row as it stood.
    fileprivate struct Standing: Sendable {
        let hash: [UInt8]
        let attemptsLeft: Int32
        let issuedAt: Int64
        let expiresAt: Int64
        let sends: Int32
    }

    static let statements = [standing, issue, lock, countWrongTry, consume, untilResend, remove, restore]

    private static let standing = Statement(
        "otp.standing",
        "SELECT otp_hash, attempts_left, issued_at, expires_at, sends FROM one_time_passwords WHERE mobile_number = $1::text FOR UPDATE")

    /// No row comes back where the one before is too young. An hour without another send ends the row of sends.
    private static let issue = Statement(
        "otp.issue",
        """
        INSERT INTO one_time_passwords AS o (mobile_number, otp_hash, attempts_left, issued_at, expires_at)
        VALUES ($1::text, $2::bytea, $3::int4, now(), now() + make_interval(secs => $4::int4))
        ON CONFLICT (mobile_number) DO UPDATE
        SET otp_hash = excluded.otp_hash, attempts_left = excluded.attempts_left, issued_at = excluded.issued_at, expires_at = excluded.expires_at,
            sends = CASE WHEN o.issued_at < now() - interval '1 hour' THEN 1 ELSE o.sends + 1 END
        WHERE o.issued_at <= now() - make_interval(secs => otp_wait($5::int4, o.sends))
        RETURNING otp_wait($5::int4, sends), now()
        """)

    private static let untilResend = Statement(
        "otp.until_resend",
        """
        SELECT ceil(extract(epoch FROM issued_at + make_interval(secs => otp_wait($2::int4, sends)) - now()))::int8
        FROM one_time_passwords WHERE mobile_number = $1::text
        """)

    private static let lock = Statement(
        "otp.lock",
        """
        SELECT otp_hash, attempts_left FROM one_time_passwords
        WHERE mobile_number = $1::text AND expires_at > now() AND attempts_left > 0 FOR UPDATE
        """)

    private static let countWrongTry = Statement(
        "otp.count_wrong_try", "UPDATE one_time_passwords SET attempts_left = attempts_left - 1 WHERE mobile_number = $1::text")

    private static let consume = Statement("otp.consume", "DELETE FROM one_time_passwords WHERE mobile_number = $1::text")

    /// As `restore`, only where nobody has tried it: whoever could undo what bounds the tries would have as many as they like.
    private static let remove = Statement(
        "otp.remove",
        "DELETE FROM one_time_passwords WHERE mobile_number = $1::text AND otp_hash = $2::bytea AND attempts_left = $3::int4 RETURNING 1")

    private static let restore = Statement(
        "otp.restore",
        """
        UPDATE one_time_passwords
        SET otp_hash = $4::bytea, attempts_left = $5::int4, issued_at = $6::timestamptz, expires_at = $7::timestamptz, sends = $8::int4
        WHERE mobile_number = $1::text AND otp_hash = $2::bytea AND attempts_left = $3::int4 RETURNING 1
        """)

    /// Makes a new one, in place of the one before.
    func issue(for mobileNumber: String, channel: OTPChannel) async throws -> Issued {
        let digits = String(UInt32.random(in: 0..<1_000_000))
        let otp = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        let attempts = Int32(limits[.otpAttempts])
        let firstWait = Int32(isLimiting ? limits[.otpResendSeconds] : 0)
        let parameters: [Parameter] = [
            .text(mobileNumber), .bytes(secrets.hash(ofOTP: otp, for: mobileNumber)), .int32(attempts),
            .int32(Int32(limits[.otpSeconds])), .int32(firstWait),
        ]
        return try await pool.transaction { connection in
            let before = try connection.execute(Self.standing, [.text(mobileNumber)]).first.map(Standing.init)
            guard let row = try connection.execute(Self.issue, parameters).first else {
                let wait = try connection.execute(Self.untilResend, [.text(mobileNumber), .int32(firstWait)]).first?.int64(0)
                throw AccountError.otpTooSoon(seconds: Int(wait ?? 1))
            }
            if isLimiting { try budget.take(for: mobileNumber, channel: channel, on: connection) }
            return Issued(
                otp: otp, resendAfter: Int(try row.int32(0)), mobileNumber: mobileNumber, attemptsLeft: attempts, channel: channel,
                time: try row.timestamp(1), before: before)
        }
    }

    /// Makes it as if it had never been asked for, the one before included; nothing where another has followed since, or where it has been tried.
    func takeBack(_ issued: Issued) async throws {
        let own: [Parameter] = [
            .text(issued.mobileNumber), .bytes(secrets.hash(ofOTP: issued.otp, for: issued.mobileNumber)), .int32(issued.attemptsLeft),
        ]
        try await pool.transaction { connection in
            let undone =
                if let before = issued.before {
                    try connection.execute(Self.restore, own + before.parameters)
                } else {
                    try connection.execute(Self.remove, own)
                }
            guard !undone.isEmpty, isLimiting else { return }
            try budget.giveBack(issued.mobileNumber, channel: issued.channel, time: issued.time, on: connection)
        }
    }

    /// How a try ended; a wrong one is counted in the caller's transaction, which must commit.
    enum Verdict: Sendable {
        case right
        case wrong(attemptsLeft: Int)
        case expired
    }

    /// Compares, holding the row until the transaction ends: tries of one number wait for each other, on whichever nodes.
    func check(_ otp: String, for mobileNumber: String, on connection: Connection) throws -> Verdict {
        guard let row = try connection.execute(Self.lock, [.text(mobileNumber)]).first else { return .expired }
        if secrets.matches(try row.bytes(0), otp: otp, for: mobileNumber) { return .right }
        _ = try connection.execute(Self.countWrongTry, [.text(mobileNumber)])
        return .wrong(attemptsLeft: Int(try row.int32(1)) - 1)
    }

    func consume(for mobileNumber: String, on connection: Connection) throws {
        _ = try connection.execute(Self.consume, [.text(mobileNumber)])
        if isLimiting { try budget.noteUse(by: mobileNumber, on: connection) }
    }
}

extension OneTimePasswordStore.Standing {
    fileprivate init(_ row: Row) throws {
        self.init(
            hash: try row.bytes(0), attemptsLeft: try row.int32(1), issuedAt: try row.timestamp(2), expiresAt: try row.timestamp(3),
            sends: try row.int32(4))
    }

    fileprivate var parameters: [Parameter] {
        [.bytes(hash), .int32(attemptsLeft), .timestamp(issuedAt), .timestamp(expiresAt), .int32(sends)]
    }
}
