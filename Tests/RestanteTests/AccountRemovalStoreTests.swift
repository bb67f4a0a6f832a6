import Postgres
import Synchronization
import Testing

@testable import Restante

@Suite struct AccountRemovalStoreTests {
    private let database: PopulatedDatabase
    private let anna: Session
    private let number: String

    init() throws {
        database = try PopulatedDatabase()
        anna = try database.addUser()[0]
        number = try database.connection.execute(.number, [.uuid(anna.userId)])[0].text(0)
        try database.connection.execute(
            simple: "INSERT INTO one_time_passwords VALUES ('\(number)', '', 5, now(), now() + interval '5 minutes')", within: 10)
    }

    private final class Box: Sendable {
        let outcome = Mutex<Result<[Identifier], any Error>?>(nil)
    }

    /// A login holds the number's password and then asks for the user.
    @Test func theEndOfAnAccountTakesItsLocksAsALoginDoes() throws {
        let login = try database.database.open()
        defer { login.close() }
        try login.execute(simple: "BEGIN; SELECT FROM one_time_passwords WHERE mobile_number = '\(number)' FOR UPDATE", within: 10)
        let box = Box()
        let (conninfo, userId) = (database.database.conninfo + " application_name=removal", anna.userId)
        let removal = DedicatedThread(name: "removal") {
            let outcome = Result {
                let connection = try Connection.open(conninfo, within: 10)
                defer { connection.close() }
                return try connection.transaction { try AccountRemovalStore.begin(userId, on: $0) }
            }
            box.outcome.withLock { $0 = outcome }
        }
        defer { removal.join() }
        try database.awaitLockWait(of: "removal")
        #expect(throws: Never.self) {
            try login.execute(simple: "SELECT FROM users WHERE user_id = '\(userId)' FOR UPDATE NOWAIT", within: 10)
        }
        try login.execute(simple: "ROLLBACK", within: 10)
        removal.join()
        let outcome = try #require(box.outcome.withLock { $0 })
        #expect(try outcome.get() == [anna.deviceId])
        #expect(throws: Problem.self) { try AccountRemovalStore.begin(database.identifiers.next(), on: database.connection) }
    }
}

extension Statement {
    fileprivate static let number = Statement("test.number", "SELECT mobile_number FROM users WHERE user_id = $1::uuid")
}
