import JSON
import Postgres
import Synchronization
import Testing

@testable import Restante

/// The calls on a real database: what the clock and the absence of people do to them.
/// One test at a time, since each has database sessions of its own.
@Suite(.serialized) struct CallStoreTests {
    private let database: PopulatedDatabase
    private let pool: Pool
    private let calls: CallStore
    private let anna: Session
    private let bert: Session

    init() throws {
        database = try PopulatedDatabase()
        anna = try database.addUser()[0]
        bert = try database.addUser()[0]
        pool = Pool(conninfo: database.database.conninfo, size: 4, settings: DatabaseSettings.ofPool, name: "calls")
        calls = CallStore(pool: pool, identifiers: database.identifiers, limits: LimitTable())
    }

    private func execute(_ sql: String) throws {
        try database.connection.execute(simple: sql, within: 10)
    }

    private func start() async throws -> Identifier {
        try await calls.start(by: anna, to: bert.userId, kind: .voice, offer: "offer").callId
    }

    private func startAnswered() async throws -> Identifier {
        let callId = try await start()
        _ = try await calls.answer(callId, by: bert, "answer")
        return callId
    }

    /// The events and reasons that were put into inboxes, by device.
    private func told(_ deliveries: [Delivery]) -> [Identifier: [String]] {
        var told: [Identifier: [String]] = [:]
        for delivery in deliveries {
            let item = try? JSON.parse(Array(delivery.item.served.utf8))
            told[delivery.deviceId, default: []].append([item?["event"]?.string, item?["reason"]?.string].compactMap { $0 }.joined(separator: " "))
        }
        return told
    }

    /// Ends what is due; what was put into inboxes.
    private func sweep(judgesAbsence: Bool = true) async throws -> [Delivery] {
        try await Self.sweep(calls, judgesAbsence: judgesAbsence)
    }

    private static func sweep(_ calls: CallStore, judgesAbsence: Bool = true) async throws -> [Delivery] {
        let box = Box()
        try await calls.sweep(judgesAbsence: judgesAbsence) { deliveries in box.deliveries.withLock { $0 += deliveries } }
        return box.deliveries.withLock { $0 }
    }

    private final class Box: Sendable {
        let deliveries = Mutex<[Delivery]>([])
    }

    private func see(_ sessions: Session..., secondsAgo: Int = 0) throws {
        for session in sessions {
            try execute(
                """
                INSERT INTO presence VALUES ('\(session.userId)', now() - interval '\(secondsAgo) s')
                ON CONFLICT (user_id) DO UPDATE SET last_seen_at = excluded.last_seen_at
                """)
        }
    }

    @Test func aRingIsNeverServedWithoutALookIntoTheDatabase() async throws {
        let started = try await calls.start(by: anna, to: bert.userId, kind: .voice, offer: "offer")
        #expect(started.deliveries.map(\.deviceId) == [bert.deviceId])
        #expect(started.deliveries.map(\.begun) == [0], "it may be over before a poll gets it")
    }

    @Test func aSweepLeavesWhatIsNotDue() async throws {
        try see(anna, bert)
        _ = try await start()
        #expect(told(try await sweep()) == [:])
    }

