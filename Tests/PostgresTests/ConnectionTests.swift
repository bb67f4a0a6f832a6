import Glibc
import Testing

@testable import Postgres

@Suite struct ConnectionTests {
    private static let sleep = Statement("sleep", "SELECT pg_sleep($1::int8)::text")
    private static let insert = Statement("insert", "INSERT INTO t SELECT * FROM unnest($1::int4[])")
    private static let insertOne = Statement("insert_one", "INSERT INTO t VALUES ($1)")
    private static let count = Statement("count", "SELECT count(*) FROM t")
    private static let divide = Statement("divide", "SELECT 1 / $1")

    /// A session with a table `t(n int PRIMARY KEY)` that only it sees.
    private func connectionWithTable() throws -> Connection {
        let connection = try TestServer.connect()
        try connection.execute(simple: "CREATE TEMPORARY TABLE t (n int CONSTRAINT t_key PRIMARY KEY)", within: 5)
        return connection
    }

    private func isFine(_ connection: Connection) throws -> Bool {
        try connection.execute(Statement("fine", "SELECT $1"), [.int32(7)])[0].int32(0) == 7
    }

    // MARK: - Opening

    @Test func settingsAreInForce() throws {
        let connection = try TestServer.connect(settings: ["SET application_name = 'office'", "SET statement_timeout = '3s'"])
        let name = Statement("name", "SELECT current_setting('application_name') || current_setting('statement_timeout')")
        #expect(try connection.execute(name)[0].text(0) == "office3s")
    }

