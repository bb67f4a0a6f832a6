/// What a worker's epoll reports on, as the 64 bits that epoll keeps for each descriptor.
enum EventSource: Equatable {
    case listener
    case completions
    case daemon(Int)
    /// The connection in a slot; `watch` tells it from one that had the slot and the descriptor before.
    case peer(slot: Int, watch: UInt32)

    init(_ bits: UInt64) {
        let low = Int(bits & 0x3FFF_FFFF)
        switch bits >> 62 {
        case 0: self = .listener
        case 1: self = .completions
        case 2: self = .daemon(low)
        default: self = .peer(slot: low, watch: UInt32(truncatingIfNeeded: bits >> 30))
        }
    }

    var bits: UInt64 {
        switch self {
        case .listener: 0
        case .completions: 1 << 62
        case .daemon(let index): 2 << 62 | UInt64(index)
        case .peer(let slot, let watch): 3 << 62 | UInt64(watch) << 30 | UInt64(slot)
        }
    }
}
