import HTTPServer
import Postgres
import Synchronization

/// Uploading in one request, and downloading.
enum MediaEndpoints {
    static let uploadHeaders: [StaticString] = ["Content-Type", "Repr-Digest", "Content-Length"]
    static let downloadHeaders: [StaticString] = ["Range", "If-None-Match", "If-Range"]

    static func uploadMedia(_ call: Call, _ services: Services) async throws -> Response {
        let userId = try call.session.userId
        try QueryReader(call, parameters: []).finish()
        let contentType = try MediaContentType.read(call.headers["Content-Type"])
        let stated = ReprDigest.read(call.headers["Repr-Digest"])
        if stated == .malformed {
            throw Problem(invalid: [.init(place: .parameter("Repr-Digest"), detail: "sha-256=:<base64 of 32 bytes>: is expected.")])
        }
        let length = call.headers["Content-Length"].flatMap { Int($0) } ?? 0
        let place = try services.uploads.take(for: userId)
        defer { withExtendedLifetime(place) {} }
        try services.rateLimiter.take(.mediaUploadsPerDay, for: .identifier(userId), noting: call)
        try await services.media.checkQuota(of: userId, adding: length)
        try await services.media.incoming.checkSpace(for: length)
        let file = try await services.media.incoming.makePart(services.identifiers.next())
        let result: Result<Media, any Error>
        do {
            let digest = try await gather(call, into: file, services.media.incoming)
            if case .sha256(let stated) = stated, stated != digest { throw MediaError.digestMismatch }
            let media = Media(mediaId: services.identifiers.next(), digest: digest, size: file.size, contentType: contentType)
            do {
                try await services.media.add(media, file, for: userId)
            } catch {
                // Its client has not learnt its id, and will upload it anew.
                await services.media.withdraw(media.mediaId)
                throw error
            }
            result = .success(media)
        } catch {
            result = .failure(error)
        }
        // A store that is a folder has it by now; another one has a copy.
        try? await services.media.incoming.threads.run { () throws(MediaStoreError) in file.remove() }
        return .json(try result.get().json, status: 201)
    }

    /// Writes the body as it comes; durable, and digested, when this returns.
    private static func gather(_ call: Call, into file: IncomingFile, _ incoming: IncomingFolder) async throws -> MediaDigest {
        while let piece = try await call.nextPiece() {
            try await incoming.threads.run { () throws(MediaStoreError) in try file.append(piece) }
        }
        try await incoming.threads.run { () throws(MediaStoreError) in try file.sync() }
        return try await incoming.digest(of: file)
    }

    static func downloadMedia(_ call: Call, _ services: Services) async throws -> Response {
        let userId = try call.session.userId
        let reader = QueryReader(call, parameters: ["mediaId"])
        let mediaId = reader.identifier("mediaId")
        try reader.finish()
        let media = try await services.media.find(mediaId, by: userId)
        let tag = "\"\(media.digest.hexadecimal)\""
        var response = Response(
            status: 200,
            headers: [
                ("ETag", tag), ("Cache-Control", "private, no-cache"), ("Repr-Digest", ReprDigest.header(media.digest)), ("Accept-Ranges", "bytes"),
            ])
        let answer = MediaRange.answer(
            size: media.size, tag: tag, range: call.isHead ? nil : call.headers["Range"], ifNoneMatch: call.headers["If-None-Match"],
            ifRange: call.headers["If-Range"])
        var range = 0..<media.size
        switch answer {
        case .notModified:
            response.status = 304
            return response
        case .notSatisfiable: throw MediaError.rangeNotSatisfiable(size: media.size)
        case .part(let part):
            range = part
            response.status = 206
            response.headers.append(("Content-Range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(media.size)"))
        case .whole: break
        }
        response.headers.append(("Content-Type", media.contentType))
        response.headers.append(("Content-Disposition", "attachment"))
        if call.isHead {
            // Nothing is read: only the length is told.
            response.stream = BodyStream(length: range.count) { throw MediaStoreError.missing }
        } else if !range.isEmpty {
            response.stream = try await stream(of: media, range, to: userId, call.requestId, services)
        }
        return response
    }

    /// Has the first piece when it returns, so that a client whose media cannot be read is told so.
    private static func stream(
        of media: Media, _ range: Range<Int>, to userId: Identifier, _ requestId: String, _ services: Services
    ) async throws -> BodyStream {
        let place = try services.downloads.take(for: userId)
        let store = services.media.store
        let read: @Sendable (Int) async throws -> [UInt8] = { start in
            try await store.read(media.digest, at: start, count: min(store.pieceBytes, range.upperBound - start))
        }
        let first = Mutex<[UInt8]?>(try await read(range.lowerBound))
        let position = Atomic<Int>(range.lowerBound)
        return BodyStream(length: range.count) {
            // Whoever keeps the stream keeps its place.
            defer { withExtendedLifetime(place) {} }
            let start = position.load(ordering: .relaxed)
            do {
                let bytes: [UInt8]
                if let first = first.withLock({ $0.take() }) { bytes = first } else { bytes = try await read(start) }
                position.store(start + bytes.count, ordering: .relaxed)
                return bytes
            } catch {
                // The answer has begun: its client sees that it is cut short, and only the log why.
                _ = services.requestLog.problem(for: error, requestId: requestId)
                throw error
            }
        }
    }
}

/// The media type that an uploader states and downloads repeat.
enum MediaContentType {
    /// Source: RFC 9110, 8.3.1, without looking into the parameters.
    static func read(_ header: String?) throws(Problem) -> String {
        guard let header else { return "application/octet-stream" }
        let type = String(header.prefix { $0 != ";" }.trimmingSpaces())
        let halves = type.split(separator: "/", omittingEmptySubsequences: false)
        guard header.utf8.count <= 255, header.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), halves.count == 2,
            halves.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isToken) })
        else { throw Problem(.unsupportedMediaType, detail: "Content-Type is no media type of at most 255 characters.") }
        return header
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$&^_.+-*'%`|~".utf8.contains(byte)
        }
    }
}
