import JSON
import Postgres
import Testing

@testable import Restante

@Suite struct WriterBatchEncryptedTests {
    private let database: PopulatedDatabase
    private let alice: [Session]
    private let bob: [Session]

    init() throws {
        database = try PopulatedDatabase()
        alice = try database.addUser(devices: 2)
        bob = try database.addUser(devices: 3)
        for device in [alice[1], bob[0], bob[1]] { try database.giveKeys(to: device) }
    }

    private func changes(_ outcome: SendOutcome) -> DeviceChanges? {
        if case .devicesChanged(let changes) = outcome { changes } else { nil }
    }

    private func messageToBob(_ devices: [Session], registrationId: Int64 = 1, clientMessageId: Identifier? = nil) throws -> OutgoingMessage {
        try database.encrypted(
            from: alice[0], to: .user(bob[0].userId), for: devices, registrationId: registrationId, clientMessageId: clientMessageId)
    }

    @Test func eachDeviceWithKeysGetsItsOwnText() throws {
        let devices = [bob[1], alice[1], bob[0]]
        let committed = try database.send(messageToBob(devices))
        let messageId = try #require(committed.sends[0].outcome.sent)
        #expect(Set(committed.deliveries.map(\.deviceId)) == Set(devices.map(\.deviceId)))
        for device in devices {
            let items = try database.read(device).items
            #expect(items.map(\.messageId) == [messageId])
            let delivered = committed.deliveries.first { $0.deviceId == device.deviceId }
            #expect(items.first?.text == delivered?.item.text, "a poll is answered with what a later read would serve")
            let item = try JSON.parse(Array((items.first?.served ?? "").utf8))
            #expect(item["ciphertext"]?["body"]?.string == database.sealed(for: device))
            #expect(item["content"] == nil)
            #expect(item["direction"]?.string == (device == alice[1] ? "out" : "in"))
            #expect(item["to"]?.string == (device == alice[1] ? bob[0].userId.description : nil))
        }
        #expect(try database.read(bob[2]).items.isEmpty, "a device without keys can read nothing")
    }

    @Test func whatIsNotExactIsNotWrittenAndSaysWhatIsWrong() throws {
        let outsider = try database.addUser()[0]
        try database.giveKeys(to: outsider)
        let committed = try database.send(
            messageToBob([bob[0]]), messageToBob([bob[0], bob[1], alice[1], outsider]), messageToBob([bob[0], bob[1], alice[1], bob[2]]),
            messageToBob([bob[0], bob[1], alice[1]], registrationId: 2))
        #expect(changes(committed.sends[0].outcome) == DeviceChanges(missing: [alice[1].deviceId, bob[1].deviceId]))
        #expect(changes(committed.sends[1].outcome) == DeviceChanges(extra: [outsider.deviceId]))
        #expect(changes(committed.sends[2].outcome) == DeviceChanges(extra: [bob[2].deviceId]))
        #expect(changes(committed.sends[3].outcome) == DeviceChanges(stale: [alice[1], bob[0], bob[1]].map(\.deviceId)))
        #expect(committed.deliveries.isEmpty)
        #expect(try database.count(.countSent) == 0 && database.count(.countInbox) == 0)
    }

    @Test func oneThatIsNotExactHarmsNoOtherOfItsBatch() throws {
        let exact = [bob[0], bob[1], alice[1]]
        let committed = try database.send(
            messageToBob(exact), messageToBob([]), database.message(from: alice[0], to: .user(bob[0].userId)), messageToBob(exact))
        #expect(committed.sends.compactMap(\.outcome.sent).count == 3)
        #expect(committed.sends.compactMap { changes($0.outcome) } == [DeviceChanges(missing: exact.map(\.deviceId).sorted())])
        #expect(try database.read(bob[0]).items.count == 3)
    }

    @Test func whatWasSentStaysSentWhenTheDevicesChange() throws {
        let message = try messageToBob([bob[0], bob[1], alice[1]])
        let first = try database.deliver(message)
        try database.giveKeys(to: bob[2])
        #expect(try database.send(message).sends[0].outcome.replayed == first)
        let other = try messageToBob([bob[0]], clientMessageId: message.clientMessageId)
        #expect(try database.send(other).sends[0].outcome.isReused)
    }

    @Test func aWriteThatIsRepeatedUnderItsOwnIdIsSentAndNotReplayed() throws {
        var tasks = [PendingTask(task: .send(try messageToBob([bob[0], bob[1], alice[1]])) { _ in }, deadline: .infinity)]
        _ = try database.batch.commit(&tasks, on: database.connection)
        let messageId = try #require(tasks[0].messageId)
        #expect(try database.batch.commit(&tasks, on: database.connection).sends[0].outcome.sent == messageId)
        #expect(try database.read(bob[0]).items.count == 1)
    }

    @Test func aBlockedSenderIsAnsweredAlikeAndReachesNobodyElse() throws {
        try database.connection.execute(
            simple: "INSERT INTO blocks (user_id, blocked_id) VALUES ('\(bob[0].userId)', '\(alice[0].userId)')", within: 10)
        let committed = try database.send(messageToBob([bob[0]]), messageToBob([bob[0], bob[1], alice[1]]))
        #expect(changes(committed.sends[0].outcome) == DeviceChanges(missing: [alice[1].deviceId, bob[1].deviceId]))
        #expect(committed.sends[1].outcome.sent != nil)
        #expect(committed.deliveries.map(\.deviceId) == [alice[1].deviceId])
        #expect(try database.count(.countUndelivered) == 0)
        #expect(try database.read(bob[0]).items.isEmpty)
    }

