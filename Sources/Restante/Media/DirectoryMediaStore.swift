import Glibc

/// Blobs as files: `blobs/ab/abcdef…`, in a folder that several nodes may share.
struct DirectoryMediaStore: MediaStore {
    let pieceBytes = 65_536
    private let path: String
    private let threads: FileThreads

    /// Makes the folder under `mediaFolder`, and all that it may need in it, so that a blob is durable with the one that it lies in. Blocks.
    init(in mediaFolder: String, threads: FileThreads) throws(MediaStoreError) {
        path = mediaFolder + "/blobs"
        self.threads = threads
        try FileCalls.makeFolder(mediaFolder)
        try FileCalls.makeFolder(path)
        for number in 0..<256 { try FileCalls.makeFolder("\(path)/\(MediaDigest.hexadecimal([UInt8(number)]))") }
        try FileCalls.syncFolder(path)
        try FileCalls.syncFolder(mediaFolder)
    }

    func keep(_ path: String, size: Int, as digest: MediaDigest) async throws(MediaStoreError) {
        let folder = folder(of: digest)
        let blob = blob(of: digest)
        try await threads.run { () throws(MediaStoreError) in
            guard rename(path, blob) == 0 else { throw FileCalls.error("rename \(path)") }
            try FileCalls.syncFolder(folder)
        }
    }

    func read(_ digest: MediaDigest, at offset: Int, count: Int) async throws(MediaStoreError) -> [UInt8] {
        let blob = blob(of: digest)
        return try await threads.run { () throws(MediaStoreError) in
            let descriptor = try FileCalls.open(blob, O_RDONLY)
            defer { close(descriptor) }
            return try FileCalls.read(count, at: offset, of: descriptor)
        }
    }

    func remove(_ digest: MediaDigest) async throws(MediaStoreError) {
        let folder = folder(of: digest)
        let blob = blob(of: digest)
        try await threads.run { () throws(MediaStoreError) in
            guard unlink(blob) == 0 || errno == ENOENT else { throw FileCalls.error("unlink \(blob)") }
            // So that a crash of the machine does not bring back what its owner has deleted.
            if access(folder, F_OK) == 0 { try FileCalls.syncFolder(folder) }
        }
    }

    private func folder(of digest: MediaDigest) -> String { "\(path)/\(digest.hexadecimal.prefix(2))" }
    private func blob(of digest: MediaDigest) -> String { "\(folder(of: digest))/\(digest.hexadecimal)" }
}
