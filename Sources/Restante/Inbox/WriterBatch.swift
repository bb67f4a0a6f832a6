import Postgres

/// A task in the writer's hands: when its client stops waiting, and the message id that it keeps over retries.
struct PendingTask: Sendable {
    let task: WriterTask
    /// Seconds of uptime.
    let deadline: Double
    var messageId: Identifier?

    /// About how many rows it writes, for the size of a batch.
    var weight: Int {
        switch task {
        // A message to a group is as many rows as there are devices in it, which only the database knows.
        case .send: isForGroup ? 32 : 2
        case .visit(let visit, _): 1 + visit.acknowledge.count
        }
    }

    var isForGroup: Bool {
        if case .send(let message, _) = task, case .group = message.target { return true }
        return false
    }
}

/// An item and the device in whose inbox it was just committed.
struct Delivery: Sendable {
    let deviceId: Identifier
    let item: InboxItem
    /// In nanoseconds of uptime: the item was written after this moment.
    let begun: UInt64
}

/// What a committed batch leaves to be done: whom to tell what.
struct CommittedBatch {
    var sends: [(message: OutgoingMessage, completion: @Sendable (Result<SendOutcome, any Error>) -> Void, outcome: SendOutcome)] = []
    var visits: [(completion: @Sendable (Result<VisitOutcome, any Error>) -> Void, outcome: VisitOutcome)] = []
    var deliveries: [Delivery] = []
}

/// Writes a batch of tasks in one transaction.
struct WriterBatch {
    let retentionDays: Int
    /// Copies of one body beyond these bytes are stored once.
    static let sharedBytes: Int64 = 1 << 20
    /// A page of the inbox ends with the item that passes these bytes.
    static let pageBytes: Int64 = 256 << 10

    let identifiers: IdentifierGenerator
    /// Whether the day may change while a batch is written, on any node's clock.
    var isNearMidnight: @Sendable () -> Bool = { Timestamp.now().isNearMidnight(seconds: 60) }

    /// Messages from user to user, acknowledgements and reads: one pipeline, one round trip.
    func commit(_ tasks: inout [PendingTask], on connection: Connection, within seconds: Double = 2) throws(PostgresError) -> CommittedBatch {
        let sends = assignIdentifiers(&tasks)
        let visits = tasks.compactMap { task -> Visit? in
            guard case .visit(let visit, let completion) = task.task else { return nil }
            return Visit(visit: visit, completion: completion)
        }
        var calls = sends.isEmpty || !isNearMidnight() ? [] : [lock(sends)]
        let sendIndex = append(sends.isEmpty ? nil : .init(InboxStatements.send, columns(of: sends)), to: &calls)
        let acknowledgeIndex = append(acknowledgement(of: visits), to: &calls)
        if acknowledgeIndex != nil { calls.append(.init(InboxStatements.release)) }
        let readIndex = append(read(of: visits), to: &calls)
        let begun = Uptime.nanoseconds()
        let results = try connection.pipeline(calls, within: seconds)

        var committed = CommittedBatch()
        if let sendIndex { try resolve(sends, results[sendIndex], begun, on: connection, into: &committed) }
        var outcomes = [VisitOutcome](repeating: VisitOutcome(), count: visits.count)
        if let acknowledgeIndex { try countAcknowledged(results[acknowledgeIndex], begun, &outcomes, &committed) }
        if let readIndex { try collectItems(results[readIndex], visits, &outcomes) }
        committed.visits = zip(visits, outcomes).map { ($0.completion, $1) }
        return committed
    }

