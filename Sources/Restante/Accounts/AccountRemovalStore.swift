import Postgres

/// The SQL of an account's end: what belongs to the accounts themselves. A removal is noted until nothing is left to be done.
enum AccountRemovalStore {
    static let statements =
        [
            findNumber, lockUser, note, blank, revokeDevices, clearPushTokens, clearOneTimePassword, deleteUser, moment, countOlder, forget,
            unfinished,
        ] + portions

    private static let findNumber = Statement("removal.find_number", "SELECT mobile_number FROM users WHERE user_id = $1::uuid")

    private static let lockUser = Statement("removal.lock_user", "SELECT FROM users WHERE user_id = $1::uuid FOR UPDATE")

    /// All devices, those that were removed earlier as well. A removal that was noted before stays as it is.
    private static let note = Statement(
        "removal.note",
        """
        INSERT INTO account_removals (user_id, device_ids)
        SELECT $1::uuid, ARRAY(SELECT device_id FROM devices WHERE user_id = $1::uuid) ON CONFLICT DO NOTHING
        """)

    /// The number is free for a new user from here on; the id stands in its place, which is nobody's number.
    private static let blank = Statement(
        "removal.blank",
        """
        UPDATE users SET mobile_number = user_id::text, name = NULL, profile_status = NULL, avatar_media_id = NULL,
            last_seen_visibility = 'nobody', groups_visibility = 'nobody', read_receipts = false, discoverable = false
        WHERE user_id = $1::uuid
        """)

    private static let revokeDevices = Statement(
        "removal.revoke_devices",
        "UPDATE devices SET revoked_at = coalesce(revoked_at, now()), name = '' WHERE user_id = $1::uuid RETURNING device_id")

    private static let clearPushTokens = Statement("removal.clear_push_tokens", "DELETE FROM push_tokens WHERE device_id = ANY ($1::uuid[])")

    private static let clearOneTimePassword = Statement("removal.clear_otp", "DELETE FROM one_time_passwords WHERE mobile_number = $1::text")

    /// What can be too much for the one statement that deletes the user. A medium takes its grants with it, one for each who was sent it.
    static let portions = [
        Statement(
            "removal.media",
            "DELETE FROM media WHERE media_id = ANY (ARRAY(SELECT media_id FROM media WHERE uploader_id = $1::uuid LIMIT 20))"),
        Statement(
            "removal.media_grants",
            "DELETE FROM media_grants WHERE ctid = ANY (ARRAY(SELECT ctid FROM media_grants WHERE user_id = $1::uuid LIMIT 1000 FOR UPDATE))"),
        Statement(
            "removal.contacts",
            "DELETE FROM contacts WHERE ctid = ANY (ARRAY(SELECT ctid FROM contacts WHERE user_id = $1::uuid LIMIT 1000 FOR UPDATE))"),
        Statement(
            "removal.contacts_of_others",
            "DELETE FROM contacts WHERE ctid = ANY (ARRAY(SELECT ctid FROM contacts WHERE contact_id = $1::uuid LIMIT 1000 FOR UPDATE))"),
        Statement(
            "removal.number_lookups",
            "DELETE FROM number_lookups WHERE ctid = ANY (ARRAY(SELECT ctid FROM number_lookups WHERE user_id = $1::uuid LIMIT 1000 FOR UPDATE))"),
    ]

    /// Takes with it what refers to the user.
    private static let deleteUser = Statement("removal.delete_user", "DELETE FROM users WHERE user_id = $1::uuid")

    private static let moment = Statement("removal.moment", "SELECT clock_timestamp() + interval '1 millisecond'")

    private static let countOlder = Statement(
        "removal.count_older",
        """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start < $1::timestamptz
        """)

    private static let forget = Statement("removal.forget", "DELETE FROM account_removals WHERE user_id = $1::uuid")

    private static let unfinished = Statement(
        "removal.unfinished",
        "SELECT user_id, device_ids FROM account_removals WHERE begun_at < now() - make_interval(secs => $1::int4) ORDER BY begun_at LIMIT 100")

    /// Revokes the devices, blanks the profile and frees the number; returns the devices. Throws 401 where the user is gone already.
    static func begin(_ userId: Identifier, on connection: Connection) throws -> [Identifier] {
        guard let user = try connection.execute(findNumber, [.uuid(userId)]).first else { throw Problem(.sessionRevoked) }
        // The password before the user, as a login takes them.
        _ = try connection.execute(clearOneTimePassword, [.text(try user.text(0))])
        guard try !connection.execute(lockUser, [.uuid(userId)]).isEmpty else { throw Problem(.sessionRevoked) }
        _ = try connection.execute(note, [.uuid(userId)])
        _ = try connection.execute(blank, [.uuid(userId)])
        let devices = try connection.execute(revokeDevices, [.uuid(userId)]).map { try $0.uuid(0) }
        _ = try connection.execute(clearPushTokens, [.uuids(devices)])
        return devices
    }

    /// Takes one of the `portions` away; false where nothing of it is left.
    static func remove(_ portion: Statement, of userId: Identifier, on connection: Connection) throws(PostgresError) -> Bool {
        try connection.execute(portion, [.uuid(userId)]).affected > 0
    }

    static func deleteUser(_ userId: Identifier, on connection: Connection) throws(PostgresError) {
        _ = try connection.execute(deleteUser, [.uuid(userId)])
    }

    /// Milliseconds since 1970 of the database's clock, a little ahead: what has begun is older.
    static func moment(on connection: Connection) throws(PostgresError) -> Int64 {
        try connection.execute(moment)[0].timestamp(0)
    }

    /// How many transactions, of any node, have begun before this moment and are not over.
    static func countTransactions(before moment: Int64, on connection: Connection) throws(PostgresError) -> Int64 {
        try connection.execute(countOlder, [.timestamp(moment)])[0].int64(0)
    }

    static func forget(_ userId: Identifier, on connection: Connection) throws(PostgresError) {
        _ = try connection.execute(forget, [.uuid(userId)])
    }

    /// The removals that were begun so many seconds ago at least and are not over.
    static func unfinished(olderThan seconds: Int, on connection: Connection) throws -> [(userId: Identifier, devices: [Identifier])] {
        try connection.execute(unfinished, [.int32(Int32(seconds))]).map { (try $0.uuid(0), try $0.uuids(1)) }
    }
}
