/// A UUID as two words, read from and written to its 36 ASCII characters without a String in between.
package struct Identifier: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads the form 8-4-4-4-12; nil where these bytes are anything else.
    package init?(_ text: Span<UInt8>) {
        guard text.count == Self.textLength else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for position in 0..<Self.textLength {
            let byte = text[position]
            if Self.isHyphen(position) {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let nibble = Self.nibble(of: byte) else { return nil }
            if digits < 16 {
                words.0 = words.0 << 4 | nibble
            } else {
                words.1 = words.1 << 4 | nibble
            }
            digits += 1
        }
        self.init(high: words.0, low: words.1)
    }

    /// Appends the lower-case text form.
    package func append(to bytes: inout [UInt8]) {
        var shift = 60
        var word = high
        for position in 0..<Self.textLength {
            if Self.isHyphen(position) {
                bytes.append(UInt8(ascii: "-"))
                continue
            }
            let nibble = UInt8(truncatingIfNeeded: word >> UInt64(shift) & 0xf)
            bytes.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
            if shift == 0 {
                shift = 60
                word = low
            } else {
                shift -= 4
            }
        }
    }

    static let textLength = 36

    private static func isHyphen(_ position: Int) -> Bool {
        position == 8 || position == 13 || position == 18 || position == 23
    }

    private static func nibble(of byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
