import Foundation
import Postgres
import Synchronization
import Testing

@testable import Restante

/// The library on a real database, with a store in which something happens at the worst moment.
@Suite final class MediaLibraryTests {
    private let database: PopulatedDatabase
    private let pool: Pool
    private let folder = TemporaryFolder()
    private let threads = FileThreads(count: 2)
    private let store: EventfulStore
    private let library: MediaLibrary
    private let alice: Session

    init() throws {
        database = try PopulatedDatabase()
        alice = try database.addUser()[0]
        pool = Pool(conninfo: database.database.conninfo, size: 2, settings: DatabaseSettings.ofPool, name: "test")
        store = EventfulStore(try DirectoryMediaStore(in: folder.path, threads: threads))
        library = MediaLibrary(
            pool: pool, identifiers: database.identifiers, store: store, incoming: try IncomingFolder(in: folder.path, threads: threads),
            retentionDays: 30, bytesPerDay: nil, failures: .silent)
    }

    deinit {
        pool.close()
        threads.close()
    }

    @discardableResult
    private func add(_ content: String) async throws -> Media { try await library.add(content, for: alice.userId) }

    private func query(_ sql: String) throws {
        try database.connection.execute(simple: sql, within: 20)
    }

    private var blobs: Set<String> {
        let paths = FileManager.default.enumerator(atPath: folder.path + "/blobs")?.compactMap { $0 as? String } ?? []
        return Set(paths.filter { $0.contains("/") }.map { String($0.split(separator: "/")[1]) })
    }

    @Test func aWholeUploadSurvivesADatabaseThatIsAwayWhenItIsKept() async throws {
        let uploadId = database.identifiers.next()
        let uploads = library.resumable
        try await uploads.store.add(uploadId, of: alice.userId, size: 5, contentType: "text/plain", metadata: "")
        folder.write("incoming/\(uploadId).tus", "hello")
        try await uploads.store.advance(uploadId, to: 5)
        let upload = try await uploads.store.find(uploadId, of: alice.userId)
        // Whatever the row's being made ready fails of.
        store.afterKeeping { [pool] in
            _ = try? await pool.run { try $0.execute(simple: "ALTER TABLE media RENAME is_ready TO was_ready", within: 10) }
        }
        await #expect(throws: PostgresError.self) { try await uploads.finish(upload, by: alice.userId) }
        try query("ALTER TABLE media RENAME was_ready TO is_ready")
        try query("UPDATE media SET uploaded_at = now() - interval '2 hours'")
        try await library.expire()
        try await library.removeOrphans()
        #expect(try await uploads.finish(upload, by: alice.userId).isFinished)
        #expect(try await store.read(try await library.find(uploadId, by: alice.userId).digest, at: 0, count: 5) == Array("hello".utf8))
    }

    @Test func whoeverKnowsLessThanIsOnDiskCutsNothingOff() async throws {
        let uploadId = database.identifiers.next()
        let uploads = library.resumable
        try await uploads.store.add(uploadId, of: alice.userId, size: 9, contentType: "text/plain", metadata: "")
        folder.write("incoming/\(uploadId).tus", "hello")
        try await uploads.store.advance(uploadId, to: 5)
        let now = try await uploads.store.find(uploadId, of: alice.userId)
        let before = ResumableUpload(
            uploadId: uploadId, size: 3, received: 3, contentType: now.contentType, metadata: "", isFinished: false, createdAt: now.createdAt)
        await #expect(throws: ResumableUploadError.self) { try await uploads.finish(before, by: alice.userId) }
        #expect(try String(contentsOfFile: folder.path + "/incoming/\(uploadId).tus", encoding: .utf8) == "hello")
    }

    @Test func twoWhoFinishOneUploadMakeOneMedium() async throws {
        let uploads = library.resumable
        for _ in 0..<10 {
            let uploadId = database.identifiers.next()
            try await uploads.store.add(uploadId, of: alice.userId, size: 36, contentType: "text/plain", metadata: "")
            folder.write("incoming/\(uploadId).tus", uploadId.description)
            try await uploads.store.advance(uploadId, to: 36)
            let upload = try await uploads.store.find(uploadId, of: alice.userId)
            let userId = alice.userId
            async let first = uploads.finish(upload, by: userId)
            async let second = uploads.finish(upload, by: userId)
            #expect(try await [first.isFinished, second.isFinished] == [true, true])
            let media = try await library.find(uploadId, by: alice.userId)
            #expect(try await store.read(media.digest, at: 0, count: 36) == Array(uploadId.description.utf8))
        }
    }

