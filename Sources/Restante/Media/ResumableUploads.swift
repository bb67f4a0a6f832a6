import HTTPServer
import Postgres

/// Receiving a resumable upload piece by piece, and making media of it.
///
/// What a client is told of as received is on disk. While it sends, the row follows the file every 8 MiB, so a crash costs no more than that; when
/// it hangs up, all that came is kept. One request at a time is at a file: the lock on it says so to all nodes that share the folder.
struct ResumableUploads: Sendable {
    let store: ResumableUploadStore
    let library: MediaLibrary

    private static let checkpointBytes = 8 << 20

    /// Takes the body of `call` as the bytes from `offset` on; the upload as it then is.
    func receive(_ call: Call, at offset: Int, of uploadId: Identifier, by userId: Identifier) async throws -> ResumableUpload {
        let upload = try await store.find(uploadId, of: userId)
        guard offset == upload.received else { throw ResumableUploadError.offsetMismatch(upload.received) }
        if upload.isComplete { return try await finish(upload, by: userId) }
        let file = try await open(upload, by: userId)
        var durable = file.size
        do {
            while let piece = try await call.nextPiece() {
                guard file.size + piece.count <= upload.size else { throw MediaError.tooLarge(maxBytes: upload.size - offset) }
                try await library.incoming.threads.run { () throws(MediaStoreError) in try file.append(piece) }
                guard file.size - durable >= Self.checkpointBytes else { continue }
                durable = try await checkpoint(file, uploadId)
            }
        } catch {
            if file.size > durable { _ = try await checkpoint(file, uploadId) }
            throw error
        }
        if file.size > durable { _ = try await checkpoint(file, uploadId) }
        guard file.size == upload.size else { return try await store.find(uploadId, of: userId) }
        return try await finish(upload, file, by: userId)
    }

    /// Makes media of an upload that has come whole, if a crash has kept that from being done.
    func finish(_ upload: ResumableUpload, by userId: Identifier) async throws -> ResumableUpload {
        guard upload.isComplete, !upload.isFinished else { return upload }
        do {
            return try await finish(upload, try await open(upload, by: userId), by: userId)
        } catch MediaStoreError.missing {
            // The file is a blob already; that its row is ready is all that is left.
            try await library.complete(upload.uploadId, for: userId)
            return try await store.find(upload.uploadId, of: userId)
        }
    }

    private func finish(_ upload: ResumableUpload, _ file: IncomingFile, by userId: Identifier) async throws -> ResumableUpload {
        let digest = try await library.incoming.digest(of: file)
        let media = Media(mediaId: upload.uploadId, digest: digest, size: upload.size, contentType: upload.contentType)
        try await library.add(media, file, for: userId)
        try await library.incoming.threads.run { () throws(MediaStoreError) in file.remove() }
        return try await store.find(upload.uploadId, of: userId)
    }

    /// The upload's file, at what is known to be on disk. Whoever was at it until now may have a moment to let go of it.
    private func open(_ upload: ResumableUpload, by userId: Identifier) async throws -> IncomingFile {
        for _ in 0..<40 {
            if let file = try await library.incoming.resume(upload.uploadId, mayMake: upload.received == 0) {
                // Whoever let go of it may have added to it: only now is it known what is on disk.
                let now = try await store.find(upload.uploadId, of: userId)
                guard now.received == upload.received else { throw ResumableUploadError.offsetMismatch(now.received) }
                try await library.incoming.threads.run { () throws(MediaStoreError) in try file.cut(to: now.received) }
                return file
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw ResumableUploadError.locked
    }

    /// What the file has is on disk, and the row says so.
    private func checkpoint(_ file: IncomingFile, _ uploadId: Identifier) async throws -> Int {
        let size = file.size
        try await library.incoming.threads.run { () throws(MediaStoreError) in try file.sync() }
        try await library.incoming.sync()
        try await store.advance(uploadId, to: size)
        return size
    }
}

// How they end.
extension ResumableUploads {
    func remove(_ uploadId: Identifier, of userId: Identifier) async throws {
        _ = try await store.find(uploadId, of: userId)
        try await store.remove(uploadId, of: userId)
        try await library.incoming.removeResumable(uploadId)
    }

    /// Ends those that are too old, and removes files that belong to none.
    func sweep() async throws {
        try await store.expire()
        let files = try await library.incoming.resumable()
        for uploadId in try await store.unknown(among: files) { try await library.incoming.removeResumable(uploadId) }
    }
}
