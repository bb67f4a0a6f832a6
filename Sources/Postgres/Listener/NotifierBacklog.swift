/// The payloads that wait to be sent: the newest, up to a bound.
///
/// Pure state; `Notifier` locks it and `NotifierSession` empties it.
struct NotifierBacklog {
    let capacity: Int

    /// A ring once it is full: then `oldest` is where the next one goes.
    private var waiting: [String] = []
    private var oldest = 0
    private(set) var isClosed = false
    private(set) var dropped = 0
    private(set) var sent = 0

    /// In bytes; the server's limit is 7,999 in its own encoding.
    static let longestPayload = 7_900

    init(capacity: Int) {
        self.capacity = capacity
    }

    var count: Int { waiting.count }

    /// False when the payload is not taken: too long, with a NUL in it, which no text in PostgreSQL may have, or after the end.
    mutating func add(_ payload: String) -> Bool {
        guard !isClosed, payload.utf8.count <= NotifierBacklog.longestPayload, !payload.utf8.contains(0) else {
            dropped += 1
            return false
        }
        append(payload)
        return true
    }

    /// All that wait, in the order in which they came.
    mutating func take() -> [String] {
        let batch = Array(waiting[oldest...] + waiting[..<oldest])
        waiting.removeAll(keepingCapacity: true)
        oldest = 0
        return batch
    }

    /// Puts a batch that was not sent before those that have come since.
    mutating func putBack(_ batch: [String]) {
        let since = take()
        for payload in batch + since { append(payload) }
    }

    mutating func finish(_ batch: [String], isSent: Bool) {
        if isSent { sent += batch.count } else { dropped += batch.count }
    }

    mutating func close() {
        isClosed = true
    }

    private mutating func append(_ payload: String) {
        guard waiting.count == capacity else { return waiting.append(payload) }
        dropped += 1
        waiting[oldest] = payload
        oldest = (oldest + 1) % capacity
    }
}
