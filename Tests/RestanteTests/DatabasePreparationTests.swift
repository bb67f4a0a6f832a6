import Postgres
import Testing

@testable import Restante

@Suite struct DatabasePreparationTests {
    private let connection: Connection

    init() throws {
        connection = try TestDatabase().open()
    }

    @Test func theServersOwnDatabaseIsMigrated() throws {
        try prepare(isEmbedded: true)
        #expect(try SchemaState.read(connection, .embedded()).refusal == nil)
        try prepare(isEmbedded: true)
    }

    @Test func anyOtherDatabaseIsLeftAloneAndRefusedWhileItIsOlder() throws {
        let error = #expect(throws: DatabaseUnfit.self) { try prepare(isEmbedded: false) }
        #expect(error?.faults.count == 1)
        #expect(error?.description.contains("restante migrate up") == true)
        #expect(try SchemaHistory.read(connection).isEmpty)

        try MigrationRunner(.embedded()) { _ in }.up(connection)
        try prepare(isEmbedded: false)
    }

    @Test func aDatabaseThatTakesRisksIsRefusedWhoeverRunsIt() throws {
        try connection.execute(simple: "SET synchronous_commit = off", within: 10)
        let error = #expect(throws: DatabaseUnfit.self) { try prepare(isEmbedded: true) }
        #expect(error?.faults.first?.contains("synchronous_commit is off") == true)
    }

    private func prepare(isEmbedded: Bool) throws {
        try DatabasePreparation.prepare(connection, isEmbedded: isEmbedded, .embedded()) { _ in }
    }
}
