/// A request target, checked and decoded: an absolute path and its query.
///
/// libmicrohttpd's own reading of a target ends at a NUL, decodes `%2e%2e%2f`, and keeps `//`; what a proxy in front and the
/// server make of one target must never differ. So the target is taken raw and everything that has two readings is refused.
struct RequestTarget {
    /// Room for a hundred ids in a query.
    static let maximumBytes = 4608

    let byteCount: Int
    let path: String
    /// In the order sent; a name may come more than once. `+` is a plus sign.
    let query: [(name: String, value: String)]

    /// Source: RFC 3986, 2.1 and 3.3; RFC 9112, 3.2.1 (origin-form).
    init(_ raw: UnsafeBufferPointer<UInt8>) throws(Rejection) {
        guard raw.count <= Self.maximumBytes else { throw .uriTooLong }
        guard raw.first == UInt8(ascii: "/") else { throw .malformed("The request target does not start with a slash.") }
        byteCount = raw.count
        let end = raw.firstIndex(of: UInt8(ascii: "?")) ?? raw.count
        path = try Self.path(UnsafeBufferPointer(rebasing: raw[..<end]))
        query = end == raw.count ? [] : try Self.query(UnsafeBufferPointer(rebasing: raw[(end + 1)...]))
    }

    private static func path(_ raw: UnsafeBufferPointer<UInt8>) throws(Rejection) -> String {
        var segmentStart = 1
        var isEscaped = false
        for (index, byte) in raw.enumerated() {
            guard isTargetByte(byte) else { throw .malformed("The request target has a character that is not allowed.") }
            if byte == UInt8(ascii: "%") { isEscaped = true }
            if byte == UInt8(ascii: "/"), index > 0 {
                guard index > segmentStart else { throw .malformed("The path has an empty segment.") }
                try refuseDots(raw[segmentStart..<index])
                segmentStart = index + 1
            }
        }
        try refuseDots(raw[segmentStart...])
        return isEscaped ? try decode(raw, isPath: true) : String(decoding: raw, as: UTF8.self)
    }

    private static func refuseDots(_ segment: Slice<UnsafeBufferPointer<UInt8>>) throws(Rejection) {
        guard segment.count == 1 || segment.count == 2, segment.allSatisfy({ $0 == UInt8(ascii: ".") }) else { return }
        throw .malformed("The path has a dot segment.")
    }

    private static func query(_ raw: UnsafeBufferPointer<UInt8>) throws(Rejection) -> [(name: String, value: String)] {
        guard raw.allSatisfy(isTargetByte) else { throw .malformed("The request target has a character that is not allowed.") }
        var pairs: [(name: String, value: String)] = []
        for pair in raw.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "="))
            let name = try decode(UnsafeBufferPointer(rebasing: pair[..<(equals ?? pair.endIndex)]), isPath: false)
            let value = try equals.map { index throws(Rejection) in
                try decode(UnsafeBufferPointer(rebasing: pair[(index + 1)...]), isPath: false)
            }
            pairs.append((name, value ?? ""))
        }
        return pairs
    }

    private static func decode(_ raw: UnsafeBufferPointer<UInt8>, isPath: Bool) throws(Rejection) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(raw.count)
        var index = 0
        while index < raw.count {
            guard raw[index] == UInt8(ascii: "%") else {
                bytes.append(raw[index])
                index += 1
                continue
            }
            guard index + 2 < raw.count, let high = hexadecimal(raw[index + 1]), let low = hexadecimal(raw[index + 2]) else {
                throw .malformed("The request target has an incomplete percent-escape.")
            }
            let byte = high << 4 | low
            guard byte >= 0x20, byte != 0x7F else { throw .malformed("The request target has an escaped control character.") }
            guard !isPath || !isPathSyntax(byte) else { throw .malformed("The path has an escaped slash, backslash or dot.") }
            bytes.append(byte)
            index += 3
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed("The request target is not UTF-8.") }
        return text
    }

    /// Visible ASCII, less what no URI contains and parsers disagree on.
    private static func isTargetByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"): false
        default: byte > 0x20 && byte < 0x7F
        }
    }

    private static func isPathSyntax(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: ".")
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
