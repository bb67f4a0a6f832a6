/// Comparisons of bytes with ASCII text, for parsers that make no String.
extension Span<UInt8> {
    func starts(with text: StaticString, at offset: Int) -> Bool {
        guard offset >= 0, offset + text.utf8CodeUnitCount <= count else { return false }
        return text.withUTF8Buffer { expected in
            for index in expected.indices where self[offset + index] != expected[index] { return false }
            return true
        }
    }

    /// `text` is in lower case.
    func startsIgnoringCase(with text: StaticString, at offset: Int) -> Bool {
        guard offset >= 0, offset + text.utf8CodeUnitCount <= count else { return false }
        return text.withUTF8Buffer { expected in
            for index in expected.indices {
                let byte = self[offset + index]
                let isUpperCase = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                if (isUpperCase ? byte | 0x20 : byte) != expected[index] { return false }
            }
            return true
        }
    }

    /// Whether exactly these bytes are the text.
    func equals(_ text: StaticString, in range: Range<Int>) -> Bool {
        range.count == text.utf8CodeUnitCount && starts(with: text, at: range.lowerBound)
    }

    /// The decimal number in the range, blanks around it allowed; nil where there is none or it has more than 15 digits.
    func decimal(in range: Range<Int>) -> Int? {
        var lower = range.lowerBound
        var upper = range.upperBound
        while lower < upper, self[lower] == UInt8(ascii: " ") { lower += 1 }
        while lower < upper, self[upper - 1] == UInt8(ascii: " ") { upper -= 1 }
        guard lower < upper, upper - lower <= 15 else { return nil }
        var value = 0
        for index in lower..<upper {
            guard self[index] >= UInt8(ascii: "0"), self[index] <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int(self[index] - UInt8(ascii: "0"))
        }
        return value
    }

    func text(in range: Range<Int>) -> String {
        String(decoding: range.map { self[$0] }, as: UTF8.self)
    }
}

extension UInt8 {
    static let carriageReturn = UInt8(ascii: "\r")
    static let lineFeed = UInt8(ascii: "\n")
}
