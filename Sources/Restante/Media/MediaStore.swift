import Crypto

/// Where the bytes of media are kept: one blob for each content, named after its SHA-256, however many media have that content.
///
/// A blob never changes, so reading needs no handle: each read says which bytes it wants. What is uploaded is gathered in a file of this node
/// first (its length and digest are known only at its end), and then becomes a blob. Whether anything still refers to a blob is the
/// library's care (`MediaLibrary`), which also sees to it that a blob is not kept and removed at the same time.
///
/// None of this runs on Swift's own threads if it blocks.
protocol MediaStore: Sendable {
    /// How many bytes are best asked for at once; a download has two such pieces in memory, however slowly they are taken.
    var pieceBytes: Int { get }

    /// Makes a blob of a finished file, which is synced to its disk. Durable when it returns; the file is then the caller's to remove, if
    /// it is still there. A blob that is there already stays.
    func keep(_ path: String, size: Int, as digest: MediaDigest) async throws(MediaStoreError)

    /// Exactly these bytes of a blob: `count` is at least 1, and the range lies within it.
    func read(_ digest: MediaDigest, at offset: Int, count: Int) async throws(MediaStoreError) -> [UInt8]

    /// Removes a blob; that it is not there is no error.
    func remove(_ digest: MediaDigest) async throws(MediaStoreError)
}

/// The SHA-256 of a content.
struct MediaDigest: Hashable, Sendable {
    /// 32 of them.
    let bytes: [UInt8]

    init(_ digest: SHA256Digest) {
        bytes = Array(digest)
    }

    /// Nil unless these are 32 bytes.
    init?(bytes: [UInt8]) {
        guard bytes.count == SHA256.byteCount else { return nil }
        self.bytes = bytes
    }

    /// 64 digits.
    var hexadecimal: String { Self.hexadecimal(bytes) }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// Why a store could not do it.
enum MediaStoreError: ProblemConvertible {
    /// There is no room; nothing was kept.
    case outOfSpace
    /// It may be possible later. The text is for the log.
    case unavailable(String)
    /// There is no such blob, or it is shorter than it should be.
    case missing
    /// A blob of this content is just being removed.
    case isBeingRemoved

    var problem: Problem {
        switch self {
        case .outOfSpace: Problem(.outOfSpace)
        case .unavailable: .passing(.unavailable, detail: "The store of media cannot be reached.")
        case .missing: Problem(.unknownMedia)
        case .isBeingRemoved: .passing(.unavailable, detail: "The same content is just being deleted.", retryAfter: 60)
        }
    }

    var faultForLog: String? {
        switch self {
        case .unavailable(let fault): fault
        case .isBeingRemoved: "the removal of the same content does not end"
        case .outOfSpace, .missing: nil
        }
    }
}
