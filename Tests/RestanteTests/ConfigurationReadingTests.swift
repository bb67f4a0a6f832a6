import Testing

@testable import Restante

@Suite struct ConfigurationReadingTests {
    /// A value other than the default that each setting takes.
    static func example(of setting: Setting) -> String {
        switch setting.key {
        case "DATABASE_URL": "postgresql://restante@db.example/restante"
        case "DATA_DIR": "/var/lib/restante"
        case "HOST": "127.0.0.2"
        case "OTP_DELIVERY": "response"
        case "OTP_WEBHOOK_SECRET": "correct horse battery staple 0123456789"
        case "OTP_COUNTRIES": "49,43,1868"
        case "TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8,2001:db8::/32"
        case "WAKE_BUS": "process"
        case "MEDIA_STORE": "s3:https://s3.example/media"
        case "S3_ACCESS_KEY": "AKIAEXAMPLE"
        case "S3_SECRET_KEY": "wJalrXUtnFEMI/K7MDENG"
        case "SERVER_SECRET": "correct horse battery staple 0123456789"
        case "FCM_CREDENTIALS": ExampleKeys.serviceAccount
        case "FCM_URL", "APNS_URL": "https://push.example"
        case "APNS_KEY": ExampleKeys.ellipticCurve
        case "APNS_KEY_ID", "APNS_TEAM_ID": "ABCDE12345"
        case "APNS_TOPIC": "example.restante"
        case "TLS_CA_FILE": "/etc/restante/ca.pem"
        case "TURN_URLS": "turn:turn.example:3478?transport=udp,turns:turn.example"
        case "TURN_SECRET": "shared with coturn 42"
        case "RATE_LIMITS": "off"
        case "LOG_LEVEL": "debug"
        case "LOG_FORMAT": "json"
        case "ACCESS_TOKEN_SECONDS": "600"
        case "REFRESH_TOKEN_SECONDS": "7200"
        case "RETENTION_DAYS": "29"
        case "LIMIT_CONTENT_BYTES": "1000"
        case "ADMIN_HOST": "127.0.0.2"
        case "LIMIT_POLL_SECONDS": "54"
        case "LIMIT_INBOX_ITEMS", "LIMIT_ACKNOWLEDGE_IDS", "LIMIT_LOOKUP_NUMBERS": "499"
        case "LIMIT_PAGE_ITEMS": "199"
        case "LIMIT_OTP_ATTEMPTS": "3"
        default: String((Int(setting.defaultText ?? "") ?? 0) + 1)
        }
    }

    /// What must be set besides this one, as environment variables.
    private static func companions(of key: String) -> [String: String] {
        if key == "MEDIA_STORE" { return ["RESTANTE_S3_ACCESS_KEY": "key", "RESTANTE_S3_SECRET_KEY": "secret"] }
        let apns = ["APNS_KEY", "APNS_KEY_ID", "APNS_TEAM_ID", "APNS_TOPIC"]
        guard apns.contains(key) else { return [:] }
        let others = SettingsTable.settings.filter { apns.contains($0.key) && $0.key != key }
        return Dictionary(uniqueKeysWithValues: others.map { ($0.environmentName, example(of: $0)) })
    }

    @Test(arguments: SettingsTable.settings.map(\.key))
    func everySettingIsTakenFromItsFlagAndFromItsEnvironmentVariable(key: String) throws {
        let setting = try #require(SettingsTable.settings.first { $0.key == key })
        let value = Self.example(of: setting)
        #expect(value != setting.defaultText)

        let companions = Self.companions(of: key)
        let apart = try Configuration.read(arguments: [setting.flag, value], environment: companions)
        #expect(setting.show(apart) == value)
        let joined = try Configuration.read(arguments: ["\(setting.flag)=\(value)"], environment: companions)
        #expect(setting.show(joined) == value)
        #expect(joined.origins[key] == .flag(setting.flag))
        #expect(joined.origins.count == 1 + companions.count)
        let environment = try Configuration.read(arguments: [], environment: companions.merging(["RESTANTE_" + key: value]) { $1 })
        #expect(setting.show(environment) == value)
        #expect(environment.origins[key] == .environment("RESTANTE_" + key))
        #expect(environment.origins.count == 1 + companions.count)
    }

