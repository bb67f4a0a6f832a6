import Postgres
import Synchronization
import Testing

@testable import Restante

/// A writer whose database is slow, locked or away: no client is left without an answer, and all who can be served are.
@Suite struct InboxWriterOverloadTests {
    private let database: PopulatedDatabase
    private let alice: Session
    private let bob: Session

    init() throws {
        database = try PopulatedDatabase()
        alice = try database.addUser()[0]
        bob = try database.addUser()[0]
    }

    /// What became of the tasks, and how large the batches were.
    private final class Record: Sendable {
        let outcomes = Mutex<[Result<SendOutcome, any Error>]>([])
        let batches = Mutex<[Int]>([])

        var sent: Int { outcomes.withLock { $0.filter { (try? $0.get())?.sent != nil }.count } }
        var errors: [PostgresError] {
            outcomes.withLock { outcomes in
                outcomes.compactMap { outcome in if case .failure(let error) = outcome { error as? PostgresError } else { nil } }
            }
        }
    }

    private func enqueue(_ count: Int, to target: OutgoingMessage.Target, in writer: InboxWriter, _ record: Record) throws {
        for _ in 0..<count {
            try writer.enqueue(.send(database.message(from: alice, to: target)) { outcome in record.outcomes.withLock { $0.append(outcome) } })
        }
    }

    /// Works until everything is told, and returns how many seconds that took.
    private func run(_ writer: InboxWriter, _ record: Record) -> Double {
        let start = Uptime.seconds()
        writer.start(
            InboxWriter.Listener(deliver: { deliveries in record.batches.withLock { $0.append(deliveries.count) } }, reconnected: {}))
        writer.close()
        return Uptime.seconds() - start
    }

    /// A transaction of somebody else's that holds this lock until the connection is closed.
    private func lock(_ statement: String) throws -> Connection {
        let other = try database.database.open()
        try other.execute(simple: "BEGIN; \(statement)", within: 10)
        return other
    }

    @Test func allWhoWaitForALockedTableAreToldInTime() throws {
        let (writer, record) = (database.makeWriter(), Record())
        let other = try lock("LOCK TABLE sent_messages IN ACCESS EXCLUSIVE MODE")
        defer { other.close() }
        try enqueue(8, to: .user(bob.userId), in: writer, record)
        let seconds = run(writer, record)
        #expect(record.errors.map { Problem($0).code } == Array(repeating: .unavailable, count: 8))
        #expect(seconds < 5, "2.5 s of patience and the attempt that was under way: together, not one after the other")
    }

    @Test func aLockThatIsSoonReleasedCostsNobodyAnything() throws {
        let (writer, record) = (database.makeWriter(), Record())
        let other = try lock("LOCK TABLE sent_messages IN ACCESS EXCLUSIVE MODE")
        try enqueue(8, to: .user(bob.userId), in: writer, record)
        writer.start(InboxWriter.Listener(deliver: { _ in }, reconnected: {}))
        try database.awaitLockWait(of: "writer")
        other.close()
        writer.close()
        #expect(record.sent == 8)
    }

    @Test func allWhoWaitForASlowDatabaseAreToldInTime() throws {
        try slowDown(.seconds(30), sendsOf: alice)
        let (writer, record) = (database.makeWriter(), Record())
        try enqueue(8, to: .user(bob.userId), in: writer, record)
        let seconds = run(writer, record)
        #expect(record.errors.count == 8)
        #expect(seconds < 5)
    }

    @Test func allWhoWaitForADatabaseThatIsAwayAreToldInTime() throws {
        let writer = InboxWriter(name: "test", batch: database.batch, logger: .silent) { () throws(PostgresError) in throw .unavailable("away") }
        let record = Record()
        try enqueue(8, to: .user(bob.userId), in: writer, record)
        let seconds = run(writer, record)
        #expect(record.errors == Array(repeating: .unavailable("away"), count: 8))
        #expect(seconds < 5)
    }

