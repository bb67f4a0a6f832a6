import Postgres
import Testing

@testable import Restante

/// Who may see media that messages name: those for whom the message was written, and nobody for whom it was not.
@Suite struct WriterBatchMediaTests {
    private let database: PopulatedDatabase
    private let alice: [Session]
    private let bob: Session
    private let mediaId: Identifier

    init() throws {
        database = try PopulatedDatabase()
        alice = try database.addUser(devices: 2)
        bob = try database.addUser()[0]
        mediaId = database.identifiers.next()
        try database.connection.execute(
            simple: """
                INSERT INTO media_blobs (sha256, size) VALUES ('x', 1);
                INSERT INTO media (media_id, uploader_id, sha256, size, content_type, is_ready)
                VALUES ('\(mediaId)', '\(alice[0].userId)', 'x', 1, 'image/png', true)
                """, within: 10)
    }

    private func message(
        from sender: Session? = nil, to target: OutgoingMessage.Target, _ content: String = "Look", clientMessageId: Identifier? = nil
    ) throws -> OutgoingMessage {
        var message = try database.message(from: sender ?? alice[0], to: target, content, clientMessageId: clientMessageId)
        message.mediaId = mediaId
        return message
    }

    /// Those who were given the right to see it.
    private func viewers() throws -> Set<Identifier> {
        Set(try database.connection.execute(.grants).map { try $0.uuid(0) })
    }

    private func block() throws {
        try database.connection.execute(
            simple: "INSERT INTO blocks (user_id, blocked_id) VALUES ('\(bob.userId)', '\(alice[0].userId)')", within: 10)
    }

    @Test func theRecipientSeesIt() throws {
        _ = try database.deliver(message(to: .user(bob.userId)))
        #expect(try viewers() == [bob.userId])
        _ = try database.deliver(message(to: .user(bob.userId)))
    }

    @Test func allMembersOfAGroupSeeItAndNobodyElse() throws {
        let (carol, outsider) = (try database.addUser()[0], try database.addUser()[0])
        let group = try database.addGroup(of: [alice[0], bob, carol])
        let other = try database.addGroup(of: [outsider])
        _ = try database.send(message(to: .group(group)), message(to: .group(other)))
        #expect(try viewers() == [alice[0].userId, bob.userId, carol.userId])
    }

    @Test func whoHasBlockedTheSenderDoesNotNorByALaterRepetition() throws {
        try block()
        let message = try message(to: .user(bob.userId))
        let first = try database.deliver(message)
        #expect(try viewers() == [])
        try database.connection.execute(simple: "DELETE FROM blocks", within: 10)
        #expect(try database.send(message).sends[0].outcome.replayed == first)
        #expect(try viewers() == [])
    }

    @Test func whatWasNotWrittenShowsNothing() throws {
        let carol = try database.addUser()[0]
        let group = try database.addGroup(of: [alice[0], carol])
        let plain = try database.message(from: alice[0], to: .user(bob.userId))
        _ = try database.deliver(plain)
        let reused = try message(to: .user(bob.userId), "Another", clientMessageId: plain.clientMessageId)
        #expect(try database.send(reused).sends[0].outcome.isReused)
        let toGroup = try message(to: .group(group), clientMessageId: plain.clientMessageId)
        #expect(try database.send(toGroup).sends[0].outcome.isReused)
        #expect(try database.send(message(to: .user(database.identifiers.next()))).sends[0].outcome.isUnknownTarget)
        #expect(try viewers() == [])
    }

    @Test func anEncryptedMessageShowsItToWhomItWasWrittenFor() throws {
        let group = try database.addGroup(of: [alice[0], bob])
        func sealed(_ target: OutgoingMessage.Target, for devices: [Session]) throws -> OutgoingMessage {
            var message = try message(to: target)
            message.ciphertexts = .each(devices.map { DeviceCiphertext(deviceId: $0.deviceId, registrationId: 1, text: []) })
            return message
        }
        try database.giveKeys(to: bob)
        let refused = [try sealed(.user(bob.userId), for: []), try sealed(.group(group), for: [])]
        for message in refused {
            guard case .devicesChanged = try database.send(message).sends[0].outcome else { throw Accepted() }
        }
        #expect(try viewers() == [])
        _ = try database.deliver(sealed(.group(group), for: [bob]))
        #expect(try viewers() == [alice[0].userId, bob.userId])
        try database.connection.execute(simple: "DELETE FROM media_grants", within: 10)
        _ = try database.deliver(sealed(.user(bob.userId), for: [bob]))
        #expect(try viewers() == [bob.userId])
        try database.connection.execute(simple: "DELETE FROM media_grants", within: 10)
        try block()
        _ = try database.deliver(sealed(.user(bob.userId), for: [bob]))
        #expect(try viewers() == [])
    }

    @Test func mediaThatIsGoneHoldsNoMessageUp() throws {
        try database.connection.execute(simple: "DELETE FROM media", within: 10)
        _ = try database.deliver(message(to: .user(bob.userId)))
        #expect(try viewers() == [])
    }

    private struct Accepted: Error {}
}

extension Statement {
    fileprivate static let grants = Statement("test.grants", "SELECT user_id FROM media_grants")
}