    /// Messages to groups. Their ids are made while the groups are locked, so a message and a change of the membership have one order for everybody.
    func commitToGroups(_ tasks: inout [PendingTask], on connection: Connection, within seconds: Double = 2) throws -> CommittedBatch {
        let groups = tasks.compactMap { task -> Identifier? in
            guard case .send(let message, _) = task.task, case .group(let group) = message.target else { return nil }
            return group
        }
        var pending = tasks
        let begun = Uptime.nanoseconds()
        let (sends, rows): ([Send], Rows)
        do {
            (sends, rows) = try connection.transaction(within: seconds) { connection in
                _ = try connection.execute(InboxStatements.lockGroups, [.uuids(Array(Set(groups)))])
                let sends = assignIdentifiers(&pending)
                if isNearMidnight() { _ = try connection.pipeline([lock(sends)]) }
                return (sends, try connection.execute(InboxStatements.sendToGroup, columns(of: sends) + [.int64(Self.sharedBytes)]))
            }
        } catch PostgresError.outcomeUnknown(let reason) {
            // Under the same ids the next attempt finds what this one may have written.
            tasks = pending
            throw PostgresError.outcomeUnknown(reason)
        }
        var committed = CommittedBatch()
        try resolve(sends, rows, begun, on: connection, into: &committed)
        return committed
    }
}

/// A send of the batch with its id.
private struct Send {
    let message: OutgoingMessage
    let messageId: Identifier
    let completion: @Sendable (Result<SendOutcome, any Error>) -> Void
}

private struct Visit {
    let visit: InboxVisit
    let completion: @Sendable (Result<VisitOutcome, any Error>) -> Void
}

extension WriterBatch {
    private func append(_ call: Postgres.Call?, to calls: inout [Postgres.Call]) -> Int? {
        guard let call else { return nil }
        calls.append(call)
        return calls.count - 1
    }

    private func assignIdentifiers(_ tasks: inout [PendingTask]) -> [Send] {
        var sends: [Send] = []
        for index in tasks.indices {
            guard case .send(let message, let completion) = tasks[index].task else { continue }
            let messageId = tasks[index].messageId ?? identifiers.next()
            tasks[index].messageId = messageId
            sends.append(Send(message: message, messageId: messageId, completion: completion))
        }
        return sends
    }

    private func lock(_ sends: [Send]) -> Postgres.Call {
        .init(InboxStatements.lockSends, [.uuids(sends.map(\.message.sender.userId)), .uuids(sends.map(\.message.clientMessageId))])
    }

    private func columns(of sends: [Send]) -> [Parameter] {
        [
            .uuids(sends.map(\.messageId)), .uuids(sends.map(\.message.sender.userId)), .uuids(sends.map(\.message.sender.deviceId)),
            .uuids(sends.map(\.message.target.identifier)), .uuids(sends.map(\.message.clientMessageId)),
            .byteArrays(sends.map(\.message.fingerprint)), .byteArrays(sends.map(\.message.body)),
        ]
    }

    private func acknowledgement(of visits: [Visit]) -> Postgres.Call? {
        var rows: [(device: Identifier, message: Identifier, user: Identifier, request: Int32, receipt: Identifier)] = []
        for (request, visit) in visits.enumerated() where !visit.visit.acknowledge.isEmpty {
            // One request acknowledges as one; the database makes one receipt for each sender in it, each with an id from here.
            for messageId in Set(visit.visit.acknowledge) {
                rows.append((visit.visit.device.deviceId, messageId, visit.visit.device.userId, Int32(request), identifiers.next()))
            }
        }
        guard !rows.isEmpty else { return nil }
        // In one order everywhere, so that two batches that touch the same rows wait for each other instead of both.
        rows.sort { ($0.device, $0.message) < ($1.device, $1.message) }
        return .init(
            InboxStatements.acknowledge,
            [
                .uuids(rows.map(\.device)), .uuids(rows.map(\.message)), .uuids(rows.map(\.user)), .int32s(rows.map(\.request)),
                .uuids(rows.map(\.receipt)),
            ])
    }

    private func read(of visits: [Visit]) -> Postgres.Call? {
        let readers = visits.enumerated().compactMap { request, visit in visit.visit.read.map { (Int32(request), visit.visit.device.deviceId, $0) } }
        guard !readers.isEmpty else { return nil }
        return .init(
            InboxStatements.read,
            [
                .int32s(readers.map(\.0)), .uuids(readers.map(\.1)), .int32s(readers.map { Int32($0.2.limit + 1) }),
                .uuids(readers.map(\.2.after)), .optionalUUIDs(readers.map(\.2.channel)), .int64(Self.pageBytes), .int32(Int32(retentionDays)),
            ])
    }

