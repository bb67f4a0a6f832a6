/// The rows of the catalogue that concern media.
extension ProblemCode {
    var mediaDescription: ProblemDescription {
        switch self {
        case .digestMismatch:
            ProblemDescription(
                status: 422, title: "The digest does not match", retryable: false,
                explanation: "What arrived does not have the SHA-256 that `Repr-Digest` states. Nothing was stored.",
                remedy: "Compute the digest over the bytes that are sent, and send them again.")
        case .uploadOffsetMismatch:
            ProblemDescription(
                status: 409, title: "The upload goes on elsewhere", retryable: false,
                explanation: "`Upload-Offset` is not how far the upload has come. Nothing was added.",
                remedy: "Ask by HEAD how far it has come, and go on from there.")
        case .uploadLocked:
            ProblemDescription(
                status: 423, title: "Somebody else is at this upload", retryable: false,
                explanation: "Another request is sending bytes of this upload, or has just been cut off.",
                remedy: "Wait a little, ask by HEAD how far the upload has come, and go on from there.")
        case .unsupportedTusVersion:
            ProblemDescription(
                status: 412, title: "This version of tus is not spoken here", retryable: false,
                explanation: "`Tus-Resumable` is missing, or it is not one of the versions in `Tus-Version`.",
                remedy: "Send `Tus-Resumable: 1.0.0`.")
        default:
            ProblemDescription(
                status: 416, title: "The range is not there", retryable: false,
                explanation: "The media has no byte of the range asked for; `Content-Range` says how long it is.",
                remedy: "Ask for a range within the media, or for all of it.")
        }
    }
}
