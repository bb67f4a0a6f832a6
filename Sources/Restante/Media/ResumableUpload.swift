import Glibc
import Postgres

/// An upload that can be gone on with after anything: its row says how much is on disk, its file has that and perhaps more.
///
/// The media that it becomes has its id, so finishing it twice, after a crash in between, makes one media.
struct ResumableUpload: Sendable {
    let uploadId: Identifier
    let size: Int
    /// On disk for certain.
    let received: Int
    let contentType: String
    /// As the client sent it.
    let metadata: String
    /// The media is there.
    let isFinished: Bool
    let createdAt: Timestamp

    /// Counted from its creation.
    static let hours = 24

    var isComplete: Bool { received == size }

    /// Source: RFC 9110, 5.6.7.
    var expires: String {
        var seconds = time_t(createdAt.milliseconds / 1000 + Int64(Self.hours) * 3600)
        var fields = tm()
        gmtime_r(&seconds, &fields)
        var text = [CChar](repeating: 0, count: 64)
        // Nobody sets a locale, so these are the English names.
        let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &fields)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Why something with a resumable upload is refused.
enum ResumableUploadError: ProblemConvertible {
    case unknown
    case offsetMismatch(Int)
    case locked
    case unsupportedVersion

    var problem: Problem {
        switch self {
        case .unknown: Problem(.notFound, detail: "You have no such upload; it may have expired.")
        case .offsetMismatch(let offset): Problem(.uploadOffsetMismatch, detail: "The upload goes on at byte \(offset).")
        case .locked: Problem(.uploadLocked)
        case .unsupportedVersion: Problem(.unsupportedTusVersion)
        }
    }
}
