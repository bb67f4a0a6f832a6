import Glibc
import Testing

@testable import Postgres

/// What a caller learns when its server freezes, ends, or is cut off.
@Suite struct ConnectionLossTests {
    private static let sleep = Statement("sleep", "SELECT pg_sleep($1::int8)::text")
    private static let divide = Statement("divide", "SELECT 1 / $1")
    private static let processId = Statement("pid", "SELECT pg_backend_pid()")
    private static let terminate = Statement("terminate", "SELECT pg_terminate_backend($1)")

    private func isFine(_ connection: Connection) throws -> Bool {
        try connection.execute(Self.divide, [.int32(1)])[0].int32(0) == 1
    }

    @Test func aMissedDeadlineBreaksTheSession() throws {
        let connection = try TestServer.connect()
        let seconds = elapsed {
            #expect(throws: PostgresError.timedOut) { try connection.execute(Self.sleep, [.int64(10)], within: 0.3) }
        }
        #expect(seconds >= 0.3 && seconds < 0.8)
        #expect(connection.isBroken)
        #expect(throws: PostgresError.self) { try connection.execute(Self.processId) }
    }

    @Test func aFrozenBackendMissesTheDeadline() throws {
        let connection = try TestServer.connect()
        let process = try connection.execute(Self.processId)[0].int32(0)
        kill(process, SIGSTOP)
        defer { kill(process, SIGCONT) }
        let seconds = elapsed {
            #expect(throws: PostgresError.timedOut) { try isFine(connection) }
            connection.close()
        }
        #expect(seconds < 2.5)
    }

    @Test func aSessionEndedByTheServerIsNoticedWhileIdle() throws {
        let connection = try TestServer.connect()
        #expect(!connection.hasBeenClosedByServer)
        let process = try connection.execute(Self.processId)[0].int32(0)
        #expect(try TestServer.connect().execute(Self.terminate, [.int32(process)])[0].bool(0))
        #expect(eventually(within: 5) { connection.hasBeenClosedByServer })
        #expect { try connection.execute(Self.processId) } throws: { error in
            switch error as? PostgresError {
            case .unavailable, .outcomeUnknown: true
            default: false
            }
        }
        #expect(connection.isBroken)
    }

    @Test func aSessionLostWithinATransactionHasCommittedNothing() throws {
        let connection = try TestServer.connect()
        #expect {
            try connection.transaction { connection in
                let process = try connection.execute(Self.processId)[0].int32(0)
                try TestServer.connect().execute(Self.terminate, [.int32(process)])
                try connection.execute(Self.sleep, [.int64(5)])
            }
        } throws: { error in
            guard case .unavailable? = error as? PostgresError else { return false }
            return true
        }
    }

    // MARK: - Commits in doubt

    private func isUnknown(_ error: any Error) -> Bool {
        guard case .outcomeUnknown? = error as? PostgresError else { return false }
        return true
    }

    @Test func aSessionCutAfterCommitWasSentHasAnUnknownOutcome() throws {
        try TestServer.connect().execute(simple: "CREATE TABLE IF NOT EXISTS cut (n int)", within: 5)
        let proxy = try UnixProxy(to: TestServer.socketPath())
        defer { proxy.close() }
        let connection = try Connection.open(proxy.conninfo, within: 5)
        #expect {
            try connection.transaction { connection in
                try connection.execute(Statement("cut", "INSERT INTO cut VALUES (1)"))
                proxy.rule = .cutAfterForwarding("COMMIT")
            }
        } throws: { isUnknown($0) }
        #expect(connection.isBroken)
        // And it was committed all the same: that is what "unknown" is for.
        let count = Statement("cut_count", "SELECT count(*) FROM cut")
        #expect(try eventually(within: 5) { try TestServer.connect().execute(count)[0].int64(0) == 1 })
    }

    @Test func aPipelineCutAfterItWasSentHasAnUnknownOutcome() throws {
        let proxy = try UnixProxy(to: TestServer.socketPath())
        defer { proxy.close() }
        let connection = try Connection.open(proxy.conninfo, within: 5)
        proxy.rule = .cutAfterForwarding("SELECT 1 / $1")
        #expect { try connection.pipeline([Call(Self.divide, [.int32(1)])]) } throws: { isUnknown($0) }
    }

    @Test func aCommitThatIsNotAnsweredHasAnUnknownOutcome() throws {
        let proxy = try UnixProxy(to: TestServer.socketPath())
        defer { proxy.close() }
        let connection = try Connection.open(proxy.conninfo, within: 5)
        #expect {
            try connection.transaction(within: 0.5) { connection in
                try connection.execute(Self.divide, [.int32(1)])
                proxy.rule = .swallow
            }
        } throws: { isUnknown($0) }
    }

    /// The server gives a cancelled wait for a standby as a success with a WARNING of this code.
    @Test func aWarningAroundACommitMakesItsOutcomeUnknown() throws {
        let connection = try TestServer.connect()
        let warn = "DO $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication' USING ERRCODE = '01000'; END $$"
        #expect { try connection.execute(simple: warn, within: 2) } throws: { isUnknown($0) }
        #expect(connection.noticeWarnings.count == 1)
        #expect(try isFine(connection))
        #expect(connection.noticeWarnings.isEmpty)
        try connection.execute(simple: "DO $$ BEGIN RAISE NOTICE 'no matter'; END $$", within: 2)
    }
}
