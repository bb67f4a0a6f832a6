import Postgres

/// Media: taking it in, showing it to those who may see it, and letting go of it.
///
/// The order in which an upload arrives loses nothing and leaves nothing behind: the row first (which keeps a blob of the same content from being
/// removed), then the blob, then the row is made ready. A crash in between leaves a row that is swept within an hour or two.
struct MediaLibrary: Sendable {
    let pool: Pool
    let identifiers: IdentifierGenerator
    let store: any MediaStore
    let incoming: IncomingFolder
    let retentionDays: Int
    /// Nil where rate limits are off.
    let bytesPerDay: Int?
    let failures: SweepFailures

    var resumable: ResumableUploads { ResumableUploads(store: ResumableUploadStore(pool: pool), library: self) }

    /// Ends the work on files; what comes afterwards is refused.
    func close() {
        incoming.threads.close()
    }

    /// Media that this user may see; throws 404 otherwise.
    func find(_ mediaId: Identifier, by userId: Identifier) async throws -> Media {
        let found = try await pool.run { connection -> Media? in
            guard let row = try connection.execute(MediaStatements.find, [.uuid(mediaId), .uuid(userId)]).first,
                let digest = MediaDigest(bytes: try row.bytes(1))
            else { return nil }
            return Media(mediaId: mediaId, digest: digest, size: Int(try row.int64(2)), contentType: try row.text(3))
        }
        guard let found else { throw MediaError.unknown }
        return found
    }

    /// Takes note that this user sends it or shows it; throws 404 where they may not see it. It lives on for a day at least.
    func use(_ mediaId: Identifier, by userId: Identifier) async throws {
        let isVisible = try await pool.run { try !$0.execute(MediaStatements.use, [.uuid(mediaId), .uuid(userId)]).isEmpty }
        guard isVisible else { throw MediaError.unknown }
    }

    /// Throws where a user would upload more in a day than they may.
    func checkQuota(of userId: Identifier, adding bytes: Int) async throws {
        try await pool.run { try checkQuota(of: userId, adding: bytes, besides: .zero, on: $0) }
    }

    /// Makes media of a finished file, which is synced. The file is gone afterwards, or no longer of use. Where it fails it may be done again for
    /// the same media: by `add` if the file is still there, otherwise by `complete`.
    func add(_ media: Media, _ file: IncomingFile, for userId: Identifier) async throws {
        try await claim(media, for: userId)
        try await store.keep(file.path, size: media.size, as: media.digest)
        do {
            try await makeReady(media.mediaId)
        } catch MediaError.unknown {
            try await noteBlob(of: media)
            throw MediaError.unknown
        }
    }

    /// Takes back what an `add` that has failed may have left. Where this fails as well, the sweep does it.
    func withdraw(_ mediaId: Identifier) async {
        _ = try? await pool.run { try $0.execute(MediaStatements.withdraw, [.uuid(mediaId)]) }
    }

    /// Makes media ready whose blob was kept before a crash; throws 404 if it was not.
    func complete(_ mediaId: Identifier, for userId: Identifier) async throws {
        let claimed = try await pool.run { connection -> Media? in
            guard let row = try connection.execute(MediaStatements.claimed, [.uuid(mediaId), .uuid(userId)]).first,
                let digest = MediaDigest(bytes: try row.bytes(0))
            else { return nil }
            return Media(mediaId: mediaId, digest: digest, size: Int(try row.int64(1)), contentType: try row.text(2))
        }
        guard let claimed else { throw MediaError.unknown }
        if claimed.size > 0 { _ = try await store.read(claimed.digest, at: claimed.size - 1, count: 1) }
        try await makeReady(mediaId)
    }

    private func makeReady(_ mediaId: Identifier) async throws {
        let isThere = try await pool.run { try !$0.execute(MediaStatements.ready, [.uuid(mediaId)]).isEmpty }
        // Its uploader has deleted the account meanwhile.
        guard isThere else { throw MediaError.unknown }
    }

    /// The row of media has gone while its blob was on the way, and the blob's with it perhaps: the sweep has to know of it to remove it.
    private func noteBlob(of media: Media) async throws {
        let parameters: [Parameter] = [.bytes(media.digest.bytes), .int64(Int64(media.size))]
        _ = try await pool.run { try $0.execute(MediaStatements.noteBlob, parameters) }
    }

    /// Enters the row, once no removal of the same content is under way.
    private func claim(_ media: Media, for userId: Identifier) async throws {
        let parameters: [Parameter] = [
            .uuid(media.mediaId), .uuid(userId), .bytes(media.digest.bytes), .int64(Int64(media.size)), .text(media.contentType),
        ]
        for _ in 0..<5 {
            let isEntered = try await pool.transaction { connection in
                // One upload of a user at a time: many at once could each stay within the quota that they exceed together.
                _ = try connection.execute(MediaStatements.lockUploader, [.uuid(userId)])
                try checkQuota(of: userId, adding: media.size, besides: media.mediaId, on: connection)
                return try !connection.execute(MediaStatements.claim, parameters).isEmpty
            }
            if isEntered { return }
            try await Task.sleep(for: .milliseconds(200))
        }
        throw MediaStoreError.isBeingRemoved
    }

    private func checkQuota(of userId: Identifier, adding bytes: Int, besides mediaId: Identifier, on connection: Connection) throws {
        guard let bytesPerDay else { return }
        let used = try connection.execute(MediaStatements.usedToday, [.uuid(userId), .uuid(mediaId)])[0]
        guard try Int(used.int64(0)).addingReportingOverflow(max(bytes, Media.leastBytesCounted)).partialValue <= bytesPerDay else {
            throw MediaError.quotaUsedUp(seconds: Int(try used.int64(1)))
        }
    }
}
