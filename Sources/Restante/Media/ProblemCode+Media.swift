/// The rows of the catalogue that concern media.
extension ProblemCode {
    var mediaDescription: ProblemDescription {
        switch self {
        case .digestMismatch:
            ProblemDescription(
                status: 422, title: "The digest does not match", retryable: false,
                explanation: "What arrived does not have the SHA-256 that `Repr-Digest` states. Nothing was stored.",
                remedy: "Compute the digest over the bytes that are sent, and send them again.")
        default:
            ProblemDescription(
                status: 416, title: "The range is not there", retryable: false,
                explanation: "The media has no byte of the range asked for; `Content-Range` says how long it is.",
                remedy: "Ask for a range within the media, or for all of it.")
        }
    }
}
