import Logging
import Postgres
import Synchronization
import Testing

@testable import Restante

/// Push on a real database, with a push service that only keeps what it gets.
@Suite final class PushTests {
    private let database: PopulatedDatabase
    private let pool: Pool
    private let alice: Session
    private let bob: Session
    private let service = KeepingProvider()

    init() throws {
        database = try PopulatedDatabase()
        pool = Pool(conninfo: database.database.conninfo, size: 2, settings: DatabaseSettings.ofPool, name: "test")
        alice = try database.addUser()[0]
        bob = try database.addUser()[0]
    }

    deinit {
        pool.close()
    }

    private func makeStore(delay: Int = 1, services: [PushService] = [.fcm]) -> WakeUpStore {
        WakeUpStore(pool: pool, delaySeconds: delay, services: services)
    }

    private func makePush(isPolling: @escaping @Sendable (Identifier) -> Bool = { _ in false }, ringPatience: Duration = .zero) -> Push {
        Push([.fcm: service], store: makeStore(), isPolling: isPolling, ringPatience: ringPatience, metrics: Metrics(operations: []), logger: .silent)
    }

    private func register(_ tokens: String..., type: PushService = .fcm, for device: Session) throws {
        try PushTokenStore.replace(
            of: device.deviceId, with: tokens.map { PushToken(token: $0, type: type, deviceInfo: nil) }, on: database.connection)
    }

    private func send() throws -> Identifier { try database.deliver(database.message(from: alice, to: .user(bob.userId))) }

    private func candidate(_ messageId: Identifier?) -> [WakeUpCandidate] { [WakeUpCandidate(deviceId: bob.deviceId, messageId: messageId)] }

    private func tokens() throws -> [String] {
        try database.connection.execute(Statement.pushTokens, [.uuid(bob.deviceId)]).map { try $0.text(0) }
    }

    @Test func aDeviceIsClaimedOnceForAMessageThatWaits() async throws {
        try register("t", for: bob)
        let messageId = try send()
        let claims = try await makeStore().claim(candidate(messageId))
        #expect(claims.map(\.messageId) == [messageId])
        #expect(claims.map { $0.tokens.map(\.token) } == [["t"]])
        #expect(try await makeStore().claim(candidate(messageId)) == [])
    }

