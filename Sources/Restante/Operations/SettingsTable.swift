import Logging

/// Every setting of the server, in the order in which `check-config` prints them.
package enum SettingsTable {
    package static let settings: [Setting] =
        [
            .secret("DATABASE_URL", \.databaseURL, "a PostgreSQL URL or connection string", "the database; absent: an embedded PostgreSQL") {
                $0.hasPrefix("postgres://") || $0.hasPrefix("postgresql://") || $0.contains("=")
            },
            .text("DATA_DIR", \.dataDirectory, "folder", "the embedded database and the server's own secret"),
            .address("HOST", \.host, "the address to listen on; localhost is 127.0.0.1"),
            .number("PORT", \.port, 0...65_535, "the TCP port to listen on; 0 takes a free one"),
            .number("HTTP_WORKERS", \.httpWorkers, 1...64, unit: "threads", "threads that serve HTTP; half of the cores unless it is set"),
            .number("CONNECTION_MEMORY", \.connectionMemory, 2_048...65_536, unit: "bytes", "set aside for each connection; bounds its headers"),
            .number("WRITERS", \.writers, 1...32, unit: "threads", "threads that commit messages, each with a database session"),
            .number("POOL_SIZE", \.poolSize, 1...200, unit: "sessions", "database sessions for everything else"),
            .choice("WAKE_BUS", \.wakeBus, "what wakes polls that other nodes hold; auto: database where DATABASE_URL is given"),
            .choice("OTP_DELIVERY", \.otpDelivery, "how a one-time password reaches its user; response on a loopback HOST only"),
            .number("ACCESS_TOKEN_SECONDS", \.accessTokenSeconds, 60...86_400, unit: "seconds", "how long an access token is good"),
            .number("REFRESH_TOKEN_SECONDS", \.refreshTokenSeconds, 3_600...63_072_000, unit: "seconds", "how long an unused refresh token is good"),
            .secret("SERVER_SECRET", \.serverSecret, "at least 32 characters", "the key of stored OTP hashes; absent: made once, kept in DATA_DIR") {
                $0.utf8.count >= 32
            },
            .number("IDEMPOTENCY_HOURS", \.idempotencyHours, 24...720, unit: "hours", "how long a clientMessageId is remembered"),
            .number("RETENTION_DAYS", \.retentionDays, 1...30, unit: "days", "how long an undelivered message waits"),
            .number("DRAIN_SECONDS", \.drainSeconds, 0...300, unit: "seconds", "how long a stopping server waits for its connections"),
            .choice("RATE_LIMITS", \.rateLimits, "the token buckets and the wait between OTPs; off on a loopback HOST only"),
            .choice("LOG_LEVEL", \.logLevel, "the least severe log lines to write"),
            .choice("LOG_FORMAT", \.logFormat, "how a log line looks"),
        ] + LimitName.allCases.map(Setting.limit)

    /// What no single row can say: settings that exclude one another.
    static func conflicts(in configuration: Configuration) -> [String] {
        var faults: [String] = []
        if configuration.otpDelivery == .response && !configuration.isLoopback {
            faults.append(
                "OTP_DELIVERY=response gives any account to whoever reaches the server: it needs a loopback HOST, not \(configuration.host)")
        }
        if configuration.rateLimits == .off && !configuration.isLoopback {
            faults.append("RATE_LIMITS=off needs a loopback HOST, not \(configuration.host)")
        }
        if configuration.refreshTokenSeconds <= configuration.accessTokenSeconds {
            faults.append("REFRESH_TOKEN_SECONDS must be more than ACCESS_TOKEN_SECONDS")
        }
        if configuration.limits[.contentBytes] > configuration.limits[.requestBytes] {
            faults.append("LIMIT_CONTENT_BYTES must not be more than LIMIT_REQUEST_BYTES")
        }
        return faults
    }
}