    @Test func aSweepEndsARingOnceEvenIfSeveralNodesSweep() async throws {
        _ = try await start()
        try execute("UPDATE calls SET due_at = now() - interval '1 ms'")
        let calls = calls
        let deliveries = try await withThrowingTaskGroup(of: [Delivery].self) { group in
            for _ in 0..<8 { group.addTask { try await Self.sweep(calls) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(told(deliveries) == [anna.deviceId: ["ended unanswered"], bert.deviceId: ["missed"]])
        #expect(try database.read(bert).items.map(\.served).filter { $0.contains("ringing") } == [])
    }

    @Test(arguments: [true, false])
    func anAnswerAndTheEndOfTheRingAtOnceAgree(isEarly: Bool) async throws {
        let callId = try await start()
        try execute("UPDATE calls SET due_at = now() \(isEarly ? "+" : "-") interval '1 ms'")
        let (calls, bert) = (calls, bert)
        let sweeping = Task { try await Self.sweep(calls) }
        let answering = Task { try await calls.answer(callId, by: bert, "answer") }
        let swept = told(try await sweeping.value)
        switch await answering.result {
        case .success: #expect(swept == [:])
        case .failure(let error):
            #expect(error as? CallError == .over)
            #expect(swept[bert.deviceId] == ["missed"])
        }
    }

    @Test func aCallWhosePartiesAreThereGoesOn() async throws {
        _ = try await startAnswered()
        try see(anna, bert, secondsAgo: 100)
        try execute("UPDATE calls SET due_at = now()")
        #expect(told(try await sweep()) == [:])
        #expect(told(try await sweep()) == [:], "and is not looked at again at once")
    }

    @Test(arguments: [true, false])
    func aCallEndsWhenEitherPartyHasVanished(isCallerGone: Bool) async throws {
        let callId = try await startAnswered()
        try see(isCallerGone ? bert : anna)
        try see(isCallerGone ? anna : bert, secondsAgo: 200)
        try execute("UPDATE calls SET due_at = now(), answered_at = now() - interval '42 s'")
        #expect(told(try await sweep()) == [anna.deviceId: ["ended unreachable"], bert.deviceId: ["ended unreachable"]])
        #expect(try await calls.end(callId, by: anna, reason: nil).duration == 42)
    }

    @Test func whoWasNotSeenHasNotVanishedAfterAnOutage() async throws {
        _ = try await startAnswered()
        try see(anna, bert, secondsAgo: 200)
        try execute("UPDATE calls SET due_at = now()")
        #expect(told(try await sweep(judgesAbsence: false)) == [:])
        try execute("UPDATE calls SET due_at = now(); UPDATE devices SET revoked_at = now() WHERE device_id = '\(anna.deviceId)'")
        #expect(told(try await sweep(judgesAbsence: false)) == [bert.deviceId: ["ended unreachable"]], "who was removed is gone all the same")
    }

    /// As after a crash: nobody is back yet.
    @Test func aServerThatHasJustBegunJudgesNoAbsence() async throws {
        _ = try await startAnswered()
        try see(anna, bert, secondsAgo: 200)
        try execute("UPDATE calls SET due_at = now() - interval '1 s'")
        let sweep = CallSweep(store: calls, failures: .silent)
        let sweeping = Task { await sweep.run { _ in } }
        let deadline = Uptime.seconds() + 30
        while try database.count(Self.countDue) > 0 {
            try #require(Uptime.seconds() < deadline)
            try await Task.sleep(for: .milliseconds(20))
        }
        sweeping.cancel()
        #expect(try database.count(Self.countGoing) == 1)
    }

    @Test func aTurnEndsAllThatIsDueHoweverMuchItIs() async throws {
        try execute(
            """
            INSERT INTO calls (call_id, kind, state, caller_id, caller_device_id, callee_id, is_silent, due_at, answered_at, callee_device_id)
            SELECT gen_random_uuid(), 'voice', s.state, '\(anna.userId)', '\(anna.deviceId)', '\(bert.userId)', false, now() - interval '1 s',
                CASE s.state WHEN 'answered' THEN now() END, CASE s.state WHEN 'answered' THEN '\(bert.deviceId)'::uuid END
            FROM generate_series(1, 120), (VALUES ('ringing'), ('answered')) AS s(state)
            """)
        try see(anna, bert)
        #expect(told(try await sweep())[bert.deviceId]?.count == 120)
        #expect(try database.count(Self.countDue) == 0)
        #expect(try database.count(Self.countGoing) == 120, "who talks goes on talking")
    }

    @Test func withAUserWhoGoesTheirCallsEnd() async throws {
        let callId = try await startAnswered()
        #expect(told(try await calls.endAll(of: bert.userId)) == [anna.deviceId: ["ended unreachable"], bert.deviceId: ["ended unreachable"]])
        #expect(told(try await calls.endAll(of: bert.userId)) == [:])
        _ = try await calls.end(callId, by: anna, reason: nil)
        _ = try await start()
        #expect(told(try await calls.endAll(of: anna.userId)) == [anna.deviceId: ["ended unreachable"], bert.deviceId: ["missed"]])
    }

    @Test func aCallEndsWhenItHasLastedTooLong() async throws {
        _ = try await startAnswered()
        try see(anna, bert)
        try execute("UPDATE calls SET due_at = now(), answered_at = now() - interval '2 days'")
        #expect(told(try await sweep()) == [anna.deviceId: ["ended too-long"], bert.deviceId: ["ended too-long"]])
    }

    @Test func aRingEndsWithTheDeviceThatRings() async throws {
        _ = try await start()
        try execute("UPDATE devices SET revoked_at = now() WHERE device_id = '\(anna.deviceId)'")
        #expect(told(try await sweep()) == [bert.deviceId: ["missed"]])
    }

    @Test func whatWasOverAnHourAgoIsForgotten() async throws {
        let callId = try await start()
        _ = try await calls.end(callId, by: anna, reason: nil)
        try await calls.forget()
        #expect(try await calls.end(callId, by: anna, reason: nil).duration == 0)
        try execute("UPDATE calls SET ended_at = now() - interval '61 minutes'")
        try await calls.forget()
        await #expect(throws: CallError.unknownCall) { try await calls.end(callId, by: anna, reason: nil) }
    }

    @Test func withTheUserTheirCallsAreGone() async throws {
        _ = try await startAnswered()
        try execute("DELETE FROM users WHERE user_id = '\(anna.userId)'")
        #expect(try database.count(Self.countCalls) == 0)
    }

    private static let countDue = Statement("test.due", "SELECT count(*) FROM calls WHERE state <> 'over' AND due_at <= now()")
    private static let countGoing = Statement("test.going", "SELECT count(*) FROM calls WHERE state <> 'over'")
    private static let countCalls = Statement("test.calls", "SELECT count(*) FROM calls")
}
