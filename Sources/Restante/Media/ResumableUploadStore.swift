import Postgres

/// The rows of resumable uploads.
struct ResumableUploadStore: Sendable {
    let pool: Pool

    static let statements = [insert, find, advance, remove, expire, known]

    private static let insert = Statement(
        "uploads.insert",
        "INSERT INTO media_uploads (upload_id, user_id, size, content_type, metadata) VALUES ($1::uuid, $2::uuid, $3::int8, $4::text, $5::text)")

    private static let find = Statement(
        "uploads.find",
        """
        SELECT u.size, u.received_bytes, u.content_type, u.metadata, EXISTS (SELECT FROM media m WHERE m.media_id = u.upload_id AND m.is_ready),
            u.created_at
        FROM media_uploads u WHERE u.upload_id = $1::uuid AND u.user_id = $2::uuid AND u.created_at > now() - interval '24 hours'
        """)

    private static let advance = Statement(
        "uploads.advance", "UPDATE media_uploads SET received_bytes = $2::int8 WHERE upload_id = $1::uuid RETURNING upload_id")

    private static let remove = Statement("uploads.remove", "DELETE FROM media_uploads WHERE upload_id = $1::uuid AND user_id = $2::uuid")

    private static let expire = Statement("uploads.expire", "DELETE FROM media_uploads WHERE created_at < now() - interval '24 hours'")

    private static let known = Statement("uploads.known", "SELECT upload_id FROM media_uploads WHERE upload_id = ANY ($1::uuid[])")

    func add(_ uploadId: Identifier, of userId: Identifier, size: Int, contentType: String, metadata: String) async throws {
        _ = try await pool.run {
            try $0.execute(Self.insert, [.uuid(uploadId), .uuid(userId), .int64(Int64(size)), .text(contentType), .text(metadata)])
        }
    }

    /// Throws 404 where this user has none such.
    func find(_ uploadId: Identifier, of userId: Identifier) async throws -> ResumableUpload {
        let found = try await pool.run { connection in
            try connection.execute(Self.find, [.uuid(uploadId), .uuid(userId)]).first.map { row in
                ResumableUpload(
                    uploadId: uploadId, size: Int(try row.int64(0)), received: Int(try row.int64(1)), contentType: try row.text(2),
                    metadata: try row.text(3), isFinished: try row.bool(4), createdAt: Timestamp(milliseconds: try row.timestamp(5)))
            }
        }
        guard let found else { throw ResumableUploadError.unknown }
        return found
    }

    /// Takes note of what is on disk. Throws 404 where the upload was removed meanwhile.
    func advance(_ uploadId: Identifier, to received: Int) async throws {
        let isThere = try await pool.run { try !$0.execute(Self.advance, [.uuid(uploadId), .int64(Int64(received))]).isEmpty }
        guard isThere else { throw ResumableUploadError.unknown }
    }

    func remove(_ uploadId: Identifier, of userId: Identifier) async throws {
        _ = try await pool.run { try $0.execute(Self.remove, [.uuid(uploadId), .uuid(userId)]) }
    }

    func expire() async throws {
        _ = try await pool.run { try $0.execute(Self.expire, within: 10) }
    }

    /// Those of `uploads` that there are no more.
    func unknown(among uploads: [Identifier]) async throws -> [Identifier] {
        let known = try await pool.run { try Set($0.execute(Self.known, [.uuids(uploads)], within: 10).map { try $0.uuid(0) }) }
        return uploads.filter { !known.contains($0) }
    }
}