    @Test func twoNodesThatAskAtOnceHaveOneClaim() async throws {
        try register("t", for: bob)
        let messageId = try send()
        let (store, candidates) = (makeStore(), candidate(messageId))
        let claims = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 { group.addTask { try await store.claim(candidates).count } }
            return try await group.reduce(0, +)
        }
        #expect(claims == 1)
    }

    @Test func nobodyIsClaimedWithoutATokenOrWithOneOfAnotherServiceOrForWhatIsGone() async throws {
        let messageId = try send()
        #expect(try await makeStore().claim(candidate(messageId)) == [])
        try register("t", type: .apn, for: bob)
        #expect(try await makeStore().claim(candidate(messageId)) == [])
        #expect(try database.acknowledge([messageId], by: bob) == 1)
        #expect(try await makeStore(services: [.apn]).claim(candidate(messageId)) == [])
    }

    @Test func whatWasSettledStaysSoUntilTheDeviceHasComeAndWhatFailedComesAgain() async throws {
        try register("t", for: bob)
        let store = makeStore()
        let first = try send()
        let claim = try await store.claim(candidate(first))[0]
        try await store.settle([WakeUpSettlement(deviceId: bob.deviceId, messageId: claim.messageId, retryAfter: nil)], removing: [])
        let second = try send()
        #expect(try await store.claim(candidate(second)) == [], "it was woken a moment ago, and has not come")

        try database.connection.execute(Statement.ageWakeUps, [.int32(2)])
        #expect(try database.acknowledge([first], by: bob) == 1)
        #expect(try await store.claim(candidate(second)).map(\.messageId) == [second], "it has come")
        try await store.settle([WakeUpSettlement(deviceId: bob.deviceId, messageId: second, retryAfter: 0)], removing: [])
        #expect(try await store.claim(candidate(second)) == [], "not at once")
        try database.connection.execute(Statement.ageWakeUps, [.int32(120)])
        #expect(try await store.claim(candidate(second)).map(\.messageId) == [second], "nobody has told it yet")
    }

    @Test func aServiceMayBeAwayForDays() async throws {
        try register("t", for: bob)
        let store = makeStore()
        let messageId = try send()
        for attempt in 1...12 {
            let claims = try await store.claim(candidate(messageId))
            #expect(claims.count == 1, "attempt \(attempt)")
            try await store.settle([WakeUpSettlement(deviceId: bob.deviceId, messageId: messageId, retryAfter: 0)], removing: [])
            try database.connection.execute(Statement.ageWakeUps, [.int32(7_200)])
        }
    }

    @Test func whatIsNewNeedNotWaitForTheRetryOfWhatIsOld() async throws {
        try register("t", for: bob)
        let store = makeStore()
        let claim = try await store.claim(candidate(try send()))[0]
        try await store.settle([WakeUpSettlement(deviceId: bob.deviceId, messageId: claim.messageId, retryAfter: 3_000)], removing: [])
        let next = try send()
        #expect(try await store.claim(candidate(next)) == [], "not at once")
        try database.connection.execute(Statement.ageWakeUps, [.int32(90)])
        #expect(try await store.claim(candidate(next)).map(\.messageId) == [next])
        try database.connection.execute(Statement.ageWakeUps, [.int32(30)])
        #expect(try await store.claim(candidate(try send())) == [], "that claim is being worked at")
    }

    @Test func theWalkAsksForTheOldestMessageNotForTheNewest() async throws {
        try register("t", for: bob)
        let old = try send()
        try database.connection.execute(Statement.ageMessage, [.uuid(old), .uuid(Identifier(high: old.high - 600_000 << 16, low: old.low))])
        let young = try send()
        #expect(try await makeStore(delay: 300).claim(candidate(nil)).map(\.messageId) == [young])
    }

    @Test func theWalkFindsOldMessagesButNoReceiptsAndNoneThatAreYoung() async throws {
        try register("t", for: bob)
        let store = makeStore(delay: 300)
        _ = try send()
        #expect(try await store.claim(candidate(nil)) == [])
        #expect(try await makeStore(delay: 0).claim(candidate(nil)).count == 1)

        try register("a", for: alice)
        let own = try database.deliver(database.message(from: bob, to: .user(alice.userId)))
        #expect(try database.acknowledge([own], by: alice) == 1)
        #expect(try database.read(bob).items.count == 2, "the message and the receipt")
        #expect(try database.acknowledge(database.read(bob).items.map(\.messageId).filter { $0 < own }, by: bob) == 1)
        try database.connection.execute(Statement.ageWakeUps, [.int32(7_200)])
        #expect(try await makeStore(delay: 0).claim(candidate(nil)) == [])
    }

    @Test func theWalkGoesThroughAllDevicesAndRests() async throws {
        let devices = try (0..<3).map { _ in try database.addUser()[0] }
        for device in devices { try register("t-\(device.deviceId)", for: device) }
        let store = makeStore(delay: 0)
        #expect(try await store.nextPage() == devices.map(\.deviceId).sorted())
        #expect(try await store.nextPage() == [], "it rests")
        try await store.beginRound()
        try database.connection.execute(Statement.hurryRound)
        #expect(try await store.nextPage().count == 3)
    }

    @Test func aVoidTokenIsRemovedUnlessItWasRegisteredSince() async throws {
        try register("old", "new", for: bob)
        let now = Timestamp.now().milliseconds
        let void = [VoidToken(token: "old", since: now + 60_000), VoidToken(token: "new", since: now - 60_000)]
        try await makeStore().settle([], removing: void)
        #expect(try tokens() == ["new"])
    }

    @Test func tokensOfDevicesThatNobodyHasSeenForLongAreRemoved() async throws {
        try register("t", for: bob)
        try PushTokenStore.removeStale(of: [bob.deviceId], on: database.connection)
        #expect(try tokens() == ["t"])
        try database.connection.execute(Statement.ageDevice, [.uuid(bob.deviceId)])
        try PushTokenStore.removeStale(of: [bob.deviceId], on: database.connection)
        #expect(try tokens() == [])
    }

    @Test func aRingWakesAtOnceWhoeverWasWokenLately() async throws {
        try register("t", for: bob)
        let message = try send()
        _ = try await makeStore().claim(candidate(message))
        let push = makePush()
        push.wakeNow(ring(bob, message))
        #expect(try await service.first(1).map(\.urgency) == [.call])
        push.wakeNow(ring(bob, message))
        #expect(try await service.first(2).count == 2)
    }

    @Test func aRingTakesNoMessagesPlace() async throws {
        try register("t", for: bob)
        let message = try send()
        makePush().wakeNow(ring(bob, message))
        #expect(try await service.first(1).map(\.urgency) == [.call])
        #expect(try await makeStore().claim(candidate(message)).map(\.messageId) == [message])
    }

    @Test func aRingThatWasHeardElsewhereWakesNobody() async throws {
        try register("t", for: bob)
        try register("a", for: alice)
        let (heard, other) = (try send(), try database.deliver(database.message(from: bob, to: .user(alice.userId))))
        let push = makePush(ringPatience: .milliseconds(500))
        push.wakeNow(ring(bob, heard) + ring(alice, other))
        #expect(try database.acknowledge([heard], by: bob) == 1)
        #expect(try await service.first(1).map(\.token) == ["a"])
    }

    private func ring(_ device: Session, _ messageId: Identifier) -> [PushArrival] { [PushArrival(deviceId: device.deviceId, messageId: messageId)] }

    @Test func aRingDoesNotWakeWhoPolls() async throws {
        try register("t", for: bob)
        try register("a", for: alice)
        let polling = bob.deviceId
        let (here, other) = (try send(), try database.deliver(database.message(from: bob, to: .user(alice.userId))))
        makePush(isPolling: { $0 == polling }).wakeNow(ring(bob, here) + ring(alice, other))
        #expect(try await service.first(1).map(\.token) == ["a"])
    }

    @Test func ofTwoNodesThatWorkAtOnceOneSends() async throws {
        try register("t", for: bob)
        let nodes = [makePush(), makePush()]
        let tasks = nodes.map { node in Task { await node.run() } }
        defer { for task in tasks { task.cancel() } }
        for node in nodes { node.arrived([PushArrival(deviceId: bob.deviceId, messageId: try send())]) }
        #expect(try await service.first(1) == [WakeUp(token: "t", urgency: .message)])
        // The other one's turn has come within this time.
        try await Task.sleep(for: .seconds(2))
        #expect(service.kept.withLock { $0.count } == 1)
    }

    @Test func withoutAServiceNothingIsDone() async {
        let push = Push([:], store: makeStore(services: []), isPolling: { _ in false }, metrics: Metrics(operations: []), logger: .silent)
        #expect(!push.isOn)
        push.wakeNow(ring(bob, .zero))
        await push.run()
        #expect(push.waiting == 0)
    }
}

