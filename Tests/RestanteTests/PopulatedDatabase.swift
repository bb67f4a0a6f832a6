import Logging
import Postgres

@testable import Restante

/// A database with the project's schema, in which a test puts users, devices and groups, and one writer's session on it.
final class PopulatedDatabase {
    let database: TestDatabase
    /// Set as a writer's session is.
    let connection: Connection
    let batch: WriterBatch
    let identifiers = IdentifierGenerator()
    private var users = 0

    init(retentionDays: Int = 30) throws {
        database = try TestDatabase()
        let owner = try database.open()
        try MigrationRunner(.embedded()) { _ in }.up(owner)
        try owner.execute(simple: "SELECT rotate_sent_messages(24)", within: 10)
        owner.close()
        connection = try Connection.open(database.conninfo, settings: DatabaseSettings.ofWriter + ["SET statement_timeout = '60s'"], within: 10)
        batch = WriterBatch(retentionDays: retentionDays, identifiers: identifiers)
    }

    deinit {
        connection.close()
    }

    /// A new user; a session for each device, in the order of the devices' ids.
    func addUser(devices count: Int = 1) throws -> [Session] {
        users += 1
        let userId = identifiers.next()
        try connection.execute(Self.insertUser, [.uuid(userId), .text("+49\(1_000_000 + users)")])
        return try (0..<count).map { _ in
            let session = Session(userId: userId, deviceId: identifiers.next(), sessionId: identifiers.next())
            try connection.execute(Self.insertDevice, [.uuid(session.deviceId), .uuid(userId)])
            return session
        }
    }

    /// A new group of these users.
    func addGroup(of members: [Session]) throws -> Identifier {
        let groupId = identifiers.next()
        try connection.execute(Self.insertGroup, [.uuid(groupId), .uuid(members[0].userId), .int32(Int32(members.count))])
        for member in members { try connection.execute(Self.insertMember, [.uuid(groupId), .uuid(member.userId)]) }
        return groupId
    }

    /// A writer that has not started yet; its connections are named so that a test can find them.
    func makeWriter(settings: [String] = DatabaseSettings.ofWriter) -> InboxWriter {
        let (conninfo, named) = (database.conninfo, settings + ["SET application_name = 'writer'"])
        return InboxWriter(name: "test", batch: batch, logger: .silent) { () throws(PostgresError) in
            try Connection.open(conninfo, settings: named, within: 5)
        }
    }

    /// A message as the endpoint makes it.
    func message(
        from sender: Session, to target: OutgoingMessage.Target, _ content: String = "Hello", clientMessageId: Identifier? = nil
    ) throws -> OutgoingMessage {
        let own = clientMessageId ?? identifiers.next()
        let body = #"{"to": "\#(target.identifier)", "type": "TEXT", "content": "\#(content)", "clientMessageId": "\#(own)"}"#
        return try MessageRequest(.test(body: body), targetName: "to", limits: LimitTable()).outgoing(from: sender, to: target)
    }

    /// Writes all of these in one batch.
    @discardableResult
    func send(_ messages: OutgoingMessage...) throws -> CommittedBatch {
        var tasks = messages.map { PendingTask(task: .send($0) { _ in }, deadline: .infinity) }
        if tasks.contains(where: \.isForGroup) { return try batch.commitToGroups(&tasks, on: connection) }
        return try batch.commit(&tasks, on: connection)
    }

    /// Sends one message that is new, and returns its id.
    func deliver(_ message: OutgoingMessage) throws -> Identifier {
        guard let messageId = try send(message).sends[0].outcome.sent else { throw NotSent() }
        return messageId
    }

    /// Makes all of these visits in one batch.
    @discardableResult
    func visit(_ visits: InboxVisit...) throws -> CommittedBatch {
        var tasks = visits.map { PendingTask(task: .visit($0) { _ in }, deadline: .infinity) }
        return try batch.commit(&tasks, on: connection)
    }

    /// What a poll of this device is served.
    func read(_ device: Session, _ query: InboxQuery = InboxQuery()) throws -> VisitOutcome {
        try visit(InboxVisit(device: device, read: query)).visits[0].outcome
    }

    func acknowledge(_ messageIds: [Identifier], by device: Session) throws -> Int {
        try visit(InboxVisit(device: device, acknowledge: messageIds)).visits[0].outcome.acknowledged
    }

    /// Waits until a session of this name waits for a lock.
    func awaitLockWait(of application: String) throws {
        let deadline = Uptime.seconds() + 60
        while try connection.execute(Self.countLockWaits, [.text(application)])[0].int64(0) == 0 {
            guard Uptime.seconds() < deadline else { throw NobodyWaits() }
        }
    }

    /// How many rows a table has.
    func count(_ statement: Statement) throws -> Int64 {
        try connection.execute(statement)[0].int64(0)
    }

    private struct NotSent: Error {}
    private struct NobodyWaits: Error {}

    private static let countLockWaits = Statement(
        "test.lock_waits",
        """
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1::text AND wait_event_type = 'Lock'
        """)

    private static let insertUser = Statement("test.user", "INSERT INTO users (user_id, mobile_number) VALUES ($1::uuid, $2::text)")
    private static let insertDevice = Statement(
        "test.device", "INSERT INTO devices (device_id, user_id, name, type) VALUES ($1::uuid, $2::uuid, 'test', 'cli')")
    private static let insertGroup = Statement(
        "test.group",
        "INSERT INTO groups (group_id, name, created_by, member_count, revision) VALUES ($1::uuid, 'test', $2::uuid, $3::int4, 1)")
    private static let insertMember = Statement(
        "test.member", "INSERT INTO group_members (group_id, user_id, is_admin, joined_at) VALUES ($1::uuid, $2::uuid, false, now())")
}

extension Statement {
    static let countInbox = Statement("test.count_inbox", "SELECT count(*) FROM inbox")
    static let countShared = Statement("test.count_shared", "SELECT count(*) FROM shared_items")
    static let countUndelivered = Statement("test.count_undelivered", "SELECT count(*) FROM undelivered")
    static let countSent = Statement("test.count_sent", "SELECT count(*) FROM sent_messages")
}

extension SendOutcome {
    /// The id of a message that was written now.
    var sent: Identifier? { if case .sent(let messageId) = self { messageId } else { nil } }
    /// The id of a message that was written before.
    var replayed: Identifier? { if case .replayed(let messageId) = self { messageId } else { nil } }
    var isReused: Bool { if case .reused = self { true } else { false } }
    var isUnknownTarget: Bool { if case .unknownTarget = self { true } else { false } }
}

extension InboxItem {
    /// The item as a client gets it.
    var served: String {
        var bytes: [UInt8] = []
        write(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
