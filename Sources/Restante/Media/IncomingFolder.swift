import Glibc
import Postgres

/// The folder of uploads under way: `<id>.part` for one that ends with its request, `<id>.tus` for one that can be resumed.
struct IncomingFolder: Sendable {
    let threads: FileThreads
    private let path: String

    /// Left free on the disk, whatever is uploaded: the database may be on it.
    private static let reserveBytes = 64 << 20

    /// Makes the folder under `mediaFolder`, itself under the data directory. Blocks.
    init(in mediaFolder: String, threads: FileThreads) throws(MediaStoreError) {
        path = mediaFolder + "/incoming"
        self.threads = threads
        try FileCalls.makeFolder(mediaFolder)
        try FileCalls.makeFolder(path)
    }

    /// Throws where so many bytes more will not fit.
    func checkSpace(for bytes: Int) async throws(MediaStoreError) {
        try await threads.run { [path] () throws(MediaStoreError) in
            let free = FileCalls.freeBytes(at: path)
            guard free - Self.reserveBytes > bytes else { throw .outOfSpace }
        }
    }

    /// A new file for an upload that ends with its request.
    func makePart(_ id: Identifier) async throws(MediaStoreError) -> IncomingFile {
        try await threads.run { [path] () throws(MediaStoreError) in try IncomingFile.make("\(path)/\(id).part") }
    }

    /// Makes the folder's entries durable.
    func sync() async throws(MediaStoreError) {
        try await threads.run { [path] () throws(MediaStoreError) in try FileCalls.syncFolder(path) }
    }

    /// The file of an upload that can be resumed, behind what is known to be on disk. Nil: somebody else is at it.
    func resume(_ id: Identifier, at size: Int) async throws(MediaStoreError) -> IncomingFile? {
        try await threads.run { [path] () throws(MediaStoreError) in try IncomingFile.resume("\(path)/\(id).tus", at: size) }
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
