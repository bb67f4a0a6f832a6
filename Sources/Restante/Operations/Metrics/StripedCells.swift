import Glibc
import Synchronization

/// A row of numbers that any thread adds to, and that is seldom read.
///
/// An addition is one relaxed atomic instruction. The row is kept several times over, and each thread adds to one of these stripes, so that threads
/// seldom fight for a cache line; reading sums the stripes. A sum that is read while others add may miss their last additions and never goes back.
///
/// Unchecked, because of the pointer: what it points to is atomic, made here and freed when nobody has this object any more.
final class StripedCells: @unchecked Sendable {
    private static let stripeBits: UInt64 = 3
    private static let stripes = 1 << Int(stripeBits)

    let count: Int
    /// From one stripe to the next: whole cache lines, and one more between them.
    private let stride: Int
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>

    init(count: Int) {
        self.count = count
        stride = (count + 7) / 8 * 8 + 8
        cells = .allocate(capacity: stride * Self.stripes)
        for index in 0..<stride * Self.stripes { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: stride * Self.stripes)
        cells.deallocate()
    }

    /// Adds to the cell at `index`, which is below `count`.
    func add(_ amount: UInt64, at index: Int) {
        precondition(index >= 0 && index < count, "no such cell")
        cells[Self.stripeOfThread * stride + index].wrappingAdd(amount, ordering: .relaxed)
    }

    subscript(index: Int) -> UInt64 {
        precondition(index >= 0 && index < count, "no such cell")
        return (0..<Self.stripes).reduce(0) { $0 &+ cells[$1 * stride + index].load(ordering: .relaxed) }
    }

    /// Threads lie megabytes apart; the multiplication spreads what differs between them over the upper bits.
    private static var stripeOfThread: Int {
        Int(truncatingIfNeeded: (UInt64(pthread_self()) &* 0x9E37_79B9_7F4A_7C15) >> (64 - stripeBits))
    }
}
