/// Walks over JSON text member by member and hands out byte ranges, so that reading an answer costs no allocation.
///
/// It trusts the text to be JSON and asks only that its brackets and quotes match; where they do not, a read returns nil or an end.
/// Strings are handed out as they stand, escapes included.
struct JSONCursor {
    private(set) var position: Int

    init(at position: Int = 0) {
        self.position = position
    }

    /// Steps over `byte` if it is the next one behind white space.
    mutating func take(_ byte: UInt8, in bytes: Span<UInt8>) -> Bool {
        skipSpace(in: bytes)
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// The range between the quotes of the string that comes next.
    mutating func string(in bytes: Span<UInt8>) -> Range<Int>? {
        guard take(UInt8(ascii: "\""), in: bytes) else { return nil }
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position - 1
            case UInt8(ascii: "\\"): position += 2
            default: position += 1
            }
        }
        return nil
    }

    /// The name of the next member of the object the cursor is in, the colon stepped over; nil at its end, which is stepped over too.
    mutating func member(in bytes: Span<UInt8>) -> Range<Int>? {
        if take(UInt8(ascii: "}"), in: bytes) { return nil }
        _ = take(UInt8(ascii: ","), in: bytes)
        guard let name = string(in: bytes), take(UInt8(ascii: ":"), in: bytes) else { return nil }
        return name
    }

    /// Whether the array the cursor is in has a further element; its end is stepped over.
    mutating func element(in bytes: Span<UInt8>) -> Bool {
        if take(UInt8(ascii: "]"), in: bytes) { return false }
        _ = take(UInt8(ascii: ","), in: bytes)
        skipSpace(in: bytes)
        return position < bytes.count
    }

    /// Steps over the value that comes next, whatever it is.
    mutating func skipValue(in bytes: Span<UInt8>) {
        skipSpace(in: bytes)
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): _ = string(in: bytes)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
                continue
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // A bracket that was not opened here belongs to whoever reads on.
                guard depth > 0 else { return }
                depth -= 1
                position += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                guard depth > 0 else { return }
                position += 1
                continue
            default:
                skipScalar(in: bytes)
                // Inside brackets only their closing ends the value.
                if depth > 0 { continue }
            }
            if depth == 0 { return }
        }
    }

    private mutating func skipScalar(in bytes: Span<UInt8>) {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: "\""), UInt8(ascii: ":"),
                UInt8(ascii: "{"), UInt8(ascii: "["):
                return
            default: position += 1
            }
        }
    }

    private mutating func skipSpace(in bytes: Span<UInt8>) {
        while position < bytes.count, bytes[position] <= 0x20 { position += 1 }
    }
}

extension Span<UInt8> {
    /// The string member of that name of the object that these bytes are.
    func stringMember(_ name: StaticString) -> Range<Int>? {
        var cursor = JSONCursor()
        guard cursor.take(UInt8(ascii: "{"), in: self) else { return nil }
        while let member = cursor.member(in: self) {
            if equals(name, in: member) { return cursor.string(in: self) }
            cursor.skipValue(in: self)
        }
        return nil
    }
}
