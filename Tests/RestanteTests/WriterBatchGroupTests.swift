import JSON
import Postgres
import Testing

@testable import Restante

@Suite struct WriterBatchGroupTests {
    private let database: PopulatedDatabase

    init() throws {
        database = try PopulatedDatabase()
    }

    @Test func aMessageReachesEveryMemberAndTheSendersOtherDevices() throws {
        let (alice, bob, carol) = (try database.addUser(devices: 2), try database.addUser(devices: 2), try database.addUser())
        let group = try database.addGroup(of: [alice[0], bob[0], carol[0]])
        let outsider = try database.addUser()[0]
        let committed = try database.send(database.message(from: alice[0], to: .group(group)))
        let messageId = try #require(committed.sends[0].outcome.sent)
        #expect(Set(committed.deliveries.map(\.deviceId)) == Set([bob[0], bob[1], carol[0], alice[1]].map(\.deviceId)))
        for device in [bob[0], bob[1], carol[0], alice[1]] {
            let items = try database.read(device).items
            #expect(items.map(\.messageId) == [messageId])
            #expect(items.first?.text == committed.deliveries.first { $0.deviceId == device.deviceId }?.item.text)
            let item = try JSON.parse(Array((items.first?.served ?? "").utf8))
            #expect(item["direction"]?.string == (device == alice[1] ? "out" : "in"))
            #expect(item["groupId"]?.string == group.description)
        }
        #expect(try database.read(alice[0]).items.isEmpty)
        #expect(try database.read(outsider).items.isEmpty)
        #expect(try database.count(.countShared) == 0, "small copies are cheaper than a shared one")
    }

    @Test func onlyMembersSendAndAnUnknownGroupIsTheSame() throws {
        let (member, outsider) = (try database.addUser()[0], try database.addUser()[0])
        let group = try database.addGroup(of: [member])
        let committed = try database.send(
            database.message(from: outsider, to: .group(group)), database.message(from: member, to: .group(database.identifiers.next())))
        #expect(committed.sends.allSatisfy { $0.outcome.isUnknownTarget })
        #expect(try database.count(.countSent) == 0)
    }

    @Test func theSameSendAgainIsAnsweredWithTheFirstOne() throws {
        let (alice, bob) = (try database.addUser()[0], try database.addUser()[0])
        let message = try database.message(from: alice, to: .group(database.addGroup(of: [alice, bob])))
        let first = try database.deliver(message)
        #expect(try database.send(message).sends[0].outcome.replayed == first)
        let toUser = try database.message(from: alice, to: .user(bob.userId), clientMessageId: message.clientMessageId)
        #expect(try database.send(toUser).sends[0].outcome.isReused)
        #expect(try database.read(bob).items.count == 1)
    }

    @Test func aBodyWhoseCopiesWouldBeLargeIsStoredOnceAndGoneWithItsLastReader() throws {
        let members = try (0..<20).map { _ in try database.addUser()[0] }
        let content = String(repeating: "x", count: 60_000)
        let message = try database.message(from: members[0], to: .group(database.addGroup(of: members)), content)
        let messageId = try database.deliver(message)
        #expect(try database.count(.countShared) == 1)
        #expect(try database.count(.countCopies) == 0)
        for member in members.dropFirst() {
            let items = try database.read(member).items
            #expect(items.map(\.messageId) == [messageId])
            #expect(try JSON.parse(Array((items.first?.served ?? "").utf8))["content"]?.string == content)
        }
        for member in members.dropFirst().dropLast() {
            #expect(try database.acknowledge([messageId], by: member) == 1)
            #expect(try database.acknowledge([messageId], by: member) == 0, "a second acknowledgement releases nothing")
        }
        #expect(try database.count(.countShared) == 1)
        #expect(try database.read(members[19]).items.count == 1, "the last one still has it")
        _ = try database.acknowledge([messageId], by: members[19])
        #expect(try database.count(.countShared) == 0)
    }

    @Test func aSharedBodyIsReleasedByManyReadersInOneBatch() throws {
        let members = try (0..<20).map { _ in try database.addUser()[0] }
        let message = try database.message(from: members[0], to: .group(database.addGroup(of: members)), String(repeating: "x", count: 60_000))
        let messageId = try database.deliver(message)
        var tasks = members.dropFirst().map {
            PendingTask(task: .visit(InboxVisit(device: $0, acknowledge: [messageId])) { _ in }, deadline: .infinity)
        }
        _ = try database.batch.commit(&tasks, on: database.connection)
        #expect(try database.count(.countShared) == 0)
        #expect(try database.read(members[0]).items.count == 19, "a receipt from every member")
    }

