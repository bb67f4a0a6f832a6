import JSON
import Postgres

/// Something that a user uploaded.
struct Media: Sendable {
    let mediaId: Identifier
    let digest: MediaDigest
    let size: Int
    let contentType: String

    /// For how long it stays if nothing refers to it.
    static let unusedHours = 24

    /// What each upload takes of a day's quota at least: a small file costs a row, an inode and a block, too. `MediaStatements.usedToday` has it as well.
    static let leastBytesCounted = 65_536

    /// What its uploader is told.
    var json: JSON {
        .object([
            "mediaId": .string(mediaId.description),
            "size": .integer(Int64(size)),
            "contentType": .string(contentType),
            "sha256": .string(digest.hexadecimal),
            "expiresAt": .string(Timestamp(milliseconds: Timestamp(of: mediaId).milliseconds + Int64(Self.unusedHours) * 3_600_000).description),
        ])
    }
}

/// Why something with media is refused.
enum MediaError: ProblemConvertible {
    /// There is none, or none that the caller may see.
    case unknown
    case digestMismatch
    case rangeNotSatisfiable(size: Int)
    case tooLarge(maxBytes: Int)
    case quotaUsedUp(seconds: Int)
    case tooManyAtOnce(LimitName)

    var problem: Problem {
        switch self {
        case .unknown: return Problem(.unknownMedia)
        case .digestMismatch: return Problem(.digestMismatch)
        case .rangeNotSatisfiable(let size):
            var problem = Problem(.rangeNotSatisfiable)
            problem.contentRange = "bytes */\(size)"
            return problem
        case .tooLarge(let maxBytes): return .tooLarge(maxBytes: maxBytes)
        case .quotaUsedUp(let seconds): return .rateLimited(scope: LimitName.mediaBytesPerDay.rawValue, retryAfter: seconds)
        case .tooManyAtOnce(let limit): return .rateLimited(scope: limit.rawValue, retryAfter: 5)
        }
    }
}