    @Test func nodesThatSweepAtOnceLeaveNothing() async throws {
        for number in 0..<50 { try await add("content \(number)") }
        try query("DELETE FROM media")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { [library] in try await library.removeOrphans() } }
            try await group.waitForAll()
        }
        #expect(blobs == [])
    }

    @Test func whatIsReadyIsNotTakenBack() async throws {
        let media = try await add("hello")
        await library.withdraw(media.mediaId)
        _ = try await library.find(media.mediaId, by: alice.userId)
    }

    @Test func anUploadThatFailedIsTakenBackWithItsBlob() async throws {
        let media = try await add("hello")
        try query("UPDATE media SET is_ready = false")
        await library.withdraw(media.mediaId)
        try await library.removeOrphans()
        #expect(blobs == [])
    }

    @Test func theContentOfAnAccountThatEndsDuringTheUploadGoes() async throws {
        store.beforeKeeping { [library, userId = alice.userId] in
            // The blob is looked for, and its row is removed, before it is there.
            _ = try? await library.pool.run { try $0.execute(simple: "DELETE FROM users WHERE user_id = '\(userId)'", within: 10) }
            try? await library.removeOrphans()
        }
        await #expect(throws: MediaError.self) { try await add("hello") }
        #expect(blobs.count == 1)
        try await library.removeOrphans()
        #expect(blobs == [])
    }

    @Test func aRemovalThatIsUnderWayIsDoneAgainForWhatComesLate() async throws {
        store.beforeKeeping { [pool, userId = alice.userId] in
            _ = try? await pool.run {
                try $0.execute(simple: "DELETE FROM users WHERE user_id = '\(userId)'; UPDATE media_blobs SET condemned_at = now()", within: 10)
            }
        }
        await #expect(throws: MediaError.self) { try await add("hello") }
        // The other node's removal is over.
        let digest = try await library.file("hello").digest
        _ = try database.connection.execute(MediaStatements.removeBlob, [.bytes(digest.bytes)])
        try query("UPDATE media_blobs SET condemned_at = condemned_at - interval '21 minutes'")
        try await library.removeOrphans()
        #expect(blobs == [])
    }

    @Test func oneThatCannotBeRemovedKeepsNoOtherFromBeingRemovedOrUploadedAgain() async throws {
        var media: [Media] = []
        for number in 0..<5 { media.append(try await add("content \(number)")) }
        try query("DELETE FROM media")
        store.beforeRemoving { _ throws(MediaStoreError) in throw .unavailable("test") }
        await #expect(throws: MediaStoreError.self) { try await library.removeOrphans() }
        #expect(blobs.count == 5)
        store.beforeRemoving { _ in }
        try await library.removeOrphans()
        #expect(blobs.count == 1, "the one whose removal may still happen")
        let failed = try #require(media.first { blobs.contains($0.digest.hexadecimal) })
        let number = media.firstIndex { $0.mediaId == failed.mediaId } ?? 0
        await #expect { try await add("content \(number)") } throws: {
            if case MediaStoreError.isBeingRemoved = $0 { true } else { false }
        }
        try query("UPDATE media_blobs SET condemned_at = now() - interval '11 minutes'")
        try await library.removeOrphans()
        #expect(blobs == [])
        try await add("content \(number)")
    }

    @Test func whoeverStoodStillRemovesNothingThatIsInUseAgain() async throws {
        for number in 0..<2 { try await add("content \(number)") }
        try query("DELETE FROM media")
        let removed = Digests()
        let contents = try await [library.file("content 0").digest: "content 0", library.file("content 1").digest: "content 1"]
        store.beforeRemoving { [library, userId = alice.userId] digest in
            guard removed.add(digest) == 1, let (second, content) = contents.first(where: { $0.key != digest }) else { return }
            // Meanwhile another node has removed the second, and somebody has uploaded it again.
            _ = try? await library.pool.run { try $0.execute(MediaStatements.removeBlob, [.bytes(second.bytes)]) }
            _ = try? await library.add(content, for: userId)
        }
        try await library.removeOrphans()
        #expect(removed.all.count == 1)
        #expect(blobs == Set(contents.keys.filter { !removed.all.contains($0) }.map(\.hexadecimal)))
    }

    @Test func theSweepLooksAtAllPortionsAndLeavesWhatIsWanted() async throws {
        let media = try await add("hello")
        let users = try (0..<3).map { _ in try database.addUser()[0].userId }
        try query(
            """
            INSERT INTO media (media_id, uploader_id, sha256, size, content_type, is_ready)
            SELECT gen_random_uuid(), uploader_id, sha256, size, content_type, true FROM media, generate_series(1, 2500);
            UPDATE media SET wanted_at = now() - interval '25 hours', used_at = now() - interval '31 days' WHERE media_id <> '\(media.mediaId)';
            """)
        for (user, order) in zip(users, ["", "DESC", "LIMIT 1 OFFSET 1234"]) {
            let chosen = order.hasPrefix("LIMIT") ? "ORDER BY media_id \(order)" : "ORDER BY media_id \(order) LIMIT 1"
            try query(
                """
                UPDATE users SET avatar_media_id = (SELECT media_id FROM media WHERE media_id <> '\(media.mediaId)' \(chosen)) WHERE user_id = '\(user)'
                """)
        }
        try await library.noteWanted()
        try await library.expire()
        let left = try database.connection.execute(.mediaLeft)
        #expect(left.count == 4)
        #expect(try left.allSatisfy { try $0.bool(0) }, "what is shown is noted as wanted and used")
    }

    @Test func whatIsUsedAgainAndAgainIsWrittenOnce() async throws {
        let media = try await add("hello")
        try query("UPDATE media SET used_at = now() - interval '11 minutes'")
        try await library.use(media.mediaId, by: alice.userId)
        let version = try database.connection.execute(.mediaVersion)[0].text(0)
        try await library.use(media.mediaId, by: alice.userId)
        #expect(try database.connection.execute(.mediaVersion)[0].text(0) == version)
        #expect(try database.connection.execute(.mediaLeft)[0].bool(0))
        await #expect(throws: MediaError.self) { try await library.use(media.mediaId, by: database.identifiers.next()) }
    }
}

