import Glibc
import Testing

@testable import Restante

@Suite final class ConfigurationSecretTests {
    private let folder = TemporaryFolder()
    private let secret = "postgresql://restante:hunter2@db.example/restante"

    @Test func aSecretIsReadFromAFileWithoutItsLastNewline() throws {
        let path = folder.write("url", secret + "\n")
        let configuration = try Configuration.read(arguments: [], environment: ["RESTANTE_DATABASE_URL_FILE": path])
        #expect(configuration.databaseURL == secret)
        #expect(configuration.origins["DATABASE_URL"] == .file("RESTANTE_DATABASE_URL_FILE"))
    }

    @Test func aSecretGivenBothWaysIsAFault() {
        let path = folder.write("url", secret)
        #expect(throws: ConfigurationFaults.self) {
            try Configuration.read(arguments: [], environment: ["RESTANTE_DATABASE_URL_FILE": path, "RESTANTE_DATABASE_URL": secret])
        }
    }

    @Test func onlySecretsHaveAFile() {
        let path = folder.write("port", "80")
        #expect(throws: ConfigurationFaults.self) { try Configuration.read(arguments: [], environment: ["RESTANTE_PORT_FILE": path]) }
    }

    @Test func aMissingOrEmptyFileIsAFaultThatNamesIt() {
        for path in [folder.path + "/absent", folder.write("empty", ""), folder.path] {
            let faults = #expect(throws: ConfigurationFaults.self) {
                try Configuration.read(arguments: [], environment: ["RESTANTE_SERVER_SECRET_FILE": path])
            }
            #expect(faults?.description.contains(path) == true)
        }
    }

    @Test func secretsAreNeverPrinted() throws {
        let environment = ["RESTANTE_DATABASE_URL": secret, "RESTANTE_SERVER_SECRET": "0123456789abcdef0123456789abcdef"]
        let configuration = try Configuration.read(arguments: [], environment: environment)
        let report = ConfigurationReport(configuration).description
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in [report, "\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("hunter2"))
            #expect(!text.contains("0123456789abcdef"))
        }
        #expect(report.contains("(hidden)"))
        #expect(report.contains("RESTANTE_DATABASE_URL"))

        let faults = #expect(throws: ConfigurationFaults.self) {
            try Configuration.read(arguments: [], environment: ["RESTANTE_SERVER_SECRET": "too-short"])
        }
        #expect(faults?.description.contains("too-short") == false)
    }

    @Test func theReportNamesEverySettingAndWhereItCameFrom() throws {
        let report = ConfigurationReport(try Configuration.read(arguments: ["--port", "0"], environment: [:])).description
        for setting in SettingsTable.settings { #expect(report.contains(setting.key)) }
        #expect(report.contains("--port"))
        #expect(report.contains("(hidden)") == false)
    }

    @Test func theServersOwnSecretIsMadeOnceAndIsPrivate() throws {
        var configuration = Configuration()
        configuration.dataDirectory = folder.path + "/data"
        let first = try ServerSecret.load(configuration)
        #expect(first.count == 32)
        #expect(try ServerSecret.load(configuration) == first)
        var status = stat()
        #expect(stat(configuration.dataDirectory + "/server-secret", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)

        var other = Configuration()
        other.dataDirectory = folder.path + "/other"
        #expect(try ServerSecret.load(other) != first)
    }

    @Test func aSecretFileCutShortIsRefused() {
        var configuration = Configuration()
        configuration.dataDirectory = folder.path
        _ = folder.write("server-secret", "short")
        #expect(throws: ServerSecret.Unavailable.self) { try ServerSecret.load(configuration) }
    }
}
