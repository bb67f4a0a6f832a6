import JSON
import Postgres

/// Finds users by their numbers. Who is found becomes a contact; how many new numbers a user may try in a day is bounded, so that nobody lists them all.
struct ContactStore: Sendable {
    let pool: Pool
    let secrets: Secrets
    /// New numbers a day; nil where rate limits are off.
    let newNumbersPerDay: Int?

    static let statements = [note, countNew, find]

    struct Found: Sendable {
        let mobileNumber: String
        let userId: Identifier
        let name: String?

        var json: JSON {
            .object([
                "mobileNumber": .string(mobileNumber), "userId": .string(userId.description), "name": name.map(JSON.string),
            ])
        }
    }

    private static let note = Statement(
        "contacts.note",
        "INSERT INTO number_lookups (user_id, number_hash) SELECT $1::uuid, h FROM unnest($2::bytea[]) h ON CONFLICT DO NOTHING")

    private static let countNew = Statement(
        "contacts.count_new",
        """
        SELECT count(*), coalesce(ceil(extract(epoch FROM min(looked_up_at) + interval '1 day' - now())), 0)::int8
        FROM number_lookups WHERE user_id = $1::uuid AND looked_up_at > now() - interval '1 day'
        """)

    private static let find = Statement(
        "contacts.find",
        """
        WITH found AS (
            SELECT u.mobile_number, u.user_id, u.name FROM unnest($2::text[]) n(number)
            JOIN users u ON u.mobile_number = n.number WHERE u.discoverable
        ), added AS (
            INSERT INTO contacts (user_id, contact_id) SELECT $1::uuid, user_id FROM found WHERE user_id <> $1::uuid ON CONFLICT DO NOTHING
        )
        SELECT mobile_number, user_id, name FROM found ORDER BY mobile_number
        """)

    func lookUp(_ mobileNumbers: [String], for userId: Identifier) async throws -> [Found] {
        let numbers = Array(Set(mobileNumbers))
        let hashes = numbers.map(secrets.hash(ofNumber:))
        let quota = newNumbersPerDay
        return try await pool.transaction { connection in
            try UserStore.hold(userId, on: connection)
            _ = try connection.execute(Self.note, [.uuid(userId), .byteArrays(hashes)])
            let used = try connection.execute(Self.countNew, [.uuid(userId)])[0]
            if let quota, try used.int64(0) > quota {
                throw Problem.rateLimited(scope: LimitName.newContactsPerDay.rawValue, retryAfter: Int(try used.int64(1)))
            }
            return try connection.execute(Self.find, [.uuid(userId), .texts(numbers)]).map { row in
                Found(mobileNumber: try row.text(0), userId: try row.uuid(1), name: try row.optionalText(2))
            }
        }
    }
}
