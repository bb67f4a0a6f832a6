import Postgres

/// The one-time passwords that are out: six digits, good for a few tries and minutes, kept as keyed hashes.
struct OneTimePasswordStore: Sendable {
    let pool: Pool
    let secrets: Secrets
    let limits: LimitTable
    /// Seconds before another one may be asked for.
    let resendSeconds: Int

    static let statements = [issue, lock, countWrongTry, consume, untilResend]

    /// No row comes back where the one before is too young.
    private static let issue = Statement(
        "otp.issue",
        """
        INSERT INTO one_time_passwords AS o (mobile_number, otp_hash, attempts_left, issued_at, expires_at)
        VALUES ($1::text, $2::bytea, $3::int4, now(), now() + make_interval(secs => $4::int4))
        ON CONFLICT (mobile_number) DO UPDATE
        SET otp_hash = excluded.otp_hash, attempts_left = excluded.attempts_left, issued_at = excluded.issued_at, expires_at = excluded.expires_at
        WHERE o.issued_at <= now() - make_interval(secs => $5::int4)
        RETURNING 1
        """)

    private static let untilResend = Statement(
        "otp.until_resend",
        """
        SELECT ceil(extract(epoch FROM issued_at + make_interval(secs => $2::int4) - now()))::int8
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

    /// Makes a new one, in place of the one before.
    func issue(for mobileNumber: String) async throws -> String {
        let digits = String(UInt32.random(in: 0..<1_000_000))
        let otp = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        let parameters: [Parameter] = [
            .text(mobileNumber), .bytes(secrets.hash(ofOTP: otp, for: mobileNumber)), .int32(Int32(limits[.otpAttempts])),
            .int32(Int32(limits[.otpSeconds])), .int32(Int32(resendSeconds)),
        ]
        let resendSeconds = resendSeconds
        try await pool.run { connection in
            guard try connection.execute(Self.issue, parameters).isEmpty else { return }
            let wait = try connection.execute(Self.untilResend, [.text(mobileNumber), .int32(Int32(resendSeconds))]).first?.int64(0)
            throw AccountError.otpTooSoon(seconds: Int(wait ?? 1))
        }
        return otp
    }

    /// How a try ended; a wrong one is counted in the caller's transaction, which must commit.
    enum Verdict: Sendable {
        case right
        case wrong(attemptsLeft: Int)
        case expired
    }

    /// Compares, holding the row until the transaction ends: tries of one number wait for each other.
    func check(_ otp: String, for mobileNumber: String, on connection: Connection) throws -> Verdict {
        guard let row = try connection.execute(Self.lock, [.text(mobileNumber)]).first else { return .expired }
        if secrets.matches(try row.bytes(0), otp: otp, for: mobileNumber) { return .right }
        _ = try connection.execute(Self.countWrongTry, [.text(mobileNumber)])
        return .wrong(attemptsLeft: Int(try row.int32(1)) - 1)
    }

    func consume(for mobileNumber: String, on connection: Connection) throws {
        _ = try connection.execute(Self.consume, [.text(mobileNumber)])
    }
}
