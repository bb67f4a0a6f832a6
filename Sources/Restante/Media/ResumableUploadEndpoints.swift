import HTTPServer
import Postgres

/// Resumable uploads: the tus protocol, version 1.0.0, with its extensions creation, expiration and termination.
///
/// `POST` makes an upload and names it in `Location`; `PATCH` sends bytes from `Upload-Offset` on, as often as it takes; `HEAD` asks how far it has
/// come. The answer that completes it has the media's id in `Restante-Media-Id`, and so has each `HEAD` after that. Every answer of these
/// operations, problems included, has `Tus-Resumable`; what is refused before they are asked (401, 405, a length too large, a drain) has not.
/// Source: tus resumable upload protocol 1.0.0.
enum ResumableUploadEndpoints {
    static let path = "/v1/media/tus"
    static let headers: [StaticString] = [
        "Tus-Resumable", "Upload-Length", "Upload-Metadata", "Upload-Offset", "Content-Type", "Content-Length",
    ]

    typealias Action = @Sendable (Call, Services) async throws -> Response

    /// What holds for all of them.
    fileprivate static func answering(_ action: @escaping Action) -> Action {
        { call, services in
            var response: Response
            do {
                try QueryReader(call, parameters: []).finish()
                response = try await action(call, services)
            } catch {
                response = services.requestLog.response(to: error, for: call.admitted)
            }
            response.headers.append(("Tus-Resumable", "1.0.0"))
            if response.status == 412 { response.headers.append(("Tus-Version", "1.0.0")) }
            return response
        }
    }

    static let describe: Action = { call, services in
        Response(
            status: 204,
            headers: [
                ("Tus-Version", "1.0.0"), ("Tus-Extension", "creation,expiration,termination"),
                ("Tus-Max-Size", String(services.limits[.mediaBytes])),
            ])
    }

    static let create: Action = { call, services in
        try checkVersion(call)
        let userId = try call.session.userId
        guard call.body.isEmpty else { throw Problem.tooLarge(maxBytes: 0) }
        let size = try number("Upload-Length", of: call)
        guard size <= services.limits[.mediaBytes] else { throw MediaError.tooLarge(maxBytes: services.limits[.mediaBytes]) }
        let metadata = call.headers["Upload-Metadata"] ?? ""
        let contentType = try MediaContentType.read(try UploadMetadata.contentType(in: metadata))
        try services.rateLimiter.take(.mediaUploadsPerDay, for: .identifier(userId), noting: call)
        try await services.media.checkQuota(of: userId, adding: size)
        try await services.media.incoming.checkSpace(for: size)
        let uploadId = services.identifiers.next()
        try await services.media.resumable.store.add(uploadId, of: userId, size: size, contentType: contentType, metadata: metadata)
        var upload = try await services.media.resumable.store.find(uploadId, of: userId)
        upload = try await services.media.resumable.finish(upload, by: userId)
        return response(201, upload, [("Location", "\(path)/\(uploadId)")])
    }

    static let tell: Action = { call, services in
        try checkVersion(call)
        let userId = try call.session.userId
        let upload = try await services.media.resumable.store.find(try uploadId(of: call), of: userId)
        let finished = try await services.media.resumable.finish(upload, by: userId)
        var headers: [(name: StaticString, value: String)] = [("Upload-Length", String(upload.size))]
        if !upload.metadata.isEmpty { headers.append(("Upload-Metadata", upload.metadata)) }
        return response(200, finished, headers)
    }

    static let resume: Action = { call, services in
        try checkVersion(call)
        let userId = try call.session.userId
        guard call.headers["Content-Type"]?.lowercased() == "application/offset+octet-stream" else {
            throw Problem(.unsupportedMediaType, detail: "This operation reads application/offset+octet-stream.")
        }
        let uploadId = try uploadId(of: call)
        let offset = try number("Upload-Offset", of: call)
        let upload = try await services.media.resumable.store.find(uploadId, of: userId)
        let length = call.headers["Content-Length"].flatMap { Int($0) } ?? 0
        guard offset != upload.received || length <= upload.size - offset else { throw MediaError.tooLarge(maxBytes: upload.size - offset) }
        let place = try services.uploads.take(for: userId)
        defer { withExtendedLifetime(place) {} }
        try await services.media.incoming.checkSpace(for: length)
        return response(204, try await services.media.resumable.receive(call, at: offset, of: uploadId, by: userId))
    }

    static let delete: Action = { call, services in
        try checkVersion(call)
        try await services.media.resumable.remove(try uploadId(of: call), of: try call.session.userId)
        return .noContent
    }
}

extension ResumableUploadEndpoints {
    private static func response(_ status: Int, _ upload: ResumableUpload, _ headers: [(name: StaticString, value: String)] = []) -> Response {
        var response = Response(status: status, headers: headers)
        response.headers.append(("Upload-Offset", String(upload.received)))
        response.headers.append(("Upload-Expires", upload.expires))
        if upload.isFinished { response.headers.append(("Restante-Media-Id", upload.uploadId.description)) }
        return response
    }

    private static func checkVersion(_ call: Call) throws {
        guard call.headers["Tus-Resumable"] == "1.0.0" else { throw ResumableUploadError.unsupportedVersion }
    }

    private static func uploadId(of call: Call) throws -> Identifier {
        guard let uploadId = Identifier(String(call.path.dropFirst(path.count + 1))) else { throw ResumableUploadError.unknown }
        return uploadId
    }

    /// Digits, at most 18 of them.
    private static func number(_ header: String, of call: Call) throws(Problem) -> Int {
        guard let text = call.headers[header], (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = Int(text)
        else { throw Problem(invalid: [.init(place: .parameter(header), detail: "A number of bytes is expected.")]) }
        return number
    }
}

extension Endpoint {
    /// An operation on all resumable uploads, or on one.
    static func tus(_ method: Method, _ path: String, _ operation: String, _ action: @escaping ResumableUploadEndpoints.Action) -> Endpoint {
        let action = ResumableUploadEndpoints.answering(action)
        let headers = ResumableUploadEndpoints.headers
        if method == .patch { return .upload(path, operation, method: method, upTo: .mediaBytes, headers: headers, action) }
        let maxBodyBytes: LimitName? = method == .post ? .requestBytes : nil
        return Endpoint(method: method, path: path, operation: operation, maxBodyBytes: maxBodyBytes, headers: headers, action: .await(action))
    }
}
