import Glibc
import Synchronization
import Testing

@testable import Postgres

@Suite struct PoolTests {
    private static let processId = Statement("pid", "SELECT pg_backend_pid()")
    private static let terminate = Statement("terminate", "SELECT pg_terminate_backend($1)")
    private static let sleep = Statement("sleep", "SELECT pg_sleep($1::int8)::text")

    /// A pool whose sessions are open.
    private func pool(size: Int = 2) throws -> Pool {
        let pool = Pool(conninfo: try TestServer.conninfo(), size: size, settings: ["SET application_name = 'pool'"], name: "test")
        try #require(eventually(within: 20) { pool.statistics.connected == size })
        return pool
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

    /// Calls and waits on this thread: an `await` would also measure how busy the other tests keep Swift's threads.
    private func call(_ pool: Pool) -> (error: PostgresError?, seconds: Double) {
        let answer = Monitor<PostgresError??>(nil)
        let seconds = elapsed {
            pool.submit { session in
                answer.withLock { $0 = .some(session.failure) }
                answer.broadcast()
            }
            answer.wait(until: { _ in nil }) { $0 == nil ? nil : () }
        }
        return (answer.withLock { $0 } ?? nil, seconds)
    }

    @Test func aCallThatStandsTooLongIsTurnedAway() throws {
        let pool = try pool(size: 1)
        defer { pool.close() }
        pool.submit { session in
            do { try session.get().execute(Self.sleep, [.int64(2)], within: 4) } catch { Issue.record(error) }
        }
        #expect(eventually(within: 5) { pool.statistics.served == 1 })
        let late = call(pool)
        #expect(late.error == .tooManyWaiting)
        #expect(late.seconds >= 1 && late.seconds < 1.5)
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
        let pool = Pool(conninfo: proxy.conninfo, size: 1, name: "test")
        defer { pool.close() }
        for _ in 0..<3 {
            let answer = call(pool)
            guard case .unavailable? = answer.error else {
                Issue.record("answered \(String(describing: answer.error))")
                continue
            }
            #expect(answer.seconds <= 2.2)
        }
        proxy.rule = .forward
        #expect(eventually(within: 20) { pool.statistics.connected == 1 })
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
