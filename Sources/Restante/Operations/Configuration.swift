import Glibc
package import Logging

/// What the operator decided, checked as a whole before anything starts.
///
/// The initial values here are the defaults. How each value is named, typed and bounded stands in `SettingsTable.swift`.
package struct Configuration: Sendable {
    /// nil: an embedded PostgreSQL under `dataDirectory`.
    package var databaseURL: String?
    package var dataDirectory = "./.restante"
    /// An IPv4 or IPv6 address.
    package var host = "127.0.0.1"
    /// 0 takes a free one.
    package var port = 8080
    package var trustedProxies = TrustedProxies()
    /// An IPv4 or IPv6 address.
    package var adminHost = "127.0.0.1"
    /// nil: there is no admin listener, and what it would serve is on the public port. 0 takes a free one.
    package var adminPort: Int?
    /// Half of the cores serve HTTP; the writers and, often, PostgreSQL have the other half.
    package var httpWorkers = max(1, min(64, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) / 2))
    /// Bytes that libmicrohttpd sets aside for each connection.
    package var connectionMemory = 6_144
    package var writers = 2
    package var poolSize = 4
    package var wakeBus = WakeBusChoice.auto
    package var otpDelivery = OTPDelivery.log
    /// The key with which posts to the webhook are signed.
    package var otpWebhookSecret: String?
    package var otpCountries = CallingCodes()
    package var mediaStore = MediaStoreChoice.directory
    package var s3AccessKey: String?
    package var s3SecretKey: String?
    package var accessTokenSeconds = 3_600
    package var refreshTokenSeconds = 15_552_000
    /// nil: made once and kept in the file `server-secret` under `dataDirectory`; see `ServerSecret`.
    package var serverSecret: String?
    /// Both or none.
    package var turnURLs: [String] = []
    package var turnSecret: String?
    package var idempotencyHours = 24
    package var retentionDays = 30
    package var drainSeconds = 8
    /// A service account's key file, JSON; nil: no push through Firebase.
    package var fcmCredentials: String?
    package var fcmURL = "https://fcm.googleapis.com"
    /// A P-256 key in PEM; nil: no push through Apple. The four belong together.
    package var apnsKey: String?
    package var apnsKeyId: String?
    package var apnsTeamId: String?
    package var apnsTopic: String?
    package var apnsURL = "https://api.push.apple.com"
    package var pushDelaySeconds = 5
    /// A PEM file of certificate authorities that are trusted besides the system's.
    package var tlsCAFile: String?
    package var rateLimits = Switch.on
    package var limits = LimitTable()
    package var logLevel = Logger.Level.info
    package var logFormat = LogFormat.text

    /// Where each value came from, by the setting's key; a key that is not here has its default.
    package internal(set) var origins: [String: ConfigurationOrigin] = [:]

    /// The defaults.
    package init() {}

    /// Where the embedded PostgreSQL keeps everything.
    package var embeddedDatabaseDirectory: String { dataDirectory + "/postgres" }

    /// Where uploads are gathered, and, with a media store of `directory`, kept.
    package var mediaDirectory: String { dataDirectory + "/media" }

    /// Whether other nodes may work on the same database.
    var hasOtherNodes: Bool {
        switch wakeBus {
        case .auto: databaseURL != nil
        case .process: false
        case .database: true
        }
    }

    /// True if only this machine can reach the server.
    package var isLoopback: Bool {
        host.hasPrefix("127.") || host == "::1"
    }
}

/// How nodes tell each other of what they have committed.
package enum WakeBusChoice: String, CaseIterable, Sendable {
    case auto
    /// Not at all: there is one node.
    case process
    /// By NOTIFY.
    case database
}

package enum LogFormat: String, CaseIterable, Sendable {
    case text, json
}

package enum Switch: String, CaseIterable, Sendable {
    case on, off
}

/// Where a setting's value came from, in the operator's words: `--port`, `RESTANTE_PORT`.
package enum ConfigurationOrigin: Sendable, Equatable {
    case flag(String), environment(String), file(String)
}
