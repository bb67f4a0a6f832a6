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
        let first = try #require(try IncomingFile.resume(path, mayMake: false))
        #expect(try IncomingFile.resume(path, mayMake: false) == nil)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "hello, wor", "whoever only looks cuts nothing")
        try first.cut(to: 7)
        try first.append(Array("world".utf8))
        try first.sync()
        #expect(first.size == 12)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "hello, world")
        #expect(try first.digest()?.hexadecimal == "09ca7e4eaa6e8ae9c7d261167129184883644d07dfba7cbfbc4c8a2e08360d5b")
        #expect { try IncomingFile.resume(folder.path + "/b.tus", mayMake: false) } throws: {
            if case MediaStoreError.missing = $0 { true } else { false }
        }
        #expect { try first.cut(to: 13) } throws: {
            if case MediaStoreError.missing = $0 { true } else { false }
        }
    }

    @Test("Who waits for a file that becomes a blob gets another one") func blobs() async throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/a.part"
        var first: IncomingFile? = try IncomingFile.make(path)
        try first?.append(Array("a blob".utf8))
        let threads = FileThreads(count: 1)
        async let second = threads.run { () throws(MediaStoreError) in try IncomingFile.make(path) }
        try await awaitLockWait()
        #expect(rename(path, folder.path + "/blob") == 0)
        first = nil
        let file = try await second
        try file.append(Array("else".utf8))
        #expect(try String(contentsOfFile: folder.path + "/blob", encoding: .utf8) == "a blob")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "else")
        threads.close()
    }

    /// Until a thread of this process waits for a lock on a file.
    private func awaitLockWait() async throws {
        let deadline = Uptime.seconds() + 20
        while try !String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n").contains(where: {
            $0.contains("->") && $0.contains("FLOCK") && $0.contains(" \(getpid()) ")
        }) {
            try #require(Uptime.seconds() < deadline)
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test("What is to be left free on the disk is left free, however an upload got so far") func reserve() throws {
        let folder = TemporaryFolder()
        let isOutOfSpace = { (error: any Error) in
            if case MediaStoreError.outOfSpace = error { true } else { false }
        }
        let part = try IncomingFile.make(folder.path + "/a.part", reserveBytes: .max / 2)
        #expect(performing: { try part.append([1]) }, throws: isOutOfSpace)
        #expect(part.size == 0)
        let resumed = try #require(try IncomingFile.resume(folder.path + "/a.tus", mayMake: true, reserveBytes: .max / 2))
        #expect(performing: { try resumed.append([1]) }, throws: isOutOfSpace)
    }

    @Test("A folder that is gone is no medium that is gone") func lostFolder() async throws {
        let folder = TemporaryFolder()
        let threads = FileThreads(count: 1)
        let incoming = try IncomingFolder(in: folder.path + "/media", threads: threads)
        try FileManager.default.removeItem(atPath: folder.path + "/media")
        await #expect {
            try await incoming.makePart(IdentifierGenerator().next())
        } throws: {
            if case MediaStoreError.unavailable = $0 { true } else { false }
        }
        threads.close()
    }

    @Test("A blob is kept under its digest, read in parts, and removed for good") func directory() async throws {
        let folder = TemporaryFolder()
        let threads = FileThreads(count: 1)
        let store = try DirectoryMediaStore(in: folder.path + "/deep/media", threads: threads)
        let file = try IncomingFile.make(folder.path + "/a.part")
        try file.append(Array("hello, world".utf8))
        let digest = try #require(try file.digest(), "all of it was added here")
        try await store.keep(file.path, size: 12, as: digest)
        #expect(try await store.read(digest, at: 7, count: 5) == Array("world".utf8))
        await #expect(throws: MediaStoreError.self) { try await store.read(digest, at: 7, count: 6) }
        try await store.remove(digest)
        try await store.remove(digest)
        await #expect {
            try await store.read(digest, at: 0, count: 1)
        } throws: {
            if case MediaStoreError.missing = $0 { true } else { false }
        }
        threads.close()
    }

    @Test("A user has so many uploads at once") func slots() throws {
        var limits = LimitTable()
        limits[.mediaUploadsAtOnce] = 2
        let slots = TransferSlots(.mediaUploadsAtOnce, of: limits)
        let (a, b) = (IdentifierGenerator().next(), IdentifierGenerator().next())
        var places = [try slots.take(for: a), try slots.take(for: a)]
        #expect(throws: MediaError.self) { try slots.take(for: a) }
        places.append(try slots.take(for: b))
        places.removeFirst()
        places.append(try slots.take(for: a))
        #expect(throws: MediaError.self) { try slots.take(for: a) }
    }
}
