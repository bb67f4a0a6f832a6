/// Base64 in the one form that stands for some bytes: the standard alphabet, padded, no line breaks, no stray bits behind the last byte.
///
/// Two texts for the same bytes would make two requests out of one, so all other forms are refused. Source: RFC 4648, sections 3.5 and 4.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")
    private static let noDigit: UInt8 = 0xff
    /// The value of each byte that is a digit.
    private static let values = alphabet.enumerated().reduce(into: [UInt8](repeating: noDigit, count: 256)) { $0[Int($1.element)] = UInt8($1.offset) }

    /// How many bytes a text stands for; nil where it is not in that form.
    static func decodedCount(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
        guard text.count.isMultiple(of: 4) else { return nil }
        guard let last = text.last else { return 0 }
        let padded = last != padding ? 0 : text[text.count - 2] != padding ? 1 : 2
        let digits = text.count - padded
        guard text.prefix(digits).allSatisfy({ values[Int($0)] != noDigit }) else { return nil }
        // What the last digit holds beyond the last byte is zero.
        let unused: UInt8 = padded == 0 ? 0 : padded == 1 ? 0b11 : 0b1111
        guard values[Int(text[digits - 1])] & unused == 0 else { return nil }
        return text.count / 4 * 3 - padded
    }

    /// The bytes that a text stands for; nil where it is not in that form.
    static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard let count = decodedCount(text) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 2)
        for start in stride(from: 0, to: text.count, by: 4) {
            let group = text[start..<start + 4].reduce(UInt32(0)) { $0 << 6 | ($1 == padding ? 0 : UInt32(values[Int($1)])) }
            bytes.append(UInt8(group >> 16))
            bytes.append(UInt8(group >> 8 & 0xff))
            bytes.append(UInt8(group & 0xff))
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let chunk = bytes[start..<min(start + 3, bytes.count)]
            let group = (0..<3).reduce(UInt32(0)) { $0 << 8 | ($1 < chunk.count ? UInt32(bytes[start + $1]) : 0) }
            for digit in 0..<4 {
                text.append(digit <= chunk.count ? alphabet[Int(group >> UInt32(18 - 6 * digit) & 0x3f)] : padding)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
