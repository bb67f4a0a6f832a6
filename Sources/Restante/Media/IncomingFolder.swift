import Glibc
import Postgres

/// The folder of uploads under way: `<id>.part` for one that ends with its request, `<id>.tus` for one that can be resumed.
struct IncomingFolder: Sendable {
    let threads: FileThreads
    private let path: String
    private let reserveBytes: Int

    /// Makes the folder under `mediaFolder`, itself under the data directory. `reserveBytes` are left free on the disk, whatever is uploaded: the
    /// database may be on it. Blocks.
    init(in mediaFolder: String, threads: FileThreads, reserveBytes: Int = 64 << 20) throws(MediaStoreError) {
        path = mediaFolder + "/incoming"
        self.threads = threads
        self.reserveBytes = reserveBytes
        try FileCalls.makeFolder(mediaFolder)
        try FileCalls.makeFolder(path)
    }

    /// Throws where so many bytes more do not fit now. Others may take the room meanwhile: `IncomingFile.append` asks again.
    func checkSpace(for bytes: Int) async throws(MediaStoreError) {
        try await threads.run { [path, reserveBytes] () throws(MediaStoreError) in
            guard FileCalls.freeBytes(at: path) - reserveBytes > bytes else { throw .outOfSpace }
        }
    }

    /// A new file for an upload that ends with its request.
    func makePart(_ id: Identifier) async throws(MediaStoreError) -> IncomingFile {
        try await threads.run { [path, reserveBytes] () throws(MediaStoreError) in
            try IncomingFile.make("\(path)/\(id).part", reserveBytes: reserveBytes)
        }
    }

    /// The digest of a file that is finished. Whatever its size, the others that wait for a thread get their turn.
    func digest(of file: IncomingFile) async throws(MediaStoreError) -> MediaDigest {
        while true {
            if let digest = try await threads.run({ () throws(MediaStoreError) in try file.digest() }) { return digest }
        }
    }

    /// Makes the folder's entries durable.
    func sync() async throws(MediaStoreError) {
        try await threads.run { [path] () throws(MediaStoreError) in try FileCalls.syncFolder(path) }
    }

    /// The file of an upload that can be resumed, as it is. Nil: somebody else is at it.
    func resume(_ id: Identifier, mayMake: Bool) async throws(MediaStoreError) -> IncomingFile? {
        try await threads.run { [path, reserveBytes] () throws(MediaStoreError) in
            try IncomingFile.resume("\(path)/\(id).tus", mayMake: mayMake, reserveBytes: reserveBytes)
        }
    }

    func removeResumable(_ id: Identifier) async throws(MediaStoreError) {
        try await threads.run { [path] () throws(MediaStoreError) in IncomingFile.removeLeftover("\(path)/\(id).tus") }
    }

    /// The uploads that can be resumed, as far as files tell.
    func resumable() async throws(MediaStoreError) -> [Identifier] {
        try await threads.run { [path] () throws(MediaStoreError) in
            try FileCalls.names(in: path).filter { $0.hasSuffix(".tus") }.compactMap { Identifier(String($0.dropLast(4))) }
        }
    }

    /// Removes what uploads have left that died with their process.
    func removeLeftovers() async throws(MediaStoreError) {
        try await threads.run { [path] () throws(MediaStoreError) in
            for name in try FileCalls.names(in: path) where name.hasSuffix(".part") { IncomingFile.removeLeftover("\(path)/\(name)") }
        }
    }
}
