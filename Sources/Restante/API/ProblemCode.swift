/// Every problem that this server can answer with, one row each: the catalogue behind the answers and behind the pages under `/problems/`.
///
/// The raw value is the stable `code` that a client switches on.
package enum ProblemCode: String, CaseIterable, Sendable {
    case unauthenticated = "unauthenticated"
    case invalidToken = "invalid-token"
    case tokenExpired = "token-expired"
    case sessionRevoked = "session-revoked"
    case refreshTokenInvalid = "refresh-token-invalid"

    case malformedJSON = "malformed-json"
    case malformedRequest = "malformed-request"
    case unknownParameter = "unknown-parameter"
    case invalidRequest = "invalid-request"
    case notFound = "not-found"
    case methodNotAllowed = "method-not-allowed"
    case lengthRequired = "length-required"
    case tooLarge = "too-large"
    case uriTooLong = "uri-too-long"
    case headersTooLarge = "headers-too-large"
    case unsupportedMediaType = "unsupported-media-type"
    case expectationFailed = "expectation-failed"
    case notImplemented = "not-implemented"
    case unsupportedVersion = "unsupported-http-version"

    case otpIncorrect = "otp-incorrect"
    case otpExpired = "otp-expired"
    case alreadyRegistered = "already-registered"
    case notRegistered = "not-registered"
    case tooManyDevices = "too-many-devices"
    case otpDeliveryFailed = "otp-delivery-failed"

    case unknownRecipient = "unknown-recipient"
    case unknownMedia = "unknown-media"
    case clientMessageIdReused = "client-message-id-reused"

    case digestMismatch = "digest-mismatch"
    case rangeNotSatisfiable = "range-not-satisfiable"
    case uploadOffsetMismatch = "upload-offset-mismatch"
    case uploadLocked = "upload-locked"
    case unsupportedTusVersion = "unsupported-tus-version"

    case notAnAdmin = "not-an-admin"
    case mayNotAdd = "may-not-add"
    case alreadyAMember = "already-a-member"
    case lastAdmin = "last-admin"
    case groupFull = "group-full"

    case keyIdClash = "key-id-clash"
    case devicesChanged = "devices-changed"

    case callInProgress = "call-in-progress"
    case busy = "busy"
    case callOver = "call-over"

    case rateLimited = "rate-limited"
    case unavailable = "unavailable"
    case overloaded = "overloaded"
    case draining = "draining"
    case outOfSpace = "out-of-space"
    case internalError = "internal-error"
}

/// What the catalogue says of one problem.
package struct ProblemDescription: Sendable {
    package let status: Int
    package let title: String
    /// Whether the same request may succeed later without a change.
    package let retryable: Bool
    /// What happened, for the page and as the `detail` of answers that have none of their own.
    package let explanation: String
    /// What a client does about it.
    package let remedy: String
}

extension ProblemCode {
    package var description: ProblemDescription {
        switch self {
        case .unauthenticated, .invalidToken, .tokenExpired, .sessionRevoked, .refreshTokenInvalid: authenticationDescription
        case .otpIncorrect, .otpExpired, .alreadyRegistered, .notRegistered, .tooManyDevices, .otpDeliveryFailed: accountDescription
        case .digestMismatch, .rangeNotSatisfiable, .uploadOffsetMismatch, .uploadLocked, .unsupportedTusVersion: mediaDescription
        case .unknownRecipient, .unknownMedia, .clientMessageIdReused: messageDescription
        case .notAnAdmin, .mayNotAdd, .alreadyAMember, .lastAdmin, .groupFull: groupDescription
        case .callInProgress, .busy, .callOver: callDescription
        case .keyIdClash, .devicesChanged: keyDescription
        case .rateLimited, .unavailable, .overloaded, .draining, .outOfSpace, .internalError: serverDescription
        default: requestDescription
        }
    }

    private static func row(
        _ status: Int, _ title: String, retryable: Bool = false, _ explanation: String, remedy: String
    ) -> ProblemDescription {
        ProblemDescription(status: status, title: title, retryable: retryable, explanation: explanation, remedy: remedy)
    }

    private var authenticationDescription: ProblemDescription {
        switch self {
        case .invalidToken:
            Self.row(
                401, "The access token is not known", "The bearer token is not one that this server has issued, or it has long been forgotten.",
                remedy: "Refresh the session with refreshToken; if that fails too, log in again.")
        case .tokenExpired:
            Self.row(
                401, "The access token has expired", "Access tokens are short-lived, and a refresh ends the one before.",
                remedy: "Call refreshToken, store the new tokens, and send the request again.")
        case .sessionRevoked:
            Self.row(
                401, "This device has been removed", "The device was logged out or removed; its inbox, keys and tokens are gone.",
                remedy: "Forget the tokens and log in again.")
        case .refreshTokenInvalid:
            Self.row(
                401, "The refresh token is not valid",
                "The refresh token is unknown, expired, or was used again after its successor. A replay revokes the device.",
                remedy: "Forget the tokens and log in again.")
        default:
            Self.row(
                401, "Credentials are missing", "The request has no `Authorization: Bearer` header.",
                remedy: "Send the access token of a session made by register, login or refreshToken.")
        }
    }

