/// One item of an inbox, as far as a load generator cares.
package struct InboxItem: Equatable {
    package enum Kind: Equatable {
        /// A message, under the sender's own id for it.
        case message(clientMessageId: Identifier)
        /// A "delivered" receipt: which of `InboxReader.receipted` it names.
        case deliveryReceipt(Range<Int>)
        case other
    }

    package var messageId: Identifier
    package var kind: Kind
}

/// Reads the answer of `fetchMessages` into buffers that it uses again for the next one.
package struct InboxReader {
    package private(set) var items: [InboxItem] = []
    /// The message ids that the receipts among `items` name, all in one array.
    package private(set) var receipted: [Identifier] = []

    package init() {}

    /// Fills `items` and `receipted`. False where the text is no inbox; what was read until then stays.
    package mutating func read(_ body: Span<UInt8>) -> Bool {
        items.removeAll(keepingCapacity: true)
        receipted.removeAll(keepingCapacity: true)
        var cursor = JSONCursor()
        guard cursor.take(UInt8(ascii: "{"), in: body) else { return false }
        var sawMessages = false
        while let name = cursor.member(in: body) {
            guard body.equals("messages", in: name) else {
                cursor.skipValue(in: body)
                continue
            }
            guard cursor.take(UInt8(ascii: "["), in: body) else { return false }
            sawMessages = true
            while cursor.element(in: body) {
                guard cursor.take(UInt8(ascii: "{"), in: body), let item = readItem(&cursor, in: body) else { return false }
                items.append(item)
            }
        }
        // A text that is cut short ends all these loops as well.
        return sawMessages && body[cursor.position - 1] == UInt8(ascii: "}")
    }

    private mutating func readItem(_ cursor: inout JSONCursor, in body: Span<UInt8>) -> InboxItem? {
        var messageId: Identifier?
        var clientMessageId: Identifier?
        var isDelivered = false
        let firstReceipted = receipted.count
        while let name = cursor.member(in: body) {
            if body.equals("messageId", in: name) {
                messageId = readIdentifier(&cursor, in: body)
            } else if body.equals("clientMessageId", in: name) {
                clientMessageId = readIdentifier(&cursor, in: body)
            } else if body.equals("status", in: name), let status = cursor.string(in: body) {
                isDelivered = body.equals("delivered", in: status)
            } else if body.equals("messageIds", in: name), cursor.take(UInt8(ascii: "["), in: body) {
                while cursor.element(in: body) {
                    guard let receiptedId = readIdentifier(&cursor, in: body) else { return nil }
                    receipted.append(receiptedId)
                }
            } else {
                cursor.skipValue(in: body)
            }
        }
        guard let messageId else { return nil }
        if let clientMessageId { return InboxItem(messageId: messageId, kind: .message(clientMessageId: clientMessageId)) }
        let isReceipt = isDelivered && receipted.count > firstReceipted
        return InboxItem(messageId: messageId, kind: isReceipt ? .deliveryReceipt(firstReceipted..<receipted.count) : .other)
    }

    private func readIdentifier(_ cursor: inout JSONCursor, in body: Span<UInt8>) -> Identifier? {
        cursor.string(in: body).flatMap { Identifier(body.extracting($0)) }
    }
}