    @Test func aGroupMessageNeedsEveryMembersDevicesAndIsWrittenOnceForEach() throws {
        let group = try database.addGroup(of: [alice[0], bob[0]])
        let devices = [alice[1], bob[0], bob[1]]
        let some = try database.encrypted(from: alice[0], to: .group(group), for: [bob[0]])
        #expect(try changes(database.send(some).sends[0].outcome) == DeviceChanges(missing: [alice[1].deviceId, bob[1].deviceId]))
        let committed = try database.send(database.encrypted(from: alice[0], to: .group(group), for: devices))
        #expect(committed.sends[0].outcome.sent != nil)
        for device in devices {
            let item = try JSON.parse(Array((try database.read(device).items.first?.served ?? "").utf8))
            #expect(item["ciphertext"]?["body"]?.string == database.sealed(for: device))
            #expect(item["groupId"]?.string == group.description)
        }
        #expect(try database.count(.countUndelivered) == 1, "bob's devices share one receipt")
    }

    @Test func aDeviceThatIsRemovedSendsNothingMore() throws {
        try database.connection.execute(simple: "UPDATE devices SET revoked_at = now() WHERE device_id = '\(alice[0].deviceId)'", within: 10)
        let outcome = try database.send(messageToBob([bob[0], bob[1], alice[1]])).sends[0].outcome
        guard case .senderGone = outcome else { return #expect(Bool(false), "\(outcome)") }
        #expect(try database.count(.countInbox) == 0)
    }

    @Test func onlyMembersSendToAGroup() throws {
        let group = try database.addGroup(of: [bob[0]])
        let message = try database.encrypted(from: alice[0], to: .group(group), for: [bob[0], bob[1], alice[1]])
        #expect(try database.send(message).sends[0].outcome.isUnknownTarget)
    }

    @Test func aThousandMembersGetTheirOwnInOneSend() throws {
        let members = try database.addMembers(1_023)
        let group = try database.addGroup(of: [alice[0]] + members)
        let message = try database.encrypted(from: alice[0], to: .group(group), for: [alice[1]] + members)
        let committed = try database.send(message)
        #expect(committed.sends[0].outcome.sent != nil)
        #expect(committed.deliveries.count == 1_024)
        #expect(try database.count(.countInbox) == 1_024)
        #expect(try database.read(members[1_000]).items.first?.served.contains(database.sealed(for: members[1_000])) == true)
    }

    @Test func aLargeOneForAllIsStoredOnceAndCounted() throws {
        let members = try database.addMembers(20)
        let group = try database.addGroup(of: [alice[0], bob[0]] + members)
        let body = String(repeating: "AAAA", count: 20_000)
        let messageId = try database.deliver(database.sharedCiphertext(from: alice[0], to: group, body))
        #expect(try database.count(.countShared) == 1)
        for member in members + [bob[0], bob[1]] {
            #expect(try database.read(member).items.first?.served.contains(body) == true)
            #expect(try database.acknowledge([messageId], by: member) == 1)
        }
        #expect(try database.count(.countShared) == 0, "bob's device without keys is not waited for")
    }
}

extension PopulatedDatabase {
    /// Users with a device each, which has keys.
    fileprivate func addMembers(_ count: Int) throws -> [Session] {
        try (0..<count).map { _ in
            let member = try addUser()[0]
            try giveKeys(to: member)
            return member
        }
    }

    /// What `encrypted` seals for a device, in base64.
    fileprivate func sealed(for device: Session) -> String {
        Base64.encode(Array(device.deviceId.description.utf8))
    }

    fileprivate func encrypted(
        from sender: Session, to target: OutgoingMessage.Target, for devices: [Session], registrationId: Int64 = 1, clientMessageId: Identifier? = nil
    ) throws -> OutgoingMessage {
        let ciphertexts = devices.map { device in
            #"{"deviceId": "\#(device.deviceId)", "registrationId": \#(registrationId), "type": "MESSAGE", "body": "\#(sealed(for: device))"}"#
        }
        let members = #""ciphertexts": [\#(ciphertexts.joined(separator: ","))]"#
        return try message(members, from: sender, to: target, clientMessageId ?? identifiers.next())
    }

    fileprivate func sharedCiphertext(from sender: Session, to group: Identifier, _ body: String) throws -> OutgoingMessage {
        try message(#""ciphertext": {"type": "SENDER_KEY", "body": "\#(body)"}"#, from: sender, to: .group(group), identifiers.next())
    }

    private func message(
        _ members: String, from sender: Session, to target: OutgoingMessage.Target, _ clientMessageId: Identifier
    ) throws -> OutgoingMessage {
        let name = target.isGroup ? "groupId" : "to"
        let body = #"{"\#(name)": "\#(target.identifier)", "type": "TEXT", "clientMessageId": "\#(clientMessageId)", \#(members)}"#
        return try MessageRequest(.test(body: body), targetName: name, limits: LimitTable()).outgoing(from: sender, to: target)
    }
}
