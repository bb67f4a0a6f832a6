import Glibc
import Synchronization
import Testing

@testable import Postgres

@Suite struct PoolTests {
    private static let processId = Statement("pid", "SELECT pg_backend_pid()")
    private static let terminate = Statement("terminate", "SELECT pg_terminate_backend($1)")
    private static let sleep = Statement("sleep", "SELECT pg_sleep($1::int8)::text")

    private func pool(size: Int = 2, conninfo: String? = nil) throws -> Pool {
        Pool(conninfo: try conninfo ?? TestServer.conninfo(), size: size, settings: ["SET application_name = 'pool'"], name: "test")
    }

    @Test func aCallGivesBackWhatItsBodyReturnsOrThrows() async throws {
        struct Own: Error {}
        let pool = try pool()
        defer { pool.close() }
        #expect(try await pool.run { try $0.execute(Self.processId)[0].int32(0) } > 0)
        await #expect(throws: Own.self) { try await pool.run { _ in throw Own() } }
        #expect(try await pool.transaction { $0.isInTransaction })
        #expect(pool.statistics.served == 3)
    }

    @Test func callsRunOnTheThreadsOfThePool() async throws {
        let pool = try pool(size: 1)
        defer { pool.close() }
        let names = try await (pool.run { _ in threadName() }, pool.run { _ in threadName() })
        #expect(names == ("test-0", "test-0"))
    }

    @Test func manyCallsAtOnceAreAllServed() async throws {
        let pool = try pool()
        defer { pool.close() }
        let served = try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 0..<150 { group.addTask { try await pool.run { try $0.execute(Self.processId)[0].int32(0) } } }
            return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
        }
        #expect((1...2).contains(served.count))
    }

    @Test func aSessionThatTheServerEndedIsReplacedBeforeTheNextCall() async throws {
        let pool = try pool(size: 1)
        defer { pool.close() }
        let first = try await pool.run { try $0.execute(Self.processId)[0].int32(0) }
        try TestServer.connect().execute(Self.terminate, [.int32(first)])
        #expect(eventually(within: 5) { kill(first, 0) != 0 })
        #expect(try await pool.run { try $0.execute(Self.processId)[0].int32(0) } != first)
    }

    @Test func aBodyThatLeavesATransactionOpenLosesItsSession() async throws {
        let pool = try pool(size: 1)
        defer { pool.close() }
        let first = try await pool.run { connection in
            try connection.execute(simple: "BEGIN", within: 1)
            return try connection.execute(Self.processId)[0].int32(0)
        }
        #expect(try await pool.run { try $0.execute(Self.processId)[0].int32(0) } != first)
    }

    @Test func aCallThatStandsTooLongIsTurnedAway() async throws {
        let pool = try pool(size: 1)
        defer { pool.close() }
        async let long = pool.run { _ = try $0.execute(Self.sleep, [.int64(2)], within: 4) }
        #expect(eventually(within: 5) { pool.statistics.served == 1 })
        let start = Deadline.now
        await #expect(throws: PostgresError.tooManyWaiting) { try await pool.run { _ in } }
        let seconds = Double(Deadline.now.nanoseconds - start.nanoseconds) / 1e9
        #expect(seconds >= 1 && seconds < 1.5)
        try await long
    }

    @Test func theTwoHundredAndFirstInLineIsRefusedAtOnce() throws {
        let pool = try pool(size: 1)
        let gate = Monitor(false)
        pool.submit { _ in _ = gate.wait(until: { _ in nil }) { $0 ? true : nil } }
        #expect(eventually(within: 5) { pool.statistics.served == 1 })
        let answers = Mutex<[PostgresError?]>([])
        for _ in 0..<201 {
            pool.submit { session in answers.withLock { $0.append(session.failure) } }
        }
        #expect(answers.withLock { $0 } == [.tooManyWaiting])
        gate.withLock { $0 = true }
        gate.broadcast()
        pool.close()
        #expect(answers.withLock { $0.count } == 201)
    }

    @Test func withoutADatabaseCallsFailSoonAndWithItTheyComeBack() async throws {
        let proxy = try UnixProxy(to: TestServer.socketPath())
        defer { proxy.close() }
        proxy.rule = .swallow
        let pool = try pool(size: 1, conninfo: proxy.conninfo)
        defer { pool.close() }
        for _ in 0..<3 {
            let start = Deadline.now
            await #expect {
                try await pool.run { _ in }
            } throws: { error in
                guard case .unavailable? = error as? PostgresError else { return false }
                return true
            }
            #expect(Double(Deadline.now.nanoseconds - start.nanoseconds) / 1e9 <= 2.2)
        }
        proxy.rule = .forward
        #expect(eventually(within: 5) { pool.statistics.connected == 1 })
        #expect(try await pool.run { try $0.execute(Self.processId).count } == 1)
    }

    @Test func transactionsThatConflictAreRunAgain() async throws {
        let pool = try pool()
        defer { pool.close() }
        let runs = Atomic<Int>(0)
        let fail = Statement("conflict", "DO $$ BEGIN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END $$")
        try await pool.transaction { connection in
            if runs.add(1, ordering: .relaxed).newValue < 3 { try connection.execute(fail) }
        }
        #expect(runs.load(ordering: .relaxed) == 3)
        await #expect { try await pool.transaction { _ = try $0.execute(fail) } } throws: {
            ($0 as? PostgresError)?.state == .serializationFailure
        }
    }

    @Test func aClosedPoolRefusesAndMayBeClosedAgain() async throws {
        let pool = try pool()
        pool.close()
        pool.close()
        await #expect(throws: PostgresError.unavailable("the pool is closed")) { try await pool.run { _ in } }
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { return error }
        return nil
    }
}

private func threadName() -> String {
    String(decoding: readFile("/proc/thread-self/comm") ?? [], as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
}
