import Glibc
import HTTPClient
import HTTPServer
import Logging
import Postgres

/// The only place that wires things: starts them in order, waits for the signal to stop, stops them in the reverse order.
package enum Application {
    package struct StartError: Error, CustomStringConvertible {
        package let description: String
    }

    /// Serves until SIGTERM or SIGINT. Prints one line to standard output when ready.
    package static func serve(_ configuration: Configuration) throws {
        let stopSignals = StopSignals()
        raiseDescriptorLimit()
        let logLines = LogLines()
        // Last of all, since all the others may have something to tell.
        defer { logLines.close() }
        let logger = LogOutput.logger(configuration, to: logLines)
        let embedded = try startEmbedded(configuration, logger)
        defer { embedded?.stop() }
        let conninfo = try configuration.databaseURL ?? embedded.map(\.conninfo) ?? { throw StartError(description: "there is no database") }()
        let identifiers = IdentifierGenerator()
        let metrics = Metrics()
        metrics.add(.counter("restante_log_lines_dropped_total", "Lines that the log had no room for.") { Double(logLines.dropped) })
        let pool = Pool(conninfo: conninfo, size: configuration.poolSize, settings: DatabaseSettings.ofPool, name: "pool") {
            metrics.poolWaits.observe(seconds: $0)
        }
        defer { pool.close() }
        let failures = SweepFailures(metrics: metrics, logger: logger)
        let retention = Retention(
            pool: pool, days: configuration.retentionDays, idempotencyHours: configuration.idempotencyHours, failures: failures)
        try prepareDatabase(conninfo, isEmbedded: embedded != nil, retention, logger)

        let writers = makeWriters(configuration, conninfo, identifiers, metrics, logger)
        let presence = Presence(store: PresenceStore(pool: pool))
        let mailroom = Mailroom(writers: writers, metrics: metrics, isThere: { presence.note($0) })
        presence.start { mailroom.show($0, to: $1) }
        writers.start(deliver: { mailroom.deliver($0) }, reconnected: { mailroom.lookSoon() })
        let pushClient = PushSettings.isSet(configuration) ? HTTPClient(PushSettings.clientSettings(configuration)) : nil
        defer { pushClient?.close() }
        let push = makePush(configuration, pool, mailroom, pushClient, metrics, logger)
        let services = try makeServices(configuration, pool, identifiers, writers, mailroom, presence, push, metrics, logger)
        let bus = configuration.hasOtherNodes ? joinOtherNodes(conninfo, identifiers, services) : nil
        defer { bus?.close() }
        let admin = try configuration.adminPort.map { try startAdminListener(configuration, port: $0, services, logger) }
        // Last, so that an operator can see how the rest ends.
        defer { admin?.stop(within: 1) }
        let edge = Edge(Routes.ofPublicPort(hasAdminListener: admin != nil), services: services, for: admin == nil ? .everybody : .clients)
        let server = try Server.start(serverConfiguration(configuration), handler: edge)
        let expiry = Expiry(pool: pool, identifiers: identifiers, days: configuration.retentionDays, failures: failures) { mailroom.deliver($0) }
        let inboxSampling = InboxSampling(pool: pool)
        metrics.showReadings(server: server, pool: pool, writers: writers, inbox: inboxSampling, bus: bus)
        let callSweep = CallSweep(store: services.calls, failures: failures)
        let background = [
            Task { await retention.run() }, Task { await expiry.run() }, Task { await services.accountRemoval.run() }, Task { await push.run() },
            Task { await services.media.keepSwept() },
            Task { await callSweep.run { mailroom.deliver($0) } },
            Task { await inboxSampling.run() },
        ]
        announce(configuration.host, server.port)

        let signal = stopSignals.wait()
        logger.notice("stopping", metadata: ["signal": .stringConvertible(signal)])
        services.health.startDraining()
        server.drain()
        mailroom.drain()
        for task in background { task.cancel() }
        server.stop(within: Double(configuration.drainSeconds))
        writers.close()
        mailroom.close()
        presence.close()
        services.media.close()
    }

    /// Each held poll is a descriptor, so the process takes as many as it may have.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    private static func startEmbedded(_ configuration: Configuration, _ logger: Logger) throws -> EmbeddedPostgres? {
        guard configuration.databaseURL == nil else { return nil }
        return try EmbeddedPostgres.start(in: configuration.embeddedDatabaseDirectory) { line in logger.notice("postgres: \(line)") }
    }

    private static func prepareDatabase(_ conninfo: String, isEmbedded: Bool, _ retention: Retention, _ logger: Logger) throws {
        let connection = try Connection.open(conninfo, settings: Durability.sessionSettings, within: 10)
        defer { connection.close() }
        try DatabasePreparation.prepare(connection, isEmbedded: isEmbedded, try MigrationList.embedded()) { logger.notice("migrations: \($0)") }
        try retention.prepare(on: connection)
    }

    private static func makeWriters(
        _ configuration: Configuration, _ conninfo: String, _ identifiers: IdentifierGenerator, _ metrics: Metrics, _ logger: Logger
    ) -> InboxWriters {
        let batch = WriterBatch(retentionDays: configuration.retentionDays, identifiers: identifiers)
        let make = { (name: String) in
            InboxWriter(name: name, batch: batch, logger: logger, metrics: metrics) { () throws(PostgresError) in
                try Connection.open(conninfo, settings: DatabaseSettings.ofWriter, within: 0.5)
            }
        }
        let numbers = 0..<configuration.writers
        return InboxWriters(
            writers: numbers.map { make("writer-\($0)") }, groupWriters: numbers.map { make("group-writer-\($0)") }, searcher: make("searcher"))
    }

    private static func makeServices(
        _ configuration: Configuration, _ pool: Pool, _ identifiers: IdentifierGenerator, _ writers: InboxWriters, _ mailroom: Mailroom,
        _ presence: Presence, _ push: Push, _ metrics: Metrics, _ logger: Logger
    ) throws -> Services {
        let secrets = Secrets(serverSecret: try ServerSecret.load(configuration))
        let isLimiting = configuration.rateLimits == .on
        let limits = configuration.limits
        let sessions = SessionStore(
            pool: pool, identifiers: identifiers, accessSeconds: configuration.accessTokenSeconds, refreshSeconds: configuration.refreshTokenSeconds)
        let groups = GroupStore(pool: pool, identifiers: identifiers, limits: limits)
        let rateLimiter = RateLimiter(limits: limits, isOn: isLimiting)
        let failures = SweepFailures(metrics: metrics, logger: logger)
        let media = try makeMedia(configuration, pool, identifiers, failures)
        let calls = CallStore(pool: pool, identifiers: identifiers, limits: limits)
        return Services(
            limits: limits, identifiers: identifiers, metrics: metrics,
            authentication: Authentication(store: sessions),
            rateLimiter: rateLimiter, trustedProxies: configuration.trustedProxies,
            requestLog: RequestLog(logger: logger, metrics: metrics, rateLimiter: rateLimiter), writers: writers, mailroom: mailroom,
            audiences: AudienceStore(pool: pool), readReceipts: ReadReceiptStore(pool: pool),
            oneTimePasswords: OneTimePasswordStore(
                pool: pool, secrets: secrets, limits: limits, budget: OTPBudgetStore(secrets: secrets, limits: limits), isLimiting: isLimiting),
            otpSender: otpSender(configuration, logger), otpCountries: configuration.otpCountries,
            users: UserStore(pool: pool, identifiers: identifiers), devices: DeviceStore(pool: pool, identifiers: identifiers), sessions: sessions,
            groups: groups, invites: InviteStore(pool: pool, identifiers: identifiers, limits: limits), chats: ChatStore(pool: pool), push: push,
            contacts: ContactStore(pool: pool, secrets: secrets, newNumbersPerDay: isLimiting ? limits[.newContactsPerDay] : nil),
            keys: KeyStore(pool: pool, identifiers: identifiers, limits: limits),
            presence: presence, calls: calls,
            relayServers: RelayServers(urls: configuration.turnURLs, secret: configuration.turnSecret),
            blocks: BlockStore(pool: pool, limits: limits),
            accountRemoval: AccountRemoval(pool: pool, groups: groups, media: media, calls: calls, mailroom: mailroom, failures: failures),
            media: media, uploads: TransferSlots(.mediaUploadsAtOnce, of: limits), downloads: TransferSlots(.mediaDownloadsAtOnce, of: limits),
            health: Health(pool: pool, schema: try MigrationList.embedded()), specification: try Specification(yaml: Assets.openAPI.contents))
    }

    private static func makePush(
        _ configuration: Configuration, _ pool: Pool, _ mailroom: Mailroom, _ client: HTTPClient?, _ metrics: Metrics, _ logger: Logger
    ) -> Push {
        let providers = PushSettings.providers(configuration, client: client)
        let store = WakeUpStore(
            pool: pool, delaySeconds: configuration.pushDelaySeconds, services: PushService.allCases.filter { providers[$0] != nil })
        let push = Push(
            providers, store: store, isPolling: { mailroom.isPolling($0) },
            ringPatience: configuration.hasOtherNodes ? .seconds(1) : .zero, metrics: metrics, logger: logger)
        guard push.isOn else { return push }
        mailroom.whenAbsent { push.arrived($0) }
        metrics.add(.gauge("restante_push_waiting_devices", "Devices with messages that are not old enough to wake them.") { Double(push.waiting) })
        return push
    }

    private static func otpSender(_ configuration: Configuration, _ logger: Logger) -> any OTPSender {
        switch configuration.otpDelivery {
        case .response: return ResponseOTPSender()
        case .log: return LogOTPSender(logger: logger)
        case .webhook(let url):
            var settings = HTTPClientSettings()
            settings.connectTimeout = .seconds(1)
            settings.totalTimeout = WebhookOTPSender.patience
            settings.largestResponse = 65_536
            settings.extraCAFile = configuration.tlsCAFile
            // Without a secret the configuration was refused.
            return WebhookOTPSender(url: url, secret: configuration.otpWebhookSecret ?? "", client: HTTPClient(settings), logger: logger)
        }
    }

    private static func makeMedia(
        _ configuration: Configuration, _ pool: Pool, _ identifiers: IdentifierGenerator, _ failures: SweepFailures
    ) throws -> MediaLibrary {
        let threads = FileThreads()
        let store: any MediaStore =
            switch configuration.mediaStore {
            case .directory: try DirectoryMediaStore(in: configuration.mediaDirectory, threads: threads)
            // Without the keys the configuration was refused.
            case .s3(let location):
                S3MediaStore(
                    location, accessKey: configuration.s3AccessKey ?? "", secretKey: configuration.s3SecretKey ?? "",
                    largestUpload: configuration.limits[.mediaBytes], extraCAFile: configuration.tlsCAFile, logger: failures.logger)
            }
        return MediaLibrary(
            pool: pool, identifiers: identifiers, store: store,
            incoming: try IncomingFolder(in: configuration.mediaDirectory, threads: threads), retentionDays: configuration.retentionDays,
            bytesPerDay: configuration.rateLimits == .on ? configuration.limits[.mediaBytesPerDay] : nil, failures: failures)
    }

    private static func joinOtherNodes(_ conninfo: String, _ identifiers: IdentifierGenerator, _ services: Services) -> DatabaseWakeBus {
        let bus = DatabaseWakeBus(
            conninfo: conninfo, node: identifiers.next(), heard: { services.hear($0) },
            resumed: {
                services.metrics.busSessions.add()
                services.mailroom.lookSoon()
            })
        services.mailroom.join(bus)
        services.presence.join(bus)
        return bus
    }

    private static func serverConfiguration(_ configuration: Configuration) -> ServerConfiguration {
        var server = ServerConfiguration()
        server.host = configuration.host
        server.port = UInt16(configuration.port)
        server.workers = configuration.httpWorkers
        server.connectionMemory = configuration.connectionMemory
        return server
    }

    /// A few connections are all that operators need, and they are none of those that clients may have.
    private static func startAdminListener(_ configuration: Configuration, port: Int, _ services: Services, _ logger: Logger) throws -> Server {
        var listener = ServerConfiguration()
        listener.host = configuration.adminHost
        listener.port = UInt16(port)
        listener.workers = 1
        listener.daemonsPerWorker = 4
        listener.connectionLimit = 64
        let server = try Server.start(listener, handler: Edge(Routes.ofAdminListener, services: services, for: .operators))
        logger.notice("admin listener", metadata: ["address": .string(address(configuration.adminHost, server.port))])
        return server
    }

    private static func address(_ host: String, _ port: UInt16) -> String {
        "http://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    private static func announce(_ host: String, _ port: UInt16) {
        let line = Array("restante: listening on \(address(host, port))\n".utf8)
        _ = line.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }
}
