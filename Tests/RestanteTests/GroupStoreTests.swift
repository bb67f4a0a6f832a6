import JSON
import Postgres
import Testing

@testable import Restante

/// One test at a time, since each has database sessions of its own.
@Suite(.serialized) final class GroupStoreTests {
    private let database: PopulatedDatabase
    private let pool: Pool
    private let groups: GroupStore
    private let invites: InviteStore

    init() throws {
        database = try PopulatedDatabase()
        pool = Pool(conninfo: database.database.conninfo, size: 2, name: "test")
        groups = GroupStore(pool: pool, identifiers: database.identifiers, limits: LimitTable())
        invites = InviteStore(pool: pool, identifiers: database.identifiers, limits: LimitTable())
    }

    deinit {
        pool.close()
    }

    private func create(by creator: Session, with others: [Session] = []) async throws -> Identifier {
        try await groups.create(name: "choir", profileStatus: "", memberIds: others.map(\.userId), by: creator).group.groupId
    }

    private func leaveAll(_ session: Session) async throws -> [Delivery] {
        try await pool.transaction { [groups] in try groups.leaveAll(by: session, on: $0) }
    }

    /// (change, userId, revision) of what a device was told of a group, in the order of its inbox.
    private func told(_ device: Session, of group: Identifier) throws -> [String] {
        try database.read(device).items.compactMap { item in
            let json = try JSON.parse(Array(item.served.utf8))
            guard json["groupId"]?.string == group.description else { return nil }
            return "\(json["change"]?.string ?? "") \(json["userId"]?.string ?? "-") \(json["revision"]?.integer ?? 0)"
        }
    }

    @Test func whoLeavesAllGroupsIsInNoneAndEveryGroupGoesOn() async throws {
        let (alice, bob, carol) = (try database.addUser(devices: 2), try database.addUser()[0], try database.addUser()[0])
        let led = try await create(by: alice[0], with: [bob, carol])
        let joined = try await create(by: bob, with: [alice[0]])
        let alone = try await create(by: alice[0])
        let others = try await create(by: bob, with: [carol])
        let deliveries = try await leaveAll(alice[0])

        #expect(try database.connection.execute(.groupsOf, [.uuid(alice[0].userId)]).isEmpty)
        #expect(try told(bob, of: led) == ["created - 1", "memberLeft \(alice[0].userId) 2", "adminChanged \(bob.userId) 3"])
        #expect(try told(carol, of: led) == ["created - 1", "memberLeft \(alice[0].userId) 2", "adminChanged \(bob.userId) 3"])
        #expect(try told(bob, of: joined) == ["memberLeft \(alice[0].userId) 2"])
        #expect(try told(carol, of: others) == ["created - 1"])
        #expect(try database.connection.execute(GroupStatements.lock, [.uuid(alone)]).isEmpty, "a group without members is gone")
        #expect(deliveries.map(\.deviceId).count(where: { $0 == bob.deviceId }) == 3)
        #expect(!deliveries.contains { $0.deviceId == alice[1].deviceId }, "the account is about to go, with all its devices")
    }

    @Test func whoIsInNoGroupLeavesNone() async throws {
        let alice = try database.addUser()[0]
        #expect(try await leaveAll(alice).isEmpty)
    }

    @Test func nobodyAddsAUserWhoIsBeingDeleted() async throws {
        let (alice, bob) = (try database.addUser()[0], try database.addUser()[0])
        let group = try await create(by: alice)
        let code = try await invites.create(for: group, by: alice)
        let adding = try database.connection.transaction(within: 20) { [groups, invites] connection in
            _ = try groups.leaveAll(by: bob, on: connection)
            let attempts = (
                Task { try await groups.add(bob.userId, to: group, by: alice) },
                Task { try await groups.create(name: "other", profileStatus: "", memberIds: [bob.userId], by: alice) },
                Task { try await invites.join(by: code, bob) }
            )
            try database.awaitLockWait(of: "")
            _ = try connection.execute(.deleteUser, [.uuid(bob.userId)])
            return attempts
        }
        await #expect(throws: GroupError.unknownUser) { try await adding.0.value }
        await #expect(throws: GroupError.unknownUser) { try await adding.1.value }
        let refused = await #expect(throws: Problem.self) { try await adding.2.value }
        #expect(refused?.code == .sessionRevoked)
        #expect(try await groups.list(of: alice.userId, after: .zero, limit: 10).groups.map(\.memberCount) == [1])
    }

    @Test func aUserWhoIsGoneMakesNoGroup() async throws {
        let alice = try database.addUser()[0]
        _ = try database.connection.execute(.deleteUser, [.uuid(alice.userId)])
        let refused = await #expect(throws: Problem.self) { try await self.create(by: alice) }
        #expect(refused?.code == .sessionRevoked)
    }

    @Test func somebodyNamedTwiceIsAMemberOnce() async throws {
        let (alice, bob) = (try database.addUser()[0], try database.addUser()[0])
        let group = try await create(by: alice, with: [bob, alice, bob])
        let page = try await groups.members(of: group, for: bob.userId, after: .zero, limit: 10)
        #expect(page.members.map(\.userId) == [alice.userId, bob.userId])
        #expect(page.members.map(\.isAdmin) == [true, false])
    }

    @Test func membersAreOfLongerStandingInTheOrderInWhichTheyCame() async throws {
        let members = try (0..<4).map { _ in try database.addUser()[0] }
        // By id, the last one is the first of those who are named.
        let group = try await create(by: members[3], with: [members[2], members[0]])
        _ = try await groups.add(members[1].userId, to: group, by: members[3])
        for (leaver, successor) in [(3, 2), (2, 0), (0, 1)] {
            _ = try await groups.leave(group, by: members[leaver])
            let left = try await groups.members(of: group, for: members[successor].userId, after: .zero, limit: 10).members
            #expect(left.filter(\.isAdmin).map(\.userId) == [members[successor].userId])
        }
    }

    @Test func aCodeIsKeptAsItsHash() async throws {
        let alice = try database.addUser()[0]
        let group = try await create(by: alice)
        let code = try await invites.create(for: group, by: alice)
        let kept = try database.connection.execute(.codeHash, [.uuid(group)])[0].bytes(0)
        #expect(kept == code.hash)
        #expect(code.text.utf8.count == 32, "192 bits of base64url")
        #expect(InviteCode(shown: code.text).hash == kept)
        #expect(InviteCode(shown: code.text + " ").hash != kept)
    }
}

extension Statement {
    fileprivate static let groupsOf = Statement("test.groups_of", "SELECT group_id FROM group_members WHERE user_id = $1::uuid")
    fileprivate static let deleteUser = Statement("test.delete_user", "DELETE FROM users WHERE user_id = $1::uuid")
    fileprivate static let codeHash = Statement("test.code_hash", "SELECT code_hash FROM group_invites WHERE group_id = $1::uuid")
}
