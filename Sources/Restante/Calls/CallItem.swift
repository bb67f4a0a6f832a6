import JSON
import Postgres

/// What happened to a call, as its items name it.
enum CallEvent: String, Sendable {
    case ringing, answered, signal, ended, missed
    case answeredElsewhere = "answered-elsewhere"
}

enum CallKind: String, CaseIterable, Sendable {
    case voice, video
}

/// The `CALL` item of an inbox.
struct CallItem: Sendable {
    let callId: Identifier
    let event: CallEvent
    let kind: CallKind
    /// Whose doing it is.
    let userId: Identifier
    var deviceId: Identifier?
    var offer: String?
    var answer: String?
    var signal: String?
    var reason: String?
    var expiresAt: Timestamp?

    func item(_ messageId: Identifier) -> InboxItem {
        let text = JSON.object([
            "type": .string("CALL"),
            "callId": .string(callId.description),
            "event": .string(event.rawValue),
            "kind": .string(kind.rawValue),
            "from": .object(["userId": .string(userId.description), "deviceId": deviceId.map { .string($0.description) }]),
            "offer": offer.map(JSON.string),
            "answer": answer.map(JSON.string),
            "signal": signal.map(JSON.string),
            "reason": reason.map(JSON.string),
            "expiresAt": expiresAt.map { .string($0.description) },
        ]).encoded()
        return InboxItem(messageId: messageId, text: Array(text.dropFirst()))
    }
}
