import Postgres

/// Writes a batch of tasks in one transaction.
struct WriterBatch {
    let retentionDays: Int
    /// Copies of one body beyond these bytes are stored once.
    static let sharedBytes: Int64 = 1 << 20
    /// A page of the inbox ends with the item that passes these bytes.
    static let pageBytes: Int64 = 256 << 10
    /// What the pages of one batch may have together, beyond the first item of each: the thread has all of it in memory at once.
    static let batchBytes: Int64 = 16 << 20

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
        let (plain, encrypted) = sends.divided
        let sendIndex = append(plain.isEmpty ? nil : .init(InboxStatements.send, columns(of: plain)), to: &calls)
        let encryptedIndex = append(encrypted.isEmpty ? nil : encryptedCall(encrypted), to: &calls)
        let acknowledgeIndex = append(acknowledgement(of: visits), to: &calls)
        if acknowledgeIndex != nil { calls.append(.init(InboxStatements.release)) }
        let readIndex = append(read(of: visits), to: &calls)
        let begun = Uptime.nanoseconds()
        let results = try connection.pipeline(calls, within: seconds)

        var committed = CommittedBatch()
        if let sendIndex { try resolve(plain, results[sendIndex], begun, on: connection, into: &committed) }
        if let encryptedIndex { try resolveEncrypted(encrypted, results[encryptedIndex], begun, on: connection, into: &committed) }
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
        let ((plain, encrypted), results): ((plain: [Send], encrypted: [Send]), [Rows])
        do {
            ((plain, encrypted), results) = try connection.transaction(within: seconds) { connection in
                _ = try connection.execute(InboxStatements.lockGroups, [.uuids(Array(Set(groups)))])
                let sends = assignIdentifiers(&pending)
                if isNearMidnight() { _ = try connection.pipeline([lock(sends)]) }
                let (plain, encrypted) = sends.divided
                var calls: [Postgres.Call] = []
                if !plain.isEmpty { calls.append(.init(InboxStatements.sendToGroup, columns(of: plain) + [.int64(Self.sharedBytes)])) }
                if !encrypted.isEmpty { calls.append(encryptedCall(encrypted)) }
                return ((plain, encrypted), try connection.pipeline(calls, within: seconds))
            }
        } catch PostgresError.outcomeUnknown(let reason) {
            // Under the same ids the next attempt finds what this one may have written.
            tasks = pending
            throw PostgresError.outcomeUnknown(reason)
        }
        var committed = CommittedBatch()
        if !plain.isEmpty { try resolve(plain, results[0], begun, on: connection, into: &committed) }
        if !encrypted.isEmpty { try resolveEncrypted(encrypted, results[results.count - 1], begun, on: connection, into: &committed) }
        return committed
    }
}
