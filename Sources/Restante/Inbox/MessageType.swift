import Postgres

/// What a message can be.
enum MessageType: String, CaseIterable, Sendable {
    case text = "TEXT"
    case image = "IMAGE"
    case video = "VIDEO"
    case audio = "AUDIO"
    case voice = "VOICE"
    case document = "DOCUMENT"
    case location = "LOCATION"
    case contact = "CONTACT"
    case reaction = "REACTION"
    case typing = "TYPING"
    case untyped = "UNTYPED"

    /// Kept in memory only, shown to who is there, and lost otherwise.
    var isEphemeral: Bool { self == .typing || self == .untyped }
}

/// The media that a message shows.
struct MediaReference: Sendable {
    let mediaId: Identifier
    let caption: String?
}