/// Takes every push and keeps it.
private final class KeepingProvider: PushProvider {
    struct NotWithinTime: Error {}
    let kept = Mutex<[WakeUp]>([])

    func send(_ wakeUp: WakeUp) async -> PushOutcome {
        kept.withLock { $0.append(wakeUp) }
        return .accepted
    }

    /// Waits until so many came.
    func first(_ count: Int) async throws -> [WakeUp] {
        let deadline = Uptime.seconds() + 60
        while Uptime.seconds() < deadline {
            let wakeUps = kept.withLock { $0 }
            if wakeUps.count >= count { return wakeUps }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw NotWithinTime()
    }
}

extension Statement {
    fileprivate static let pushTokens = Statement("test.push_tokens", "SELECT token FROM push_tokens WHERE device_id = $1::uuid ORDER BY token")
    fileprivate static let ageWakeUps = Statement(
        "test.age_wake_ups",
        "UPDATE wake_ups SET woken_at = woken_at - make_interval(secs => $1::int4), retry_at = retry_at - make_interval(secs => $1::int4)")
    fileprivate static let hurryRound = Statement("test.hurry_round", "UPDATE push_round SET next_at = now()")
    fileprivate static let ageMessage = Statement("test.age_message", "UPDATE inbox SET message_id = $2::uuid WHERE message_id = $1::uuid")
    fileprivate static let ageDevice = Statement(
        "test.age_device",
        """
        WITH old AS (UPDATE push_tokens SET registered_at = now() - interval '271 days' WHERE device_id = $1::uuid)
        UPDATE devices SET last_seen_at = now() - interval '271 days' WHERE device_id = $1::uuid
        """)
}