/// A folder, and what happens around it.
private final class EventfulStore: MediaStore {
    let pieceBytes = 1_000
    private let folder: DirectoryMediaStore
    private struct Events {
        var beforeKeeping: @Sendable () async -> Void = {}
        var afterKeeping: @Sendable () async -> Void = {}
        var beforeRemoving: @Sendable (MediaDigest) async throws(MediaStoreError) -> Void = { _ in }
    }
    private let events = Mutex(Events())

    init(_ folder: DirectoryMediaStore) {
        self.folder = folder
    }

    func beforeKeeping(_ event: @escaping @Sendable () async -> Void) { events.withLock { $0.beforeKeeping = event } }
    func afterKeeping(_ event: @escaping @Sendable () async -> Void) { events.withLock { $0.afterKeeping = event } }
    func beforeRemoving(_ event: @escaping @Sendable (MediaDigest) async throws(MediaStoreError) -> Void) {
        events.withLock { $0.beforeRemoving = event }
    }

    func keep(_ path: String, size: Int, as digest: MediaDigest) async throws(MediaStoreError) {
        await events.withLock { $0.beforeKeeping }()
        try await folder.keep(path, size: size, as: digest)
        await events.withLock { $0.afterKeeping }()
    }

    func read(_ digest: MediaDigest, at offset: Int, count: Int) async throws(MediaStoreError) -> [UInt8] {
        try await folder.read(digest, at: offset, count: count)
    }

    func remove(_ digest: MediaDigest) async throws(MediaStoreError) {
        try await events.withLock { $0.beforeRemoving }(digest)
        try await folder.remove(digest)
    }
}

private final class Digests: Sendable {
    private let digests = Mutex<[MediaDigest]>([])

    var all: [MediaDigest] { digests.withLock { $0 } }

    /// How many there are then.
    func add(_ digest: MediaDigest) -> Int {
        digests.withLock { digests in
            digests.append(digest)
            return digests.count
        }
    }
}

extension MediaLibrary {
    /// A file with this content.
    fileprivate func file(_ content: String) async throws -> (file: IncomingFile, digest: MediaDigest) {
        let file = try await incoming.makePart(identifiers.next())
        try file.append(Array(content.utf8))
        return (file, try await incoming.digest(of: file))
    }

    /// Media with this content.
    fileprivate func add(_ content: String, for userId: Identifier) async throws -> Media {
        let (file, digest) = try await file(content)
        let media = Media(mediaId: identifiers.next(), digest: digest, size: content.utf8.count, contentType: "text/plain")
        try await add(media, file, for: userId)
        return media
    }
}

extension Statement {
    fileprivate static let mediaLeft = Statement(
        "test.media_left", "SELECT wanted_at > now() - interval '1 hour' AND used_at > now() - interval '1 hour' FROM media")
    fileprivate static let mediaVersion = Statement("test.media_version", "SELECT ctid::text FROM media")
}
