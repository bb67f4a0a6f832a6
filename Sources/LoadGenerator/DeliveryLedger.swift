/// The book of one run's messages: what was sent, stored, delivered and receipted, and so what was lost or came twice.
///
/// A delivery may come before the answer to its send; a receipt comes after the delivery.
package struct DeliveryLedger {
    package enum Delivery: Equatable {
        /// The first one, of a message that was due at `due`.
        case first(due: Instant)
        case duplicate
        /// Not a message of this run.
        case foreign
    }

    private struct Entry {
        var due: Instant
        var isStored = false
        var isFailed = false
        var isDelivered = false
        var isReceipted = false
    }

    package private(set) var stored = 0
    package private(set) var failed = 0
    package private(set) var delivered = 0
    package private(set) var receipted = 0
    package private(set) var duplicates = 0
    private var entries: [Entry] = []
    /// Delivered and not yet receipted.
    private var sequences: [Identifier: Int] = [:]

    package init() {}

    package var begun: Int { entries.count }

    /// Sends that neither failed nor came to their receipt.
    package private(set) var open = 0

    /// Stored messages that nobody received: what must be 0 when the run has drained.
    package var lost: Int { entries.count { $0.isStored && !$0.isDelivered } }
    /// Stored and delivered messages whose sender got no receipt.
    package var withoutReceipt: Int { entries.count { $0.isStored && $0.isDelivered && !$0.isReceipted } }

    /// Enters a message that is due at the given time; returns its number.
    package mutating func begin(due: Instant) -> Int {
        entries.append(Entry(due: due))
        open += 1
        return entries.count - 1
    }

    /// Returns when it was due.
    package mutating func markStored(_ sequence: Int) -> Instant {
        entries[sequence].isStored = true
        stored += 1
        return entries[sequence].due
    }

    package mutating func markFailed(_ sequence: Int) {
        failed += 1
        entries[sequence].isFailed = true
        // One whose answer was lost may have been receipted all the same.
        if !entries[sequence].isReceipted { open -= 1 }
    }

    package mutating func markDelivered(_ sequence: Int, messageId: Identifier) -> Delivery {
        guard entries.indices.contains(sequence) else { return .foreign }
        guard !entries[sequence].isDelivered else {
            duplicates += 1
            return .duplicate
        }
        entries[sequence].isDelivered = true
        sequences[messageId] = sequence
        delivered += 1
        return .first(due: entries[sequence].due)
    }

    /// Returns when the message was due; nil for a foreign one or one already receipted.
    package mutating func markReceipted(messageId: Identifier) -> Instant? {
        guard let sequence = sequences.removeValue(forKey: messageId) else { return nil }
        entries[sequence].isReceipted = true
        receipted += 1
        if !entries[sequence].isFailed { open -= 1 }
        return entries[sequence].due
    }
}