    private var accountDescription: ProblemDescription {
        switch self {
        case .otpIncorrect:
            Self.row(
                403, "The one-time password is not right",
                "The six digits are not those that were sent; `attemptsLeft` says how many tries are left.",
                remedy: "Let the person type the digits again.")
        case .otpExpired:
            Self.row(
                403, "The one-time password is no longer good", "It has expired, was used, was replaced by a newer one, or was tried too often.",
                remedy: "Ask for a new one with sendOTP.")
        case .alreadyRegistered:
            Self.row(
                409, "The number is already registered", "A user with this mobile number exists. The one-time password stays good.",
                remedy: "Call login with the same one-time password.")
        case .notRegistered:
            Self.row(
                404, "The number is not registered", "There is no user with this mobile number. The one-time password stays good.",
                remedy: "Call register with the same one-time password.")
        case .otpDeliveryFailed:
            Self.row(
                502, "The one-time password could not be delivered", retryable: true, "Whoever delivers one-time passwords did not take this one.",
                remedy: "Ask for a new one a little later.")
        default:
            Self.row(
                409, "The account has too many devices", "The account has as many devices as the limit `devicesPerUser` allows.",
                remedy: "Remove a device with removeDevice from one of the others, then log in again.")
        }
    }

    private var messageDescription: ProblemDescription {
        switch self {
        case .unknownRecipient:
            Self.row(404, "There is no such recipient", "No user has the id given in `to`.", remedy: "Look the number up again with lookupUsers.")
        case .unknownMedia:
            Self.row(
                404, "There is no such media", "No media that the caller may see has this id.", remedy: "Upload the media again and use the new id.")
        default:
            Self.row(
                422, "The clientMessageId was used for another message",
                "This sender has sent a different body, or to a different recipient, under the same clientMessageId.",
                remedy: "Make a new UUID for each message, and repeat a send only unchanged.")
        }
    }

    private var groupDescription: ProblemDescription {
        switch self {
        case .notAnAdmin:
            Self.row(403, "Only an admin may do this", "The caller is a member of the group, but no admin.", remedy: "Ask an admin of the group.")
        case .mayNotAdd:
            Self.row(
                403, "This user may not be added", "The privacy setting `groups` of that user does not let the caller add them.",
                remedy: "Ask that person to change the setting, or to join by themselves.")
        case .alreadyAMember:
            Self.row(409, "This user is already a member", "The group has this member already.", remedy: "Nothing is left to do.")
        case .lastAdmin:
            Self.row(
                409, "The group's only admin", "A group has an admin at all times, and this member is the only one.",
                remedy: "Make somebody else admin first.")
        default:
            Self.row(
                422, "The group is full", "The group has as many members as the limit `groupMembers` allows.",
                remedy: "Remove a member first, or make another group.")
        }
    }

    private var keyDescription: ProblemDescription {
        switch self {
        case .devicesChanged:
            Self.row(
                409, "The devices have changed",
                "The message was not stored: its ciphertexts are not one for each device with keys of the recipients and the sender's others.",
                remedy: "Leave `extra` out, begin sessions with `missing` (see `bundles`) and, by claimKeys, with `stale`; then send it again.")
        default:
            Self.row(
                409, "A key id is taken",
                "The device has uploaded another key under this `keyId`, or the key of this id was handed out. The others are stored.",
                remedy: "Make new keys with ids that were never used, in place of those that `errors` points at.")
        }
    }

    private var serverDescription: ProblemDescription {
        switch self {
        case .rateLimited:
            Self.row(
                429, "Too many requests", retryable: true, "The limit named in `scope` is used up for now.",
                remedy: "Wait for the seconds in Retry-After, then send the request again.")
        case .unavailable:
            Self.row(
                503, "The service is not available", retryable: true,
                "The database, or another service that this needs, cannot be reached. A send that is answered so may or may not have been stored.",
                remedy: "Wait for the seconds in Retry-After and send the request again, unchanged: a clientMessageId makes the repetition harmless.")
        case .overloaded:
            Self.row(
                503, "The server has too much to do", retryable: true, "More requests are waiting than the server can serve in good time.",
                remedy: "Wait for the seconds in Retry-After and send the request again.")
        case .draining:
            Self.row(
                503, "The server is shutting down", retryable: true, "This node is about to stop and takes no new work.",
                remedy: "Connect again; another node, or this one after its restart, will answer.")
        case .outOfSpace:
            Self.row(
                507, "The server has no space left", retryable: true,
                "The message could not be stored, because the disk is full. Nothing was stored.",
                remedy: "Try again later. Fetching still works, and so does acknowledging where nobody is owed a receipt.")
        default:
            Self.row(
                500, "Something went wrong inside the server", retryable: true, "The request ran into a fault of the server.",
                remedy: "Try again later; if it stays so, report the requestId to whoever runs the server.")
        }
    }
}
