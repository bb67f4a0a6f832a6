import Postgres
import Synchronization
import Testing

@testable import Restante

@Suite final class MigrationRunnerTests {
    private let folder = TemporaryFolder()
    private let database: TestDatabase
    private let connection: Connection

    init() throws {
        database = try TestDatabase()
        connection = try database.open()
        write(1, "CREATE TABLE a (n int);", down: "DROP TABLE a;")
        write(2, "CREATE TABLE b (n int);\nINSERT INTO b VALUES (1), (2);", down: "DROP TABLE b;")
    }

    @Test func upAppliesWhatIsPendingAndThenNothing() throws {
        #expect(try runner().up(connection) == 2)
        #expect(try tables() == ["a", "b"])
        #expect(try runner().up(connection) == 0)
        write(3, "CREATE TABLE c (n int);", down: nil)
        #expect(try runner().up(connection) == 1)
        #expect(try SchemaHistory.read(connection).map(\.name) == ["0001_m", "0002_m", "0003_m"])
        #expect(try SchemaState.read(connection, list()).refusal == nil)
    }

    @Test func theProjectsMigrationsGoUpAndDownAndUpAgain() throws {
        let list = try MigrationList.embedded()
        let runner = MigrationRunner(list) { _ in }
        #expect(try runner.up(connection) == list.migrations.count)
        #expect(try runner.down(to: 0, connection) == list.migrations.count)
        #expect(try tables() == [])
        #expect(try runner.up(connection) == list.migrations.count)
    }

    @Test func downUndoesTheLastOrAllAfterAVersion() throws {
        write(3, "CREATE TABLE c (n int);", down: "DROP TABLE c;")
        try runner().up(connection)
        #expect(try runner().down(to: nil, connection) == 1)
        #expect(try tables() == ["a", "b"])
        #expect(try runner().down(to: 1, connection) == 1)
        #expect(try tables() == ["a"])
        #expect(throws: MigrationError.self) { try runner().down(to: 2, connection) }
        #expect(try runner().down(to: 0, connection) == 1)
        #expect(try runner().down(to: nil, connection) == 0)
        #expect(try tables() == [])
    }

    @Test func downWithoutAWayBackChangesNothing() throws {
        write(3, "CREATE TABLE c (n int);", down: nil)
        try runner().up(connection)
        let error = #expect(throws: MigrationError.self) { try runner().down(to: nil, connection) }
        #expect(error?.description.contains("0003_m.sql") == true)
        #expect(try tables() == ["a", "b", "c"])
    }

    @Test func aFailingMigrationIsUndoneWhollyAndNamedWithItsLine() throws {
        write(3, "CREATE TABLE c (n int);\nINSERT INTO c VALUES (1);\nCREATE TABEL d (n int);", down: nil)
        let error = #expect(throws: MigrationError.self) { try runner().up(connection) }
        #expect(error?.description.hasPrefix("0003_m.sql:4 failed and was undone: syntax error") == true)
        #expect(try tables() == ["a", "b"])
        #expect(try SchemaHistory.read(connection).count == 2)

        write(3, "CREATE TABLE c (n int);\nINSERT INTO c SELECT 1 / (n - n) FROM b;", down: nil)
        let later = #expect(throws: MigrationError.self) { try runner().up(connection) }
        #expect(later?.description == "0003_m.sql failed and was undone: division by zero")
        #expect(try tables() == ["a", "b"])
    }

    @Test func anEditedMigrationIsRefusedByName() throws {
        try runner().up(connection)
        write(2, "CREATE TABLE b (n bigint);", down: "DROP TABLE b;")
        write(3, "CREATE TABLE c (n int);", down: nil)
        let error = #expect(throws: MigrationError.self) { try runner().up(connection) }
        #expect(error?.description.contains("0002_m") == true)
        #expect(try tables() == ["a", "b"])
        #expect(try SchemaState.read(connection, list()).refusal?.contains("0002_m") == true)
    }

    @Test func aDatabaseOfANewerProgramIsRefused() throws {
        write(3, "CREATE TABLE c (n int);", down: "DROP TABLE c;")
        try runner().up(connection)
        let only = "-- migrate:up\nCREATE TABLE a (n int);\n-- migrate:down\nDROP TABLE a;\n"
        let older = try MigrationList(parsing: [Assets.File(name: "0001_m.sql", contents: Array(only.utf8))])
        let runner = MigrationRunner(older) { _ in }
        #expect(throws: MigrationError.self) { try runner.up(connection) }
        #expect(throws: MigrationError.self) { try runner.down(to: nil, connection) }
        #expect(try SchemaState.read(connection, older).refusal?.contains("0003_m") == true)
        #expect(try tables() == ["a", "b", "c"])
    }

    @Test func ofRunsAtATimeOneAppliesAndTheOthersFindNothingToDo() throws {
        // Slow enough that every run has begun before the first has ended.
        write(3, "SELECT pg_sleep(0.3);", down: nil)
        let list = try list()
        let database = database
        let counts = Mutex<[Int]>([])
        let threads = (1...4).map { number in
            DedicatedThread(name: "run-\(number)") {
                // A run that fails is missing from the counts.
                guard let connection = try? database.open(), let count = try? MigrationRunner(list, report: { _ in }).up(connection) else { return }
                counts.withLock { $0.append(count) }
            }
        }
        for thread in threads { thread.join() }
        #expect(counts.withLock { $0.sorted() } == [0, 0, 0, 3])
    }

    @Test func aRunWaitsForTheOneBeforeIt() async throws {
        let database = database
        let list = try list()
        try connection.execute(simple: "SELECT pg_advisory_lock(x'72657374616e7465'::bigint)", within: 10)
        let (lines, reports) = AsyncStream.makeStream(of: String.self)
        let run = Task.detached { try MigrationRunner(list) { reports.yield($0) }.up(try database.open()) }
        var reported = lines.makeAsyncIterator()
        #expect(await reported.next() == "another run is at work: waiting for it")
        #expect(try tables() == [])
        try connection.execute(simple: "SELECT pg_advisory_unlock(x'72657374616e7465'::bigint)", within: 10)
        #expect(try await run.value == 2)
    }

    @Test func aTableInUseFailsTheMigrationWithinSeconds() throws {
        try runner().up(connection)
        write(3, "ALTER TABLE a ADD COLUMN m int;", down: nil)
        let reader = try database.open()
        try reader.execute(simple: "BEGIN; SELECT * FROM a", within: 10)
        let error = #expect(throws: MigrationError.self) { try runner().up(connection) }
        #expect(error?.description.contains("lock timeout") == true)
        reader.close()
        #expect(try runner().up(connection) == 1)
    }

    private func write(_ version: Int, _ up: String, down: String?) {
        folder.write("000\(version)_m.sql", "-- migrate:up\n\(up)\n" + (down.map { "-- migrate:down\n\($0)\n" } ?? ""))
    }

    private func list() throws -> MigrationList { try MigrationList.folder(folder.path) }

    private func runner() throws -> MigrationRunner { MigrationRunner(try list()) { _ in } }

    /// The tables besides the history.
    private func tables() throws -> [String] {
        let rows = try connection.execute(.tables)
        return try rows.map { try $0.text(0) }.filter { $0 != "schema_migrations" }
    }
}

extension Statement {
    fileprivate static let tables = Statement(
        "test.tables",
        "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY relname")
}
