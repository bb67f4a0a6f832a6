import JSON
import Postgres
import Testing

@testable import Restante

/// The calls on a real database: what the clock and the absence of people do to them.
@Suite struct CallStoreTests {
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
        #expect(told(try await calls.sweep()) == [:])
    }

    @Test func aSweepEndsARingOnceEvenIfSeveralNodesSweep() async throws {
        _ = try await start()
        try execute("UPDATE calls SET due_at = now() - interval '1 ms'")
        let calls = calls
        let deliveries = try await withThrowingTaskGroup(of: [Delivery].self) { group in
            for _ in 0..<8 { group.addTask { try await calls.sweep() } }
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
        let sweeping = Task { try await calls.sweep() }
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
        #expect(told(try await calls.sweep()) == [:])
        #expect(told(try await calls.sweep()) == [:], "and is not looked at again at once")
    }

    @Test(arguments: [true, false])
    func aCallEndsWhenEitherPartyHasVanished(isCallerGone: Bool) async throws {
        let callId = try await startAnswered()
        try see(isCallerGone ? bert : anna)
        try see(isCallerGone ? anna : bert, secondsAgo: 200)
        try execute("UPDATE calls SET due_at = now(), answered_at = now() - interval '42 s'")
        #expect(told(try await calls.sweep()) == [anna.deviceId: ["ended unreachable"], bert.deviceId: ["ended unreachable"]])
        #expect(try await calls.end(callId, by: anna, reason: nil).duration == 42)
    }

    @Test func aCallEndsWhenItHasLastedTooLong() async throws {
        _ = try await startAnswered()
        try see(anna, bert)
        try execute("UPDATE calls SET due_at = now(), answered_at = now() - interval '2 days'")
        #expect(told(try await calls.sweep()) == [anna.deviceId: ["ended too-long"], bert.deviceId: ["ended too-long"]])
    }

    @Test func aRingEndsWithTheDeviceThatRings() async throws {
        _ = try await start()
        try execute("UPDATE devices SET revoked_at = now() WHERE device_id = '\(anna.deviceId)'")
        #expect(told(try await calls.sweep()) == [bert.deviceId: ["missed"]])
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

    private static let countCalls = Statement("test.calls", "SELECT count(*) FROM calls")
}
