import Foundation
import Testing

@testable import Restante

@Suite struct MediaFileTests {
    @Test("A full disk is out of space, and nothing else is") func fullDisk() throws {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        #expect { try FileCalls.write([1, 2, 3], to: full) } throws: {
            if case MediaStoreError.outOfSpace = $0 { true } else { false }
        }
        #expect { try FileCalls.write([1], to: -1) } throws: {
            if case MediaStoreError.unavailable = $0 { true } else { false }
        }
    }

    @Test("What a process has left is told from what is still written") func leftovers() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/a.part"
        var file: IncomingFile? = try IncomingFile.make(path)
        try file?.append([1, 2, 3])
        IncomingFile.removeLeftover(path)
        #expect(FileManager.default.fileExists(atPath: path))
        file = nil
        IncomingFile.removeLeftover(path)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("An upload goes on behind what is known to be on disk; only one can be at it") func resume() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/a.tus"
        try IncomingFile.make(path).append(Array("hello, wor".utf8))
        let first = try #require(try IncomingFile.resume(path, at: 7))
        #expect(try IncomingFile.resume(path, at: 7) == nil)
        try first.append(Array("world".utf8))
        try first.sync()
        #expect(first.size == 12)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "hello, world")
        #expect(try first.readDigest().hexadecimal == "09ca7e4eaa6e8ae9c7d261167129184883644d07dfba7cbfbc4c8a2e08360d5b")
        #expect { try IncomingFile.resume(folder.path + "/b.tus", at: 1) } throws: {
            if case MediaStoreError.missing = $0 { true } else { false }
        }
    }

    @Test("A blob is kept under its digest, read in parts, and removed for good") func directory() async throws {
        let folder = TemporaryFolder()
        let threads = FileThreads(count: 1)
        let store = try DirectoryMediaStore(in: folder.path + "/deep/media", threads: threads)
        let file = try IncomingFile.make(folder.path + "/a.part")
        try file.append(Array("hello, world".utf8))
        try await store.keep(file.path, size: 12, as: file.digest)
        #expect(try await store.read(file.digest, at: 7, count: 5) == Array("world".utf8))
        await #expect(throws: MediaStoreError.self) { try await store.read(file.digest, at: 7, count: 6) }
        try await store.remove(file.digest)
        try await store.remove(file.digest)
        await #expect(throws: MediaStoreError.self) { try await store.read(file.digest, at: 0, count: 1) }
        threads.close()
    }

    @Test("A user has so many uploads at once") func slots() throws {
        let slots = UploadSlots(limit: 2)
        let (a, b) = (IdentifierGenerator().next(), IdentifierGenerator().next())
        try slots.take(for: a)
        try slots.take(for: a)
        #expect(throws: MediaError.self) { try slots.take(for: a) }
        try slots.take(for: b)
        slots.giveBack(for: a)
        try slots.take(for: a)
        #expect(throws: MediaError.self) { try slots.take(for: a) }
    }
}