    @Test func aSettingThatIsRefusedFailsTheOpening() throws {
        #expect { try TestServer.connect(settings: ["SET no_such_setting = 1"]) } throws: {
            ($0 as? PostgresError)?.state == SQLState("42704")
        }
    }

    @Test func nobodyListening() {
        #expect { try Connection.open("host=/nonexistent", within: 1) } throws: { error in
            guard case .unavailable? = error as? PostgresError else { return false }
            return true
        }
    }

    @Test func aHostThatAcceptsButNeverAnswersMissesTheDeadline() throws {
        let proxy = try UnixProxy(to: TestServer.socketPath())
        defer { proxy.close() }
        proxy.rule = .swallow
        let seconds = elapsed {
            #expect(throws: PostgresError.self) { try Connection.open(proxy.conninfo, within: 0.3) }
        }
        #expect(seconds >= 0.3 && seconds < 0.8)
    }

    // MARK: - Statements

    @Test func affectedCountsRows() throws {
        let connection = try connectionWithTable()
        #expect(try connection.execute(Self.insert, [.int32s([1, 2, 3])]).affected == 3)
        #expect(try connection.execute(Self.insert, [.int32s([])]).affected == 0)
        let delete = Statement("delete", "DELETE FROM t WHERE n = ANY($1) RETURNING n")
        let rows = try connection.execute(delete, [.int32s([2, 3, 4])])
        #expect(rows.affected == 2)
        #expect(try rows.map { try $0.int32(0) }.sorted() == [2, 3])
    }

    @Test func anErrorNamesItsStateAndConstraintAndTheSessionGoesOn() throws {
        let connection = try connectionWithTable()
        try connection.execute(Self.insertOne, [.int32(1)])
        #expect { try connection.execute(Self.insertOne, [.int32(1)]) } throws: { error in
            guard case .server(.uniqueViolation, let message, "t_key")? = error as? PostgresError else { return false }
            return message.contains("t_key")
        }
        #expect(try isFine(connection))
    }

    @Test func aStatementThatCannotBePreparedIsTriedAgainNextTime() throws {
        let connection = try TestServer.connect()
        let late = Statement("late", "SELECT n FROM late_table")
        #expect { try connection.execute(late) } throws: { ($0 as? PostgresError)?.state == .undefinedTable }
        try connection.execute(simple: "CREATE TEMPORARY TABLE late_table AS SELECT 5 AS n", within: 2)
        #expect(try connection.execute(late)[0].int32(0) == 5)
    }

    @Test func oneNameCannotStandForTwoTexts() throws {
        let connection = try TestServer.connect()
        try connection.execute(Statement("same", "SELECT 1"))
        #expect { try connection.execute(Statement("same", "SELECT 2")) } throws: { error in
            guard case .misuse? = error as? PostgresError else { return false }
            return true
        }
    }

    @Test func readingWhatIsNotThereThrows() throws {
        let row = try #require(TestServer.connect().execute(Statement("row", "SELECT 1::int4, NULL::text")).first)
        for read: (Row) throws -> Void in [
            { _ = try $0.int32(2) }, { _ = try $0.int32(-1) }, { _ = try $0.int16(0) }, { _ = try $0.text(0) },
            { _ = try $0.text(1) }, { _ = try $0.uuid(0) }, { _ = try $0.int32s(0) }, { _ = try $0.timestamp(0) },
        ] {
            #expect { try read(row) } throws: { error in
                guard case .decoding? = error as? PostgresError else { return false }
                return true
            }
        }
        #expect(try row.optionalText(1) == nil)
    }

    @Test func rowsOutliveTheirSession() throws {
        let rows = try TestServer.connect().execute(Statement("rows", "SELECT generate_series(1, 1000)::int4"))
        #expect(try rows.reduce(0) { try $0 + Int($1.int32(0)) } == 500_500)
    }

    @Test func copyIsRefused() throws {
        let connection = try TestServer.connect()
        #expect(throws: PostgresError.self) { try connection.execute(simple: "COPY (SELECT 1) TO STDOUT", within: 2) }
        #expect(throws: PostgresError.self) { try TestServer.connect().execute(Statement("copy", "COPY (SELECT 1) TO STDOUT")) }
    }

    // MARK: - Pipelines

    @Test func aPipelineAnswersEachCallInOrder() throws {
        let connection = try connectionWithTable()
        let results = try connection.pipeline([
            Call(Self.insert, [.int32s([1, 2])]), Call(Self.count), Call(Self.insert, [.int32s([3])]), Call(Self.count),
        ])
        #expect(results.map(\.affected) == [2, 1, 1, 1])
        #expect(try results[1][0].int64(0) == 2)
        #expect(try results[3][0].int64(0) == 3)
        #expect(try connection.pipeline([]).isEmpty)
    }

    @Test func aPipelineIsOneRoundTrip() throws {
        let proxy = try UnixProxy(to: TestServer.socketPath())
        defer { proxy.close() }
        let connection = try Connection.open(proxy.conninfo, within: 5)
        let before = proxy.turns
        _ = try connection.pipeline((0..<20).map { Call(Self.divide, [.int32($0 + 1)]) })
        #expect(proxy.turns == before + 1)
    }

    @Test func oneFailureUndoesThePipelineAndTheSessionGoesOn() throws {
        let connection = try connectionWithTable()
        #expect {
            try connection.pipeline([
                Call(Self.insert, [.int32s([1])]), Call(Self.divide, [.int32(0)]), Call(Self.insertOne, [.int32(2)]),
            ])
        } throws: { ($0 as? PostgresError)?.state == SQLState("22012") }
        #expect(try connection.execute(Self.count)[0].int64(0) == 0)
        // What was skipped is prepared now, what was prepared stays so.
        #expect(try connection.pipeline([Call(Self.insertOne, [.int32(2)]), Call(Self.divide, [.int32(1)])]).count == 2)
    }

    @Test func aConstraintThatFailsAtCommitUndoesThePipeline() throws {
        let connection = try TestServer.connect()
        try connection.execute(simple: "CREATE TEMPORARY TABLE d (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)", within: 2)
        let insert = Statement("deferred", "INSERT INTO d VALUES (1), (1)")
        #expect { try connection.pipeline([Call(insert)]) } throws: { ($0 as? PostgresError)?.state == .uniqueViolation }
        #expect(try isFine(connection))
    }

    @Test func manyMegabytesGoBothWaysWithoutBlocking() throws {
        let connection = try TestServer.connect()
        let echo = Statement("echo_bytes", "SELECT $1")
        let large = [UInt8](repeating: 7, count: 1 << 20)
        let results = try connection.pipeline((0..<16).map { _ in Call(echo, [.bytes(large)]) }, within: 20)
        #expect(try results.allSatisfy { try $0[0].bytes(0) == large })
    }

    // MARK: - Transactions

    @Test func aTransactionCommitsAndAnErrorRollsItBack() throws {
        struct Changed: Error {}
        let connection = try connectionWithTable()
        let value = try connection.transaction { try $0.execute(Self.insert, [.int32s([1, 2])]).affected }
        #expect(value == 2)
        #expect(throws: Changed.self) {
            try connection.transaction { connection in
                try connection.execute(Self.insertOne, [.int32(3)])
                throw Changed()
            }
        }
        #expect(!connection.isInTransaction)
        #expect(try connection.execute(Self.count)[0].int64(0) == 2)
    }

    @Test func aSwallowedErrorDoesNotPassForACommit() throws {
        let connection = try connectionWithTable()
        #expect(throws: PostgresError.self) {
            try connection.transaction { connection in
                try connection.execute(Self.insertOne, [.int32(1)])
                _ = try? connection.execute(Self.divide, [.int32(0)])
            }
        }
        #expect(try connection.execute(Self.count)[0].int64(0) == 0)
    }

    @Test func transactionsDoNotNest() throws {
        let connection = try TestServer.connect()
        #expect(throws: PostgresError.self) { try connection.transaction { try $0.transaction { _ in } } }
        #expect(try isFine(connection))
    }

    @Test func theDeadlineOfATransactionBindsItsStatements() throws {
        let connection = try TestServer.connect()
        let seconds = elapsed {
            #expect(throws: PostgresError.timedOut) {
                try connection.transaction(within: 0.2) { try $0.execute(Self.sleep, [.int64(5)], within: 5) }
            }
        }
        #expect(seconds < 0.7)
        #expect(connection.isBroken)
    }
}
