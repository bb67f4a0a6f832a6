import Postgres

/// How media ends. Several nodes may sweep at once.
extension MediaLibrary {
    /// Sweeps at once, for what a crash has left, and then every minute until the task is cancelled.
    func keepSwept() async {
        while !Task.isCancelled {
            await failures.noting(.media) { try await sweep() }
            try? await Task.sleep(for: .seconds(60))
        }
    }

    func sweep() async throws {
        let days = Int32(retentionDays)
        try await pool.run { connection in
            _ = try connection.execute(MediaStatements.want, within: 10)
            _ = try connection.execute(MediaStatements.expire, [.int32(days)], within: 10)
        }
        try await removeOrphans()
        try await incoming.removeLeftovers()
        try await resumable.sweep()
    }

    /// Removes all that a user has uploaded, also what others still wait for, from the database and from the store. For an account that ends; may be
    /// called before its row is gone or after.
    func removeAll(uploadedBy userId: Identifier) async throws {
        _ = try await pool.run { try $0.execute(MediaStatements.removeOfUser, [.uuid(userId)], within: 10) }
        try await removeOrphans()
        try await resumable.sweep()
    }

    /// Removes the blobs of which no media is left.
    private func removeOrphans() async throws {
        while true {
            let condemned = try await condemnOrphans()
            for digest in condemned {
                try await store.remove(digest)
                _ = try await pool.run { try $0.execute(MediaStatements.removeBlob, [.bytes(digest.bytes)]) }
            }
            if condemned.isEmpty { return }
        }
    }

    /// From now on no upload takes these blobs for its own.
    private func condemnOrphans() async throws -> [MediaDigest] {
        try await pool.transaction { connection in
            let found = try connection.execute(MediaStatements.orphans, within: 10).map { try $0.bytes(0) }
            guard !found.isEmpty else { return [] }
            _ = try connection.execute(MediaStatements.lockBlobs, [.byteArrays(found)])
            return try connection.execute(MediaStatements.condemn, [.byteArrays(found)]).compactMap { MediaDigest(bytes: try $0.bytes(0)) }
        }
    }
}