    @Test func aSharedBodyIsReleasedByADeviceThatIsRemoved() async throws {
        let members = try (0..<20).map { _ in try database.addUser()[0] }
        let message = try database.message(from: members[0], to: .group(database.addGroup(of: members)), String(repeating: "x", count: 60_000))
        let messageId = try database.deliver(message)
        for member in members[1...18] { _ = try database.acknowledge([messageId], by: member) }
        let devices = DeviceStore(pool: Pool(conninfo: database.database.conninfo, size: 1, name: "test"), identifiers: database.identifiers)
        defer { devices.pool.close() }
        try await devices.remove(members[19].deviceId, of: members[19].userId)
        await devices.clearInbox(of: members[19].deviceId)
        #expect(try database.count(.countShared) == 0)
    }

    @Test func anItemWhoseSharedBodyIsMissingIsPassedOver() throws {
        let members = try (0..<20).map { _ in try database.addUser()[0] }
        let group = try database.addGroup(of: members)
        _ = try database.deliver(database.message(from: members[0], to: .group(group), String(repeating: "x", count: 60_000)))
        let small = try database.deliver(database.message(from: members[0], to: .group(group)))
        try database.connection.execute(simple: "DELETE FROM shared_items", within: 10)
        let page = try database.read(members[1])
        #expect(page.items.map(\.messageId) == [small])
        #expect(!page.hasMore)
    }

    @Test func aMemberWithSeveralDevicesGivesOneReceipt() throws {
        let (alice, bob) = (try database.addUser()[0], try database.addUser(devices: 3))
        let messageId = try database.deliver(database.message(from: alice, to: .group(database.addGroup(of: [alice, bob[0]]))))
        for device in bob { _ = try database.acknowledge([messageId], by: device) }
        #expect(try database.read(alice).items.count == 1)
        #expect(try database.count(.countUndelivered) == 0)
    }

    @Test func aWriteWhoseCommitWasNotAnsweredIsRepeatedUnderItsOwnId() throws {
        let (alice, bob) = (try database.addUser()[0], try database.addUser()[0])
        let message = try database.message(from: alice, to: .group(database.addGroup(of: [alice, bob])))
        // COMMIT takes longer than the client waits for it, and succeeds.
        try database.connection.execute(
            simple: """
                CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RETURN NULL; END';
                CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON inbox DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION linger()
                """, within: 10)
        let unlucky = try Connection.open(database.database.conninfo, settings: DatabaseSettings.ofWriter, within: 10)
        var tasks = [PendingTask(task: .send(message) { _ in }, deadline: .infinity)]
        let error = #expect(throws: PostgresError.self) { try database.batch.commitToGroups(&tasks, on: unlucky, within: 0.5) }
        guard case .outcomeUnknown = error else { throw try #require(error) }
        let messageId = try #require(tasks[0].messageId)
        try database.connection.execute(simple: "SET lock_timeout = 0", within: 10)
        #expect(try database.batch.commitToGroups(&tasks, on: database.connection, within: 10).sends[0].outcome.sent == messageId)
        #expect(try database.read(bob).items.map(\.messageId) == [messageId])
    }

    @Test func aWriteThatTheDatabaseRefusedGetsAnotherId() throws {
        let (alice, bob) = (try database.addUser()[0], try database.addUser()[0])
        let message = try database.message(from: alice, to: .group(database.addGroup(of: [alice, bob])))
        var tasks = [PendingTask(task: .send(message) { _ in }, deadline: .infinity)]
        try database.connection.execute(simple: "ALTER TABLE inbox ADD CONSTRAINT full_up CHECK (false)", within: 10)
        #expect(throws: PostgresError.self) { try database.batch.commitToGroups(&tasks, on: database.connection) }
        #expect(tasks[0].messageId == nil, "what others wrote to the group meanwhile comes before it")
    }

    @Test func idsRiseInTheOrderOfTheBatch() throws {
        let (alice, bob) = (try database.addUser()[0], try database.addUser()[0])
        let group = try database.addGroup(of: [alice, bob])
        let committed = try database.send(
            database.message(from: alice, to: .group(group), "1"), database.message(from: bob, to: .group(group), "2"),
            database.message(from: alice, to: .group(group), "3"))
        let sent = committed.sends.compactMap(\.outcome.sent)
        #expect(sent.count == 3)
        #expect(sent == sent.sorted())
    }
}

extension Statement {
    fileprivate static let countCopies = Statement("test.count_copies", "SELECT count(*) FROM inbox WHERE item IS NOT NULL")
}
