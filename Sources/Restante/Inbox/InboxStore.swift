import Postgres

/// The inboxes as the other features know them: an item is put into those of users or devices, withdrawn, and cleared with its device.
///
/// Everything happens in the caller's transaction. What `put` hands back goes to `Mailroom.deliver` once that is committed.
enum InboxStore {
    static let statements = [putForUsers, putForDevices, putEach, withdraw, clear, clearGaps, countDown]

    /// Whose inboxes.
    enum Recipients: Sendable {
        /// All devices of these users, but not the device `except`.
        case users([Identifier], except: Identifier? = nil)
        /// These devices; those that are no more get nothing.
        case devices([Identifier])
    }

    private static let putForUsers = Statement(
        "inbox.put_for_users",
        """
        INSERT INTO inbox (device_id, message_id, channel_id, sender_id, receipt_due, item, expires_at, is_fleeting)
        SELECT device_id, $3::uuid, $4::uuid, NULL, 0, $5::bytea, now() + make_interval(secs => $6::int4), $6::int4 IS NOT NULL
        FROM devices WHERE user_id = ANY ($1::uuid[]) AND revoked_at IS NULL AND device_id IS DISTINCT FROM $2::uuid
        RETURNING device_id
        """)

    private static let putForDevices = Statement(
        "inbox.put_for_devices",
        """
        INSERT INTO inbox (device_id, message_id, channel_id, sender_id, receipt_due, item, expires_at, is_fleeting)
        SELECT device_id, $2::uuid, $3::uuid, NULL, 0, $4::bytea, now() + make_interval(secs => $5::int4), $5::int4 IS NOT NULL
        FROM devices WHERE device_id = ANY ($1::uuid[]) AND revoked_at IS NULL
        RETURNING device_id
        """)

    private static let putEach = Statement(
        "inbox.put_each",
        """
        INSERT INTO inbox (device_id, message_id, channel_id, sender_id, receipt_due, item)
        SELECT d.device_id, e.message_id, e.channel_id, NULL, 0, e.item
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[]) AS e(device_id, message_id, channel_id, item)
            JOIN devices d ON d.device_id = e.device_id AND d.revoked_at IS NULL
        RETURNING device_id
        """)

    private static let withdraw = Statement(
        "inbox.withdraw", "DELETE FROM inbox WHERE device_id = ANY ($1::uuid[]) AND message_id = ANY ($2::uuid[])")

    /// Rows that are cleared at a time: so few that nobody waits long, and that no inbox is too full to be cleared.
    private static let portion: Int32 = 500

    /// Waits for who is at one of the rows, so that none comes back only where none is left.
    private static let clear = Statement(
        "inbox.clear",
        """
        DELETE FROM inbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM inbox WHERE device_id = ANY ($1::uuid[]) LIMIT $2::int4 FOR UPDATE))
        RETURNING message_id, item IS NULL
        """)

    private static let clearGaps = Statement("inbox.clear_gaps", "DELETE FROM gaps WHERE device_id = ANY ($1::uuid[])")

    private static let countDown = Statement(
        "inbox.count_down",
        """
        UPDATE shared_items s SET outstanding = s.outstanding - g.count
        FROM (SELECT message_id, count(*) AS count FROM unnest($1::uuid[]) AS message_id GROUP BY message_id ORDER BY message_id) g
        WHERE s.message_id = g.message_id
        """)

    /// Puts an item that causes no receipt into inboxes.
    ///
    /// - Parameters:
    ///   - channel: the user or group that it concerns; `fetchMessages` filters by it.
    ///   - seconds: it is served no longer than this, and then gone without a trace; nil: it waits as messages do.
    static func put(
        _ item: InboxItem, channel: Identifier, for recipients: Recipients, fleeting seconds: Int? = nil, on connection: Connection
    ) throws(PostgresError) -> [Delivery] {
        let values: [Parameter] = [.uuid(item.messageId), .uuid(channel), .bytes(item.text), .optionalInt32(seconds.map { Int32(clamping: $0) })]
        let begun = Uptime.nanoseconds()
        let rows =
            switch recipients {
            case .users(let users, let except):
                try connection.execute(putForUsers, [.uuids(users), .optionalUUID(except)] + values)
            case .devices(let devices):
                try connection.execute(putForDevices, [.uuids(devices)] + values)
            }
        var deliveries: [Delivery] = []
        for row in rows { deliveries.append(Delivery(deviceId: try row.uuid(0), item: item, begun: begun)) }
        return deliveries
    }

    /// An item for one device.
    struct Placement: Sendable {
        let deviceId: Identifier
        let channel: Identifier
        let item: InboxItem
    }

    /// Puts an item of its own into the inbox of each of these devices; those that are no more get nothing.
    static func put(_ placements: [Placement], on connection: Connection) throws(PostgresError) -> [Delivery] {
        let begun = Uptime.nanoseconds()
        let rows = try connection.execute(
            putEach,
            [
                .uuids(placements.map(\.deviceId)), .uuids(placements.map(\.item.messageId)), .uuids(placements.map(\.channel)),
                .byteArrays(placements.map(\.item.text)),
            ])
        var written: Set<Identifier> = []
        for row in rows { written.insert(try row.uuid(0)) }
        return placements.filter { written.contains($0.deviceId) }.map { Delivery(deviceId: $0.deviceId, item: $0.item, begun: begun) }
    }

    /// Takes these items out of these devices' inboxes, whether they have seen them or not.
    static func withdraw(_ messageIds: [Identifier], from devices: [Identifier], on connection: Connection) throws(PostgresError) {
        guard !messageIds.isEmpty, !devices.isEmpty else { return }
        _ = try connection.execute(withdraw, [.uuids(devices), .uuids(messageIds)])
    }

    /// Takes a portion out of the inboxes of devices that are no more; false where nothing is left.
    static func clear(of devices: [Identifier], on connection: Connection) throws(PostgresError) -> Bool {
        let gone = try connection.execute(clear, [.uuids(devices), .int32(portion)])
        _ = try connection.execute(clearGaps, [.uuids(devices)])
        try release(gone, on: connection)
        return !gone.isEmpty
    }

    /// Releases what was deleted: rows of a message's id and whether its item is shared.
    static func release(_ gone: Rows, on connection: Connection) throws(PostgresError) {
        var shared: [Identifier] = []
        for row in gone where try row.bool(1) { shared.append(try row.uuid(0)) }
        try release(shared, on: connection)
    }

    /// Counts copies of shared items down that are gone, and takes away what nobody waits for any more.
    static func release(_ shared: [Identifier], on connection: Connection) throws(PostgresError) {
        guard !shared.isEmpty else { return }
        _ = try connection.execute(countDown, [.uuids(shared)])
        _ = try connection.execute(InboxStatements.release)
    }
}