    @Test func whatNobodyWaitsForAnyMoreEndsInTheDatabaseToo() throws {
        let connection = try Connection.open(database.database.conninfo, settings: DatabaseSettings.ofWriter, within: 10)
        defer { connection.close() }
        let start = Uptime.seconds()
        let error = #expect(throws: PostgresError.self) { try connection.execute(Statement("test.sleep", "SELECT pg_sleep(20)"), within: 15) }
        #expect(error?.state == .queryCanceled)
        #expect(Uptime.seconds() - start < 10)
    }

    @Test func messagesToAGroupOfWhichNothingIsKnownAreWrittenAFewAtATime() throws {
        let group = try database.addGroup(of: [alice, bob])
        let (writer, record) = (database.makeWriter(), Record())
        try enqueue(40, to: .group(group), in: writer, record)
        _ = run(writer, record)
        #expect(record.sent == 40)
        let first = try #require(record.batches.withLock { $0.first })
        #expect(first <= 20, "each may be a thousand rows")
    }

    @Test func aBatchForALargeGroupIsNoLargerThanOthersOnceItsSizeIsKnown() throws {
        let members = try (0..<10).map { _ in try database.addUser(devices: 10)[0] }
        let group = try database.addGroup(of: [alice] + members)
        let (writer, record) = (database.makeWriter(), Record())
        try enqueue(40, to: .group(group), in: writer, record)
        _ = run(writer, record)
        #expect(record.sent == 40)
        #expect(record.batches.withLock { $0.suffix(3).allSatisfy { $0 <= 500 } }, "five messages of a hundred rows each")
    }

    @Test func aBatchThatIsTooMuchForItsTimeIsCutUntilItIsNot() throws {
        // Ten messages at a time take longer than a batch may; two do not.
        try slowDown(.milliseconds(150), sendsOf: alice)
        let (writer, record) = (database.makeWriter(), Record())
        try enqueue(10, to: .user(bob.userId), in: writer, record)
        _ = run(writer, record)
        #expect(record.sent > 0, "together they would have failed together")
    }

    @Test func oneTaskThatWaitsForALockDoesNotTakeAllOthersWithIt() throws {
        let (writer, record) = (database.makeWriter(), Record())
        let message = try database.message(from: alice, to: .user(bob.userId))
        // Somebody else is writing the same send, and does not get done.
        let other = try lock(
            """
            INSERT INTO sent_messages VALUES ((now() AT TIME ZONE 'UTC')::date, '\(alice.userId)', '\(message.clientMessageId)', '\(bob.userId)', '')
            """)
        defer { other.close() }
        try writer.enqueue(.send(message) { outcome in record.outcomes.withLock { $0.append(outcome) } })
        try enqueue(8, to: .user(bob.userId), in: writer, record)
        _ = run(writer, record)
        #expect(record.sent == 8, "all but the bad one")
        #expect(record.outcomes.withLock { $0.count } == 9)
    }

    @Test func whoWaitsForARowFailsAsThatAndKeepsTheConnection() throws {
        let message = try database.message(from: alice, to: .user(bob.userId))
        var tasks = [PendingTask(task: .send(message) { _ in }, deadline: .infinity)]
        let other = try lock("LOCK TABLE sent_messages IN ACCESS EXCLUSIVE MODE")
        defer { other.close() }
        let error = #expect(throws: PostgresError.self) { try database.batch.commit(&tasks, on: database.connection, within: 1.5) }
        #expect(error?.state == .lockNotAvailable)
        #expect(!database.connection.isBroken)
        let problem = try Problem(#require(error))
        #expect(problem.code == .unavailable, "it will pass")
        #expect((1...3).contains(try #require(problem.retryAfter)))
    }

    /// Each message of this sender takes so long to be written.
    private func slowDown(_ duration: Duration, sendsOf sender: Session) throws {
        try database.connection.execute(
            simple: """
                CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(\(duration / .seconds(1))); RETURN NULL; END';
                CREATE TRIGGER linger AFTER INSERT ON inbox FOR EACH ROW WHEN (NEW.sender_id = '\(sender.userId)') EXECUTE FUNCTION linger()
                """, within: 10)
    }
}
