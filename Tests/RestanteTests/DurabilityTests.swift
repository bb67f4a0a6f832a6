import Postgres
import Testing

@testable import Restante

@Suite struct DurabilityTests {
    private let sound = Durability(fsync: "on", fullPageWrites: "on", synchronousCommit: "on", isStandby: false, unloggedTables: [])

    @Test func theEmbeddedDatabaseIsDurable() throws {
        let connection = try Connection.open(TestDatabase().conninfo, settings: Durability.sessionSettings, within: 10)
        #expect(try Durability.read(connection).faults == [])
    }

    @Test(arguments: ["off", "local", "remote_write"])
    func aSessionThatDoesNotWaitForTheDiskIsRefused(setting: String) throws {
        let connection = try TestDatabase().open()
        try connection.execute(simple: "SET synchronous_commit = \(setting)", within: 10)
        #expect(try Durability.read(connection).faults == ["synchronous_commit is \(setting): commits would not wait for the disk"])
    }

    @Test func whatTheRoleSaysDoesNotCount() throws {
        let database = try TestDatabase()
        try database.open().execute(simple: "ALTER DATABASE \(database.name) SET synchronous_commit = off", within: 10)
        #expect(try Durability.read(database.open()).faults.count == 1)
        let connection = try Connection.open(database.conninfo, settings: Durability.sessionSettings, within: 10)
        #expect(try Durability.read(connection).faults == [])
    }

    @Test func anUnloggedTableIsRefusedByName() throws {
        let connection = try TestDatabase().open()
        try connection.execute(simple: "CREATE UNLOGGED TABLE fast (n int)", within: 10)
        let faults = try Durability.read(connection).faults
        #expect(faults.count == 1)
        #expect(faults.first?.contains("table fast") == true)
    }

    @Test func everyRiskIsAFaultOfItsOwn() {
        #expect(sound.faults == [])
        let risky = Durability(fsync: "off", fullPageWrites: "off", synchronousCommit: "off", isStandby: true, unloggedTables: ["a", "b"])
        #expect(risky.faults.count == 6)
        #expect(risky.faults[0].contains("fsync"))
        #expect(risky.faults[1].contains("full_page_writes"))
        #expect(risky.faults[3].contains("standby"))
    }
}
