/// A UUID as PostgreSQL's `uuid` type holds it: 128 bits, ordered as the server orders them.
///
/// Kept as two words, not as 16 bytes in memory, so that hashing and comparing cost two instructions each.
package struct Identifier: Hashable, Sendable, Comparable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func < (left: Identifier, right: Identifier) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }
}

extension Identifier: CustomStringConvertible {
    /// Reads the 36-character form `8-4-4-4-12`, in upper- or lower-case hexadecimal; anything else is nil.
    package init?(_ text: some StringProtocol) {
        let parsed = text.utf8.withContiguousStorageIfAvailable { Identifier(utf8: $0) }
        guard let identifier = parsed ?? Array(text.utf8).withUnsafeBufferPointer({ Identifier(utf8: $0) }) else { return nil }
        self = identifier
    }

    /// Reads the same form from bytes.
    package init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
        guard bytes.count == Identifier.textLength else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for position in 0..<Identifier.textLength {
            let byte = bytes[position]
            if Identifier.isHyphen(at: position) {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = hexadecimalValue(of: byte) else { return nil }
            words = (words.0 << 4 | words.1 >> 60, words.1 << 4 | digit)
        }
        self.init(high: words.0, low: words.1)
    }

    /// Appends the lower-case 36-character form as ASCII.
    package func write(into bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Identifier.textLength) { text in
            write(to: text)
            bytes.append(contentsOf: text)
        }
    }

    package var description: String {
        String(unsafeUninitializedCapacity: Identifier.textLength) { text in
            write(to: text)
            return Identifier.textLength
        }
    }

    private static let textLength = 36

    private static func isHyphen(at position: Int) -> Bool {
        position == 8 || position == 13 || position == 18 || position == 23
    }

    private func write(to text: UnsafeMutableBufferPointer<UInt8>) {
        var words = (high, low)
        for position in 0..<Identifier.textLength {
            if Identifier.isHyphen(at: position) {
                text.initializeElement(at: position, to: UInt8(ascii: "-"))
                continue
            }
            let digit = UInt8(truncatingIfNeeded: words.0 >> 60)
            text.initializeElement(at: position, to: digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
            words = (words.0 << 4 | words.1 >> 60, words.1 << 4)
        }
    }
}

private func hexadecimalValue(of byte: UInt8) -> UInt64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
}
