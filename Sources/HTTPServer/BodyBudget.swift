import Synchronization

/// The memory in which bodies are gathered, over all connections of a server.
///
/// A body is gathered before it is known who sends it, and thousands of clients may each send all of a long one but its last byte. What a
/// few messages need is not counted, so that the many small bodies cost nothing here; each connection has as much for its head, too.
final class BodyBudget: Sendable {
    /// Bytes of a body that are not counted.
    static let uncounted = 16_384

    private let limit: Int
    private let used = Atomic<Int>(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// False where there is not so much left.
    func take(_ bytes: Int) -> Bool {
        if used.add(bytes, ordering: .relaxed).newValue <= limit { return true }
        give(back: bytes)
        return false
    }

    func give(back bytes: Int) {
        used.subtract(bytes, ordering: .relaxed)
    }

    /// Bytes that are taken now.
    var bytes: Int { used.load(ordering: .relaxed) }
}

/// A body that is being gathered.
struct GatheredBody {
    private(set) var bytes: [UInt8] = []
    /// What memory it has. Small, since each request that is held keeps one of these.
    private var room: UInt32 = 0

    /// Takes a piece of a body of `expected` bytes (0: nobody knows). Memory doubles until all is there. False: the budget is used up, and the piece not taken.
    mutating func append(_ piece: UnsafeRawBufferPointer, expecting expected: Int, from budget: BodyBudget) -> Bool {
        let needed = bytes.count + piece.count
        if needed > room {
            let doubled = room == 0 ? min(expected, BodyBudget.uncounted) : min(2 * Int(room), expected == 0 ? .max : expected)
            let next = UInt32(clamping: max(needed, doubled))
            let more = Self.counted(next) - Self.counted(room)
            guard more == 0 || budget.take(more) else { return false }
            room = next
            bytes.reserveCapacity(Int(next))
        }
        bytes.append(contentsOf: piece)
        return true
    }

    /// Moves the bytes out, and gives back what was counted of them.
    mutating func take(givingBackTo budget: BodyBudget) -> [UInt8] {
        if Self.counted(room) > 0 { budget.give(back: Self.counted(room)) }
        defer { self = GatheredBody() }
        return bytes
    }

    /// What of so much memory counts.
    private static func counted(_ room: UInt32) -> Int { max(0, Int(room) - BodyBudget.uncounted) }
}
