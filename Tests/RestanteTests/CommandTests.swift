import Foundation
import Postgres
import Testing

@testable import Restante

@Suite final class CommandTests {
    private let folder = TemporaryFolder()

    @Test func checkConfigPrintsWhatIsInForceAndHidesSecrets() throws {
        let outcome = try run(["check-config", "--port=9"], ["RESTANTE_DATABASE_URL": "postgresql://u:hunter2@h/d"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("--port"))
        #expect(outcome.output.contains("(hidden)"))
        #expect(!outcome.output.contains("hunter2"))
        #expect(outcome.errors == "")
    }

    @Test(arguments: [["check-config"], ["serve"], [], ["migrate", "up"], ["doctor"]])
    func everyCommandFailsOnAFaultyConfiguration(command: [String]) throws {
        let outcome = try run(command + ["--log-level", "loud"], ["RESTANTE_PROT": "1"])
        #expect(outcome.status == 1)
        let text = outcome.output + outcome.errors
        #expect(text.contains("RESTANTE_PROT is no setting: did you mean RESTANTE_PORT?"))
        #expect(text.contains("--log-level must be one of"))
    }

    @Test func migrateGoesUpTellsAndGoesDown() throws {
        let settings = ["RESTANTE_DATABASE_URL": try TestDatabase().conninfo]
        #expect(try run(["migrate", "status"], settings).status == 1)
        let up = try run(["migrate", "up"], settings)
        #expect(up.status == 0)
        #expect(up.output.contains("applied 0001_accounts"))
        let status = try run(["migrate", "status"], settings)
        #expect(status.status == 0)
        #expect(status.output.contains("applied  0001_accounts"))
        #expect(try run(["migrate", "up"], settings).output == "nothing to apply\n")
        #expect(try run(["migrate", "down", "--to", "0"], settings).status == 0)
        #expect(try run(["migrate", "status"], settings).status == 1)
    }

    @Test func aFailingMigrationIsOneLineOnStandardErrorWithItsPlace() throws {
        folder.write("0001_a.sql", "-- migrate:up\nSELECT no_such_column;\n")
        let settings = ["RESTANTE_DATABASE_URL": try TestDatabase().conninfo]
        let outcome = try run(["migrate", "up", "--dir", folder.path], settings)
        #expect(outcome.status == 1)
        #expect(outcome.errors.hasPrefix("Error: 0001_a.sql:2 failed and was undone: column \"no_such_column\""))
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }

    @Test func migrateNewWritesAFile() throws {
        #expect(mkdir(folder.path + "/migrations", 0o755) == 0)
        #expect(try run(["migrate", "new", "add_polls"]).output == "migrations/0001_add_polls.sql\n")
        #expect(FileManager.default.fileExists(atPath: folder.path + "/migrations/0001_add_polls.sql"))
        #expect(try run(["migrate", "new", "Add-Polls"]).status == 1)
    }

    @Test func aDatabaseThatDoesNotAnswerIsNamedOnce() throws {
        let outcome = try run(["migrate", "up"], ["RESTANTE_DATABASE_URL": "host=127.0.0.1 port=1 user=nobody"])
        #expect(outcome.status == 1)
        #expect(outcome.errors.hasPrefix("Error: The database cannot be reached: "))
    }

    @Test func withoutADatabaseURLTheEmbeddedOneIsUsedAndLeftStopped() throws {
        let settings = ["RESTANTE_DATA_DIR": folder.path + "/data"]
        #expect(try run(["migrate", "up"], settings).status == 0)
        #expect(try run(["migrate", "status"], settings).status == 0)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/data/postgres/data/postmaster.pid"))
    }

    @Test func aCommandBesideTheServerTalksToTheServersDatabase() throws {
        let server = try EmbeddedPostgres.start(in: folder.path + "/data/postgres") { _ in }
        defer { server.stop() }
        let settings = ["RESTANTE_DATA_DIR": folder.path + "/data"]
        #expect(try run(["migrate", "up"], settings).status == 0)
        let connection = try Connection.open(server.conninfo, within: 10)
        #expect(try SchemaState.read(connection, MigrationList.embedded()).refusal == nil)
    }

    @Test func theDoctorPassesASoundDatabaseAndFailsOneWithoutSchema() throws {
        let settings = ["RESTANTE_DATABASE_URL": try TestDatabase().conninfo]
        let before = try run(["doctor"], settings)
        #expect(before.status == 1)
        #expect(before.output.contains("restante migrate up"))
        #expect(try run(["migrate", "up"], settings).status == 0)
        let after = try run(["doctor"], settings)
        #expect(after.status == 0, "\(after.output)")
        for check in ["configuration", "data directory", "file descriptors", "database", "sessions", "database clock", "durability", "schema"] {
            #expect(after.output.contains(check))
        }
    }

    @Test func theDoctorCountsTheServersOwnSessionsAsItsOwn() throws {
        let server = try EmbeddedPostgres.start(in: folder.path + "/data/postgres") { _ in }
        defer { server.stop() }
        let own = try (0..<5).map { _ in try Connection.open(server.conninfo, settings: DatabaseSettings.ofPool, within: 10) }
        let others = try (0..<3).map { _ in
            try Connection.open(server.conninfo, settings: ["SET application_name = 'restante on other'"], within: 10)
        }
        let free = try own[0].execute(.sessions)[0].int32(0)
        let text = try run(["doctor"], ["RESTANTE_DATA_DIR": folder.path + "/data"]).output
        #expect(text.contains("9 wanted for WRITERS, POOL_SIZE, \(free - 3) available"), "\(text)")
        let onAURL = try run(["doctor"], ["RESTANTE_DATABASE_URL": server.conninfo, "RESTANTE_POOL_SIZE": "\(free)"])
        #expect(onAURL.output.contains("\(free + 7) wanted for WRITERS, POOL_SIZE and WAKE_BUS, \(free - 3) available. Raise"), "\(onAURL.output)")
        #expect(onAURL.status == 1)
        for connection in own + others { connection.close() }
    }

    @Test func theDoctorWantsADataDirectoryWhateverElseIsSet() throws {
        folder.write("file", "")
        let settings = [
            "RESTANTE_DATABASE_URL": try TestDatabase().conninfo, "RESTANTE_SERVER_SECRET": String(repeating: "s", count: 32),
            "RESTANTE_DATA_DIR": folder.path + "/file/data",
        ]
        #expect(try run(["doctor"], settings).output.contains("file/data: Not a directory. Make it, or set DATA_DIR"))
    }

    private func run(_ arguments: [String], _ settings: [String: String] = [:]) throws -> CommandLineTool.Outcome {
        try CommandLineTool.run(arguments, environment: settings, in: folder)
    }
}

extension Statement {
    fileprivate static let sessions = Statement(
        "test.sessions", "SELECT current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer")
}
