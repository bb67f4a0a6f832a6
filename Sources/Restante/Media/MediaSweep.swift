import Postgres

/// How media ends. Several nodes may sweep at once.
///
/// Whatever deletes media, an account's end included, leaves the digest in `media_blob_checks` (a trigger's work). The sweep takes those, condemns the
/// blobs of which no media is left, and removes them from the store.
extension MediaLibrary {
    private static let batch: Int32 = 1000
    /// So few that none is condemned for long before its turn: meanwhile nobody can upload the same.
    private static let blobsAtOnce: Int32 = 20

    /// Sweeps at once, for what a crash has left, and then every minute until the task is cancelled. Nothing waits for what fails.
    func keepSwept() async {
        var minute = 0
        while !Task.isCancelled {
            // Not each minute: it looks at all that was uploaded in a day.
            if minute % 10 == 0 {
                await failures.noting(.media) { try await noteWanted() }
                await failures.noting(.media) { try await expire() }
            }
            await failures.noting(.mediaBlobs) { try await removeOrphans() }
            await failures.noting(.uploads) { try await incoming.removeLeftovers() }
            await failures.noting(.uploads) { try await resumable.sweep() }
            minute += 1
            try? await Task.sleep(for: .seconds(60))
        }
    }

    /// Removes all that a user has uploaded, also what others still wait for, from the database and from the store. For an account that ends; may be
    /// called before its row is gone or after.
    func removeAll(uploadedBy userId: Identifier) async throws {
        _ = try await pool.run { try $0.execute(MediaStatements.removeOfUser, [.uuid(userId)], within: 10) }
        try await removeOrphans()
        try await resumable.sweep()
    }

    /// Notes what waits in inboxes or is shown as an avatar, for all media that may have to go.
    func noteWanted() async throws {
        var last: (time: String, id: Identifier)? = ("-infinity", .zero)
        while let behind = last, !Task.isCancelled {
            let parameters: [Parameter] = [.text(behind.time), .uuid(behind.id), .int32(Self.batch)]
            last = try await pool.run { connection in
                try connection.execute(MediaStatements.want, parameters, within: 10).first.map { (try $0.text(0), try $0.uuid(1)) }
            }
        }
    }

    /// Deletes the media whose time is over.
    func expire() async throws {
        try await expire(MediaStatements.expireUnready)
        try await expire(MediaStatements.expireUnwanted)
        try await expire(MediaStatements.expireUnused, .int32(Int32(retentionDays)))
    }

    /// Runs the statement until it finds less than a batch.
    private func expire(_ statement: Statement, _ more: Parameter...) async throws {
        var count = Int(Self.batch)
        while count == Int(Self.batch), !Task.isCancelled {
            count = try await pool.run { try $0.execute(statement, [.int32(Self.batch)] + more, within: 10).affected }
        }
    }

    /// Removes the blobs of which no media is left.
    func removeOrphans() async throws {
        while let condemned = try await condemnOrphans() {
            for (index, digest) in condemned.enumerated() {
                do {
                    try await remove(digest)
                } catch {
                    // Its removal may still happen, so this one stays condemned.
                    let untried = condemned[(index + 1)...].map(\.bytes)
                    _ = try? await pool.run { try $0.execute(MediaStatements.spareBlobs, [.byteArrays(untried)]) }
                    throw error
                }
            }
        }
    }

    private func remove(_ digest: MediaDigest) async throws {
        // Where this node stood still for long, another may have removed it, and a new upload may have brought it again.
        guard try await pool.run({ try !$0.execute(MediaStatements.stillCondemned, [.bytes(digest.bytes)]).isEmpty }) else { return }
        try await store.remove(digest)
        _ = try await pool.run { try $0.execute(MediaStatements.removeBlob, [.bytes(digest.bytes)]) }
    }

    /// From now on no upload takes these blobs for its own. Nil: there is nothing to look at.
    private func condemnOrphans() async throws -> [MediaDigest]? {
        try await pool.transaction { connection in
            var found = try connection.execute(MediaStatements.takeBlobChecks, [.int32(Self.blobsAtOnce)]).map { try $0.bytes(0) }
            found += try connection.execute(MediaStatements.interruptedRemovals, [.int32(Self.blobsAtOnce)]).map { try $0.bytes(0) }
            guard !found.isEmpty else { return nil }
            _ = try connection.execute(MediaStatements.lockBlobs, [.byteArrays(found)])
            return try connection.execute(MediaStatements.condemn, [.byteArrays(found)]).compactMap { MediaDigest(bytes: try $0.bytes(0)) }
        }
    }
}
