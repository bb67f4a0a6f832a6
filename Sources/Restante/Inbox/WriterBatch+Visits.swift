import Postgres

struct Visit {
    let visit: InboxVisit
    let completion: @Sendable (Result<VisitOutcome, any Error>) -> Void
}

extension WriterBatch {
    func acknowledgement(of visits: [Visit]) -> Postgres.Call? {
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

    func read(of visits: [Visit]) -> Postgres.Call? {
        let readers = visits.enumerated().compactMap { request, visit in visit.visit.read.map { (Int32(request), visit.visit.device.deviceId, $0) } }
        guard !readers.isEmpty else { return nil }
        let bytes = min(Self.pageBytes, Self.batchBytes / Int64(readers.count))
        return .init(
            InboxStatements.read,
            [
                .int32s(readers.map(\.0)), .uuids(readers.map(\.1)), .int32s(readers.map { Int32($0.2.limit + 1) }),
                .uuids(readers.map(\.2.after)), .optionalUUIDs(readers.map(\.2.channel)), .int64(bytes), .int32(Int32(retentionDays)),
            ])
    }

    func countAcknowledged(
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

    func collectItems(_ rows: Rows, _ visits: [Visit], _ outcomes: inout [VisitOutcome]) throws(PostgresError) {
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
