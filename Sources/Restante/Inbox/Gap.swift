import JSON
import Postgres

/// What a device has missed: how many items ended before it came for them, and when the first and the last of these were made.
struct Gap: Sendable, Equatable {
    var dropped: Int64
    var since: Timestamp
    var until: Timestamp

    /// Nothing, from the end of time to its beginning: it changes no gap that it is added to.
    static let empty = Gap(dropped: 0, since: Timestamp(milliseconds: 253_402_300_799_999), until: Timestamp(milliseconds: 0))

    mutating func add(_ made: Timestamp) {
        self = Gap(dropped: dropped + 1, since: min(since, made), until: max(until, made))
    }

    func item(_ messageId: Identifier) -> InboxItem {
        let text = JSON.object([
            "type": .string("GAP"),
            "dropped": .integer(dropped),
            "since": .string(since.description),
            "until": .string(until.description),
        ]).encoded()
        return InboxItem(messageId: messageId, text: Array(text.dropFirst()))
    }
}