    @Test func theFixedNamesAreThere() {
        let keys = Set(SettingsTable.settings.map(\.key))
        for key in ["DATABASE_URL", "DATA_DIR", "HOST", "PORT", "OTP_DELIVERY", "RATE_LIMITS", "LIMIT_GROUP_MEMBERS", "LOG_LEVEL", "LOG_FORMAT"] {
            #expect(keys.contains(key))
        }
        #expect(keys.count == SettingsTable.settings.count)
        #expect(SettingsTable.settings.first?.flag == "--database-url")
    }

    @Test func theDefaultsAreInRangeAndAgree() throws {
        var configuration = Configuration()
        for setting in SettingsTable.settings {
            guard let text = setting.defaultText else { continue }
            #expect(setting.store(text, &configuration) == nil, "\(setting.key)")
        }
        #expect(SettingsTable.conflicts(in: Configuration()) == [])
        #expect(configuration.port == 8080)
        #expect(configuration.host == "127.0.0.1")
    }

    @Test func aFlagWinsOverTheEnvironment() throws {
        let configuration = try Configuration.read(arguments: ["--port", "1"], environment: ["RESTANTE_PORT": "2"])
        #expect(configuration.port == 1)
    }

    @Test func anEmptyVariableIsNone() throws {
        let configuration = try Configuration.read(arguments: [], environment: ["RESTANTE_DATABASE_URL": "", "RESTANTE_PORT": ""])
        #expect(configuration.databaseURL == nil)
        #expect(configuration.port == 8080)
    }

