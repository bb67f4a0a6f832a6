import Postgres

/// One item of an inbox: a message, a receipt, a change of a group.
///
/// An item is rendered once, when it is made, and served as it is stored. Its text lacks only the beginning, `{"messageId":"…","sentAt":"…",`,
/// because the id is in the row's key and carries the time.
struct InboxItem: Sendable {
    let messageId: Identifier
    /// The JSON text from the first member after `sentAt` to the closing brace.
    let text: [UInt8]

    func write(into bytes: inout [UInt8]) {
        bytes.append(contentsOf: Self.beforeIdentifier)
        messageId.write(into: &bytes)
        bytes.append(contentsOf: Self.beforeTime)
        Timestamp(of: messageId).write(into: &bytes)
        bytes.append(contentsOf: Self.afterTime)
        bytes.append(contentsOf: text)
    }

    /// Bytes that `write` adds to the text.
    static let overhead = beforeIdentifier.count + 36 + beforeTime.count + 24 + afterTime.count
    private static let beforeIdentifier = Array(#"{"messageId":""#.utf8)
    private static let beforeTime = Array(#"","sentAt":""#.utf8)
    private static let afterTime = Array(#"","#.utf8)
}

/// What a poll is answered with.
struct InboxPage: Sendable {
    var items: [InboxItem] = []
    /// Whole JSON objects.
    var ephemeral: [[UInt8]] = []
    var hasMore = false
    var isSuperseded = false

    /// The first items of a page of at most so many, which ends where a read of the inbox would end it.
    static func first(_ limit: Int, of items: [InboxItem]) -> [InboxItem] {
        var bytes = 0
        return Array(
            items.prefix(limit).prefix { item in
                defer { bytes += item.text.count }
                return bytes < Int(WriterBatch.pageBytes)
            })
    }

    func encoded(at time: Timestamp) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(120 + items.reduce(0) { $0 + $1.text.count + InboxItem.overhead + 1 } + ephemeral.reduce(0) { $0 + $1.count + 1 })
        bytes.append(contentsOf: Array(#"{"messages":["#.utf8))
        for (index, item) in items.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            item.write(into: &bytes)
        }
        bytes.append(contentsOf: Array(#"],"ephemeral":["#.utf8))
        for (index, item) in ephemeral.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: item)
        }
        bytes.append(contentsOf: Array((hasMore ? #"],"hasMore":true,"# : #"],"hasMore":false,"#).utf8))
        if isSuperseded { bytes.append(contentsOf: Array(#""superseded":true,"#.utf8)) }
        bytes.append(contentsOf: Array(#""serverTime":""#.utf8))
        time.write(into: &bytes)
        bytes.append(contentsOf: Array(#""}"#.utf8))
        return bytes
    }
}
