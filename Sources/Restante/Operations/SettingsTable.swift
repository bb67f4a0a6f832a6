import Logging

/// Every setting of the server, in the order in which `check-config` prints them.
package enum SettingsTable {
    package static let settings: [Setting] =
        [
            .secret("DATABASE_URL", \.databaseURL, "a PostgreSQL URL or connection string", "the database; absent: an embedded PostgreSQL") {
                $0.hasPrefix("postgres://") || $0.hasPrefix("postgresql://") || $0.contains("=")
            },
            .text("DATA_DIR", \.dataDirectory, "folder", "the embedded database, media, and the server's own secret"),
            .address("HOST", \.host, "the address to listen on; localhost is 127.0.0.1"),
            .number("PORT", \.port, 0...65_535, "the TCP port to listen on; 0 takes a free one"),
            .form(
                "TRUSTED_PROXIES", \.trustedProxies, "addresses and networks, such as 10.0.0.0/8,::1",
                "the proxies whose X-Forwarded-For tells a client's address; absent: none",
                read: { TrustedProxies($0) }, show: \.text),
            .address("ADMIN_HOST", \.adminHost, "the address of the admin listener"),
            .optionalNumber("ADMIN_PORT", \.adminPort, 0...65_535, "the port for /metrics and /readyz with details; absent: on PORT"),
            .number("HTTP_WORKERS", \.httpWorkers, 1...64, unit: "threads", "threads that serve HTTP; half of the cores unless it is set"),
            .number("CONNECTION_MEMORY", \.connectionMemory, 2_048...65_536, unit: "bytes", "set aside for each connection; bounds its headers"),
            .number(
                "WRITERS", \.writers, 1...32, unit: "threads",
                "threads that commit messages, and as many for groups; these and one more have a database session each"),
            .number("POOL_SIZE", \.poolSize, 1...200, unit: "sessions", "database sessions for everything else"),
            .choice("WAKE_BUS", \.wakeBus, "what wakes polls that other nodes hold; auto: database where DATABASE_URL is given"),
            .form(
                "OTP_DELIVERY", \.otpDelivery, "response | log | webhook:<url>",
                "how a one-time password reaches its user; response on a loopback HOST only; a url of https, or http on the machine itself",
                read: { OTPDelivery($0) }, show: \.text),
            .secret("OTP_WEBHOOK_SECRET", \.otpWebhookSecret, "at least 32 characters", "the key that signs what goes to the webhook") {
                $0.utf8.count >= 32
            },
            .form(
                "OTP_COUNTRIES", \.otpCountries, "calling codes, such as 49,43,1868", "the countries that one-time passwords go to; absent: all",
                read: { CallingCodes($0) }, show: \.text),
            .mediaStore,
            .s3AccessKey,
            .s3SecretKey,
            .number("ACCESS_TOKEN_SECONDS", \.accessTokenSeconds, 60...86_400, unit: "seconds", "how long an access token is good"),
            .number("REFRESH_TOKEN_SECONDS", \.refreshTokenSeconds, 3_600...63_072_000, unit: "seconds", "how long an unused refresh token is good"),
            .secret("SERVER_SECRET", \.serverSecret, "at least 32 characters", "the key of stored OTP hashes; absent: made once, kept in DATA_DIR") {
                $0.utf8.count >= 32
            },
            .form(
                "TURN_URLS", \.turnURLs, "turn: and stun: URLs, with commas between them", "the TURN servers of calls; absent: none",
                read: RelayServers.urls
            ) { $0.isEmpty ? nil : $0.joined(separator: ",") },
            .secret("TURN_SECRET", \.turnSecret, "any text", "what this server and the TURN servers share (coturn: static-auth-secret)") {
                !$0.isEmpty
            },
            .number("IDEMPOTENCY_HOURS", \.idempotencyHours, 24...720, unit: "hours", "how long a clientMessageId is remembered"),
            .number("RETENTION_DAYS", \.retentionDays, 1...30, unit: "days", "how long an undelivered message waits"),
            .number("DRAIN_SECONDS", \.drainSeconds, 0...300, unit: "seconds", "how long a stopping server waits for its connections"),
            .secret("FCM_CREDENTIALS", \.fcmCredentials, "the JSON key file of a service account", "push through Firebase; absent: none") {
                (try? FCMCredentials(json: $0)) != nil
            },
            .url("FCM_URL", \.fcmURL, "where Firebase Cloud Messaging is"),
            .secret("APNS_KEY", \.apnsKey, "a P-256 private key in PEM, as in Apple's .p8 file", "push through Apple; absent: none") {
                APNsCredentials.key(pem: $0) != nil
            },
            .word("APNS_KEY_ID", \.apnsKeyId, "10 letters and digits", "the id of APNS_KEY") { $0.utf8.count == 10 },
            .word("APNS_TEAM_ID", \.apnsTeamId, "10 letters and digits", "the id of the developer team") { $0.utf8.count == 10 },
            .word("APNS_TOPIC", \.apnsTopic, "a bundle id", "the app that is woken through Apple") { !$0.isEmpty },
            .url("APNS_URL", \.apnsURL, "where APNs is; the sandbox: https://api.sandbox.push.apple.com"),
            .number(
                "PUSH_DELAY_SECONDS", \.pushDelaySeconds, 1...300, unit: "seconds", "how long a message waits unfetched before its device is woken"),
            .optionalText("TLS_CA_FILE", \.tlsCAFile, "PEM file", "certificate authorities that are trusted besides the system's"),
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
        if case .s3 = configuration.mediaStore, configuration.s3AccessKey == nil || configuration.s3SecretKey == nil {
            faults.append("MEDIA_STORE=s3:<url> needs S3_ACCESS_KEY and S3_SECRET_KEY")
        }
        if case .s3 = configuration.mediaStore, configuration.limits[.mediaBytes] > S3MediaStore.largestObject {
            faults.append("MEDIA_STORE=s3:<url> keeps no media above \(S3MediaStore.largestObject) bytes: LIMIT_MEDIA_BYTES must not be more")
        }
        if case .webhook = configuration.otpDelivery, configuration.otpWebhookSecret == nil {
            faults.append("OTP_DELIVERY=webhook:<url> needs OTP_WEBHOOK_SECRET")
        }
        if configuration.rateLimits == .off && !configuration.isLoopback {
            faults.append("RATE_LIMITS=off needs a loopback HOST, not \(configuration.host)")
        }
        if configuration.adminPort == configuration.port, configuration.port != 0, configuration.adminHost == configuration.host {
            faults.append("ADMIN_PORT must not be PORT: leave it out to have all on one port")
        }
        if configuration.refreshTokenSeconds <= configuration.accessTokenSeconds {
            faults.append("REFRESH_TOKEN_SECONDS must be more than ACCESS_TOKEN_SECONDS")
        }
        if configuration.limits[.contentBytes] > configuration.limits[.requestBytes] {
            faults.append("LIMIT_CONTENT_BYTES must not be more than LIMIT_REQUEST_BYTES")
        }
        return faults + PushSettings.faults(in: configuration)
    }
}