    @Test func allFaultsAreReportedTogether() {
        let faults = faultsOf(
            arguments: ["--prot", "80", "--log-level=loud", "--writers"],
            environment: ["RESTANTE_PORT": "65536", "RESTANTE_DATABSE_URL": "x", "RESTANTE_RETENTION_DAYS": "31", "PATH": "/bin"])
        #expect(
            faults == [
                "RESTANTE_DATABSE_URL is no setting: did you mean RESTANTE_DATABASE_URL?",
                "--prot is not understood: did you mean --port?",
                "--writers needs a value",
                "RESTANTE_PORT must be a whole number in 0..65535, not \"65536\"",
                "RESTANTE_RETENTION_DAYS must be a whole number in 1..30 days, not \"31\"",
                "--log-level must be one of trace | debug | info | notice | warning | error | critical, not \"loud\"",
            ])
    }

    @Test func aMisspeltLimitIsAFaultWithASuggestion() {
        #expect(
            faultsOf(environment: ["RESTANTE_LIMIT_GROUP_MEMBER": "5"])
                == ["RESTANTE_LIMIT_GROUP_MEMBER is no setting: did you mean RESTANTE_LIMIT_GROUP_MEMBERS?"])
    }

    @Test func aFlagGivenTwiceIsAFault() {
        #expect(faultsOf(arguments: ["--port", "1", "--port", "2"]) == ["--port is given twice"])
    }

    @Test(arguments: ["0.0.0.0", "::", "192.0.2.1"])
    func developmentSettingsNeedALoopbackAddress(host: String) {
        let faults = faultsOf(environment: ["RESTANTE_HOST": host, "RESTANTE_OTP_DELIVERY": "response", "RESTANTE_RATE_LIMITS": "off"])
        #expect(faults.count == 2)
        #expect(faults.allSatisfy { $0.contains("loopback") && $0.contains(host) })
    }

    @Test(arguments: ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
    func developmentSettingsAreTakenOnALoopbackAddress(host: String) throws {
        let environment = ["RESTANTE_HOST": host, "RESTANTE_OTP_DELIVERY": "response", "RESTANTE_RATE_LIMITS": "off"]
        let configuration = try Configuration.read(arguments: [], environment: environment)
        #expect(configuration.otpDelivery == .response)
        #expect(configuration.rateLimits == .off)
    }

    @Test(arguments: ["127.evil.example", "localhost.example", "300.1.1.1", ""])
    func aHostThatIsNoAddressIsAFault(host: String) {
        #expect(faultsOf(arguments: ["--host", host]).count == 1)
    }

    @Test func anUnknownOTPDeliveryNamesWhatIsAccepted() {
        #expect(
            faultsOf(environment: ["RESTANTE_OTP_DELIVERY": "telegram"])
                == ["RESTANTE_OTP_DELIVERY must be response | log | webhook:<url>, not \"telegram\""])
    }

    @Test func aBucketNeedsItsKeys() throws {
        let bucket = ["RESTANTE_MEDIA_STORE": "s3:https://s3.example:9000/media?region=eu-central-1"]
        #expect(faultsOf(environment: bucket) == ["MEDIA_STORE=s3:<url> needs S3_ACCESS_KEY and S3_SECRET_KEY"])
        let keys = ["RESTANTE_S3_ACCESS_KEY": "key", "RESTANTE_S3_SECRET_KEY": "secret"]
        let configuration = try Configuration.read(arguments: [], environment: bucket.merging(keys) { first, _ in first })
        #expect(configuration.mediaStore.text == bucket["RESTANTE_MEDIA_STORE"])
    }

    @Test func whatABucketCannotKeepIsNotAccepted() {
        let bucket = [
            "RESTANTE_MEDIA_STORE": "s3:https://s3.example/media", "RESTANTE_S3_ACCESS_KEY": "key", "RESTANTE_S3_SECRET_KEY": "secret",
            "RESTANTE_LIMIT_MEDIA_BYTES": "5368709121",
        ]
        #expect(faultsOf(environment: bucket) == ["MEDIA_STORE=s3:<url> keeps no media above 5368709120 bytes: LIMIT_MEDIA_BYTES must not be more"])
    }

    @Test(arguments: [
        ("https://s3.example/media", "https://s3.example/media/", "us-east-1"),
        ("https://s3.example:9000/media?region=eu-central-1", "https://s3.example:9000/media/", "eu-central-1"),
        ("https://s3.amazonaws.com/media?style=host&region=eu-west-1", "https://media.s3.amazonaws.com/", "eu-west-1"),
    ])
    func aBucketIsInThePathOrInTheHost(text: String, base: String, region: String) throws {
        let location = try #require(S3Location(text))
        #expect(location.base == base && location.region == region && location.text == text)
    }

    @Test(arguments: [
        "https://s3.example", "https://s3.example/", "https://s3.example/a/b", "http://s3.example/media", "https://s3.example/Media",
        "https://s3.example/media?style=other", "https://s3.example/media?region=", "https://key:secret@s3.example/media", "s3.example/media",
    ])
    func whatIsNoBucketIsAFault(text: String) {
        #expect(S3Location(text) == nil)
    }

    @Test func aWebhookNeedsItsSecret() throws {
        let webhook = ["RESTANTE_OTP_DELIVERY": "webhook:https://sms.example/otp"]
        #expect(faultsOf(environment: webhook) == ["OTP_DELIVERY=webhook:<url> needs OTP_WEBHOOK_SECRET"])
        let secret = ["RESTANTE_OTP_WEBHOOK_SECRET": "correct horse battery staple 0123456789"]
        let configuration = try Configuration.read(arguments: [], environment: webhook.merging(secret) { first, _ in first })
        #expect(configuration.otpDelivery == .webhook("https://sms.example/otp"))
        #expect(configuration.otpDelivery.text == webhook["RESTANTE_OTP_DELIVERY"])
    }

    @Test(arguments: ["webhook:", "webhook:http://sms.example/", "webhook:ftp://sms.example/", "webhook:https://a:b@sms.example/", "webhook"])
    func aWebhookThatWouldNotBeAskedIsAFault(delivery: String) {
        #expect(faultsOf(environment: ["RESTANTE_OTP_DELIVERY": delivery]).count == 1)
    }

    @Test(arguments: ["+49", "49,", "0", "49;43", "٤٩", "12345678"]) func callingCodesAreDigits(codes: String) {
        #expect(faultsOf(environment: ["RESTANTE_OTP_COUNTRIES": codes]).count == 1)
    }

    @Test func settingsThatContradictOneAnotherAreFaults() {
        #expect(faultsOf(arguments: ["--access-token-seconds", "7200", "--refresh-token-seconds", "7200"]).count == 1)
        #expect(faultsOf(arguments: ["--limit-request-bytes", "4096"]).count == 1)
    }

    @Test func limitsAreSetByName() throws {
        let configuration = try Configuration.read(arguments: [], environment: ["RESTANTE_LIMIT_OTP_PER_NUMBER": "7"])
        #expect(configuration.limits[.otpPerNumber] == 7)
        #expect(configuration.limits[.groupMembers] == 1024)
    }

    private func faultsOf(arguments: [String] = [], environment: [String: String] = [:]) -> [String] {
        do {
            _ = try Configuration.read(arguments: arguments, environment: environment)
            return []
        } catch {
            return error.faults
        }
    }
}
