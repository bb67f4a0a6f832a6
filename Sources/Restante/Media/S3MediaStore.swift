import HTTPClient
import Logging

/// Blobs as objects of a bucket: `blobs/abcdef…`. Any store that speaks Amazon's S3 will do.
///
/// An upload goes out of its finished file, and a download comes in pieces by Range, so neither is ever in memory as a whole. The store
/// checks what it gets against the digest in the signature. Every request here may be done twice without harm, so what fails in passing
/// is tried again, three times in all.
final class S3MediaStore: MediaStore {
    let pieceBytes = 1 << 18
    private let location: S3Location
    private let signature: AWSSignature
    private let client: HTTPClient
    private let logger: Logger

    /// What one PUT may bring; more would need a multipart upload.
    static let largestObject = 5 << 30

    private static let tries = 3
    /// Of no bytes.
    private static let emptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// `largestUpload`: bytes; `extraCAFile`: as in `HTTPClientSettings`.
    init(_ location: S3Location, accessKey: String, secretKey: String, largestUpload: Int, extraCAFile: String?, logger: Logger) {
        self.location = location
        signature = AWSSignature(accessKey: accessKey, secretKey: secretKey, region: location.region, service: "s3")
        self.logger = logger
        var settings = HTTPClientSettings()
        settings.largestResponse = pieceBytes
        settings.extraCAFile = extraCAFile
        // A large blob may take long; what does not move is given up.
        settings.totalTimeout = .seconds(max(600, 60 + largestUpload / 65_536))
        settings.stallTimeout = .seconds(5)
        client = HTTPClient(settings)
    }

    func keep(_ path: String, size: Int, as digest: MediaDigest) async throws(MediaStoreError) {
        var request = self.request("PUT", digest, contentDigest: digest.hexadecimal)
        request.file = HTTPFile(path: path, length: size)
        let response = try await send(request)
        guard response.status == 200 else { throw error(response, "PUT") }
    }

    func read(_ digest: MediaDigest, at offset: Int, count: Int) async throws(MediaStoreError) -> [UInt8] {
        var request = self.request("GET", digest, contentDigest: Self.emptyDigest)
        request.headers.append(("Range", "bytes=\(offset)-\(offset + count - 1)"))
        let response = try await send(request)
        guard response.status == 206 || response.status == 200 && offset == 0 else { throw error(response, "GET") }
        guard response.body.count == count else { throw .missing }
        return response.body
    }

    func remove(_ digest: MediaDigest) async throws(MediaStoreError) {
        let response = try await send(request("DELETE", digest, contentDigest: Self.emptyDigest))
        guard (200..<300).contains(response.status) || response.status == 404 else { throw error(response, "DELETE") }
    }

    private func request(_ method: String, _ digest: MediaDigest, contentDigest: String) -> HTTPRequest {
        var request = HTTPRequest(
            method: method, url: "\(location.base)blobs/\(digest.hexadecimal)", headers: [("x-amz-content-sha256", contentDigest)])
        request.signature = signature
        return request
    }

    /// The answer, whatever it is; again where it may be better the next time.
    private func send(_ request: HTTPRequest) async throws(MediaStoreError) -> HTTPResponse {
        var attempt = 1
        while true {
            let reason: String
            do throws(HTTPClientError) {
                let response = try await client.send(request)
                guard response.status == 429 || response.status >= 500 && response.status != 507, attempt < Self.tries else { return response }
                reason = "status \(response.status)"
            } catch {
                guard error.mayPass, attempt < Self.tries else { throw .unavailable("\(request.method): \(error)") }
                reason = "\(error)"
            }
            logger.info("media store: once more", metadata: ["method": .string(request.method), "reason": .string(reason)])
            let pause = Double.random(in: 0.5...1.5) * Double(attempt) * 0.1
            do { try await Task.sleep(for: .seconds(pause)) } catch { throw .unavailable("cancelled") }
            attempt += 1
        }
    }

    private func error(_ response: HTTPResponse, _ method: String) -> MediaStoreError {
        let text = String(decoding: response.body.prefix(500), as: UTF8.self)
        if response.status == 507 || text.contains("QuotaExceeded") || text.contains("StorageFull") { return .outOfSpace }
        if response.status == 404 && text.contains("NoSuchKey") { return .missing }
        return .unavailable("\(method): status \(response.status), \(text)")
    }
}

extension HTTPClientError {
    /// Whether the same request may get an answer later.
    fileprivate var mayPass: Bool {
        switch self {
        case .timedOut, .unreachable, .interrupted: true
        case .tooLarge, .invalidURL, .invalidRequest, .cancelled: false
        }
    }
}