    private func resolve(
        _ sends: [Send], _ rows: Rows, _ begun: UInt64, on connection: Connection, into committed: inout CommittedBatch
    ) throws(PostgresError) {
        var accepted: [Identifier: (recipients: [Identifier], own: [Identifier])] = [:]
        for row in rows {
            let devices = (recipients: try row.uuids(1), own: try row.uuids(2))
            accepted[try row.uuid(0), default: ([], [])].recipients += devices.recipients
            accepted[try row.uuid(0), default: ([], [])].own += devices.own
        }
        let others = sends.filter { accepted[$0.messageId] == nil }
        let found = others.isEmpty ? [:] : try find(others, on: connection)
        for send in sends {
            if let devices = accepted[send.messageId] {
                deliver(send, devices.recipients, devices.own, begun, into: &committed)
                committed.sends.append((send.message, send.completion, .sent(send.messageId)))
            } else {
                committed.sends.append((send.message, send.completion, found[send.messageId] ?? .unknownTarget))
            }
        }
    }

    private func find(_ sends: [Send], on connection: Connection) throws(PostgresError) -> [Identifier: SendOutcome] {
        let rows = try connection.execute(
            InboxStatements.findSends,
            [.uuids(sends.map(\.messageId)), .uuids(sends.map(\.message.sender.userId)), .uuids(sends.map(\.message.clientMessageId))])
        let fingerprints = Dictionary(uniqueKeysWithValues: sends.map { ($0.messageId, $0.message.fingerprint) })
        var outcomes: [Identifier: SendOutcome] = [:]
        for row in rows {
            guard let stored = try row.optionalUUID(1) else { continue }
            let wanted = try row.uuid(0)
            let isSame = try row.bytes(2) == fingerprints[wanted]
            // Its own id stands there where an earlier attempt had been committed after all.
            outcomes[wanted] = !isSame ? .reused : stored == wanted ? .sent(stored) : .replayed(stored)
        }
        return outcomes
    }

    private func deliver(
        _ send: Send, _ recipients: [Identifier], _ own: [Identifier], _ begun: UInt64, into committed: inout CommittedBatch
    ) {
        if !recipients.isEmpty {
            let item = InboxItem(messageId: send.messageId, text: Array(#""direction":"in","#.utf8) + send.message.body)
            for device in recipients { committed.deliveries.append(Delivery(deviceId: device, item: item, begun: begun)) }
        }
        if !own.isEmpty {
            var text = Array(#""direction":"out","#.utf8)
            if case .user(let recipient) = send.message.target { text += Array(#""to":"\#(recipient)","#.utf8) }
            let item = InboxItem(messageId: send.messageId, text: text + send.message.body)
            for device in own { committed.deliveries.append(Delivery(deviceId: device, item: item, begun: begun)) }
        }
    }

    private func countAcknowledged(
        _ rows: Rows, _ begun: UInt64, _ outcomes: inout [VisitOutcome], _ committed: inout CommittedBatch
    ) throws(PostgresError) {
        for row in rows {
            if let request = try row.optionalInt32(0) {
                outcomes[Int(request)].acknowledged = Int(try row.int64(1))
            } else {
                let item = InboxItem(messageId: try row.uuid(3), text: try row.bytes(4))
                committed.deliveries.append(Delivery(deviceId: try row.uuid(2), item: item, begun: begun))
            }
        }
    }

    private func collectItems(_ rows: Rows, _ visits: [Visit], _ outcomes: inout [VisitOutcome]) throws(PostgresError) {
        var totals = [Int](repeating: 0, count: visits.count)
        for row in rows {
            let request = Int(try row.int32(0))
            outcomes[request].items.append(InboxItem(messageId: try row.uuid(1), text: try row.bytes(2)))
            totals[request] = Int(try row.int64(3))
        }
        for request in outcomes.indices {
            let limit = visits[request].visit.read?.limit ?? 0
            if outcomes[request].items.count > limit { outcomes[request].items.removeLast() }
            outcomes[request].hasMore = totals[request] > outcomes[request].items.count
        }
    }
}

extension OutgoingMessage.Target {
    var identifier: Identifier {
        switch self {
        case .user(let identifier), .group(let identifier): identifier
        }
    }
}
