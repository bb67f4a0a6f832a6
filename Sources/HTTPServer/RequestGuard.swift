import Glibc

/// Reads a request's header fields once and decides whether the request has one meaning only.
///
/// libmicrohttpd 0.9.75 takes what may be read in two ways: Content-Length with Transfer-Encoding (chunked wins), two lengths (the
/// first wins), two Hosts, names with blanks. Behind a proxy that reads the other way, the rest of one request becomes
/// another client's next one. Nothing of that gets past here. A folded line is glued to the *name* of its field
/// (`Transfer-Encodingchunked`), which is why names that begin like the two framing fields are refused.
///
/// A NUL in the method or target, which ends it for libmicrohttpd, shows by the place of what follows.
///
/// Not to be seen from here, and therefore left to a proxy in front: a bare LF that ends a line, a NUL that ends a value or the version, a line that
/// begins with a colon and so ends the head, and the refusals of libmicrohttpd's own parser (a length or a chunk size that is no
/// number), whose status line and fields go out twice. After those the connection ends.
/// Source: RFC 9112, 3.2, 5.1 and 6.3; RFC 9110, 10.1.1.
struct RequestGuard {
    /// How a request's body is delimited.
    enum Body: Equatable {
        case none
        case length(Int)
        case chunked
    }

    private(set) var expectsContinue = false
    private let maximumBytes: Int
    private var usedBytes: Int
    private var refusal: Rejection?
    private var hosts = 0
    private var authorizations = 0
    private var length: Int?
    private var codings = 0

    /// What libmicrohttpd spends on a field besides its bytes, its colon, blank and line end among them.
    private static let entryBytes = 68
    /// A request line's method, version, blanks and end.
    private static let lineBytes = 20
    /// What the head of a response may need. libmicrohttpd builds it in the memory that the request's head has left, and where that is
    /// too little it closes the connection without a word; so such a request is refused while there is room to say so.
    private static let responseBytes = 1024

    /// Reads the fields of a request to `target` on a connection of so many bytes of memory.
    init(connectionMemory: Int, target: RequestTarget) {
        maximumBytes = min(16_384, connectionMemory - Self.responseBytes)
        usedBytes = target.byteCount + Self.lineBytes
    }

    /// Throws where there is more between the parts of the request line than a blank: libmicrohttpd's pointers to them are into that line itself.
    static func checkLine(
        method: UnsafePointer<CChar>, _ target: RequestTarget, at url: UnsafePointer<CChar>?, version: UnsafePointer<CChar>
    ) throws(Rejection) {
        // A line without a version is refused for that.
        guard let url, version.pointee != 0 else { return }
        guard url - method == strlen(method) + 1, version - url == target.byteCount + 1 else {
            throw .malformed("The request line has a character that is not allowed.")
        }
    }

    /// Takes note of one field, in the order received.
    mutating func field(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        guard refusal == nil else { return }
        do throws(Rejection) {
            try check(name, value)
        } catch {
            refusal = error
        }
    }

    /// Says how the body is delimited, or why the request is turned away. Called after the last field.
    func body(method: Method, version: UnsafePointer<CChar>) throws(Rejection) -> Body {
        let isCurrent = strcmp(version, "HTTP/1.1") == 0
        guard isCurrent || strcmp(version, "HTTP/1.0") == 0 else { throw .unsupportedVersion }
        if let refusal { throw refusal }
        guard hosts == 1 || (hosts == 0 && !isCurrent) else { throw .malformed("A request has exactly one Host.") }
        guard length == nil || codings == 0 else { throw .malformed("A request has a Content-Length or a Transfer-Encoding, not both.") }
        guard isCurrent || codings == 0 else { throw .malformed("HTTP/1.0 has no Transfer-Encoding.") }
        if !method.allowsBody {
            guard codings == 0, length ?? 0 == 0 else { throw .malformed("\(method.name) has no body.") }
            return .none
        }
        guard isCurrent || length != nil else { throw .lengthRequired }
        if codings > 0 { return .chunked }
        guard let length, length > 0 else { return .none }
        return .length(length)
    }

    private mutating func check(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) throws(Rejection) {
        usedBytes += name.count + value.count + Self.entryBytes
        guard usedBytes <= maximumBytes else { throw .headersTooLarge }
        guard !name.isEmpty, name.allSatisfy(isToken) else { throw .malformed("A header field has a name that is not allowed.") }
        guard value.allSatisfy(isFieldByte) else { throw .malformed("A header field has a control character.") }
        switch name.count {
        case 4 where matches(name, "host"): try host(value)
        case 6 where matches(name, "cookie"): usedBytes += value.count  // Kept twice.
        case 6 where matches(name, "expect"): try expect(value)
        case 13 where matches(name, "authorization"): try authorization()
        case 14 where matches(name, "content-length"): try contentLength(value)
        case 17 where matches(name, "transfer-encoding"): try transferEncoding(value)
        case 14... where matches(name, "content-length", prefix: 14) || matches(name, "transfer-encoding", prefix: 17):
            throw .malformed("A header field has a name that is easily mistaken.")
        default: break
        }
    }

    private mutating func host(_ value: UnsafeBufferPointer<UInt8>) throws(Rejection) {
        hosts += 1
        guard hosts == 1, value.allSatisfy(isHostByte) else { throw .malformed("A request has exactly one Host.") }
    }

    private mutating func authorization() throws(Rejection) {
        authorizations += 1
        guard authorizations == 1 else { throw .malformed("A request has at most one Authorization.") }
    }

    private mutating func expect(_ value: UnsafeBufferPointer<UInt8>) throws(Rejection) {
        guard value.count == 12, matches(value, "100-continue") else { throw .expectationFailed }
        expectsContinue = true
    }

    private mutating func transferEncoding(_ value: UnsafeBufferPointer<UInt8>) throws(Rejection) {
        codings += 1
        guard codings == 1 else { throw .malformed("A request has at most one Transfer-Encoding.") }
        guard value.count == 7, matches(value, "chunked") else { throw .unsupportedTransferCoding }
    }

    /// Eighteen digits are below 2^63; libmicrohttpd uses 2^64 - 1 for "unknown".
    private mutating func contentLength(_ value: UnsafeBufferPointer<UInt8>) throws(Rejection) {
        guard length == nil else { throw .malformed("A request has at most one Content-Length.") }
        guard !value.isEmpty, value.allSatisfy({ (0x30...0x39).contains($0) }) else { throw .malformed("Content-Length is not a number.") }
        // A length beyond any limit is that, and not malformed, however many digits it has.
        length = value.drop { $0 == 0x30 }.count > 18 ? Int.max : value.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}

/// Whether `bytes` begin with the first `prefix` bytes of `word` (all of it if absent); case does not count, and an underscore counts
/// as a hyphen, because gateways that make variable names of fields take the one for the other.
private func matches(_ bytes: UnsafeBufferPointer<UInt8>, _ word: StaticString, prefix: Int? = nil) -> Bool {
    let count = prefix ?? word.utf8CodeUnitCount
    guard bytes.count >= count else { return false }
    for index in 0..<count {
        var byte = bytes[index]
        if (0x41...0x5A).contains(byte) { byte |= 0x20 }
        if prefix != nil, byte == UInt8(ascii: "_") { byte = UInt8(ascii: "-") }
        guard byte == word.utf8Start[index] else { return false }
    }
    return true
}

/// Source: RFC 9110, 5.6.2.
private func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"),
        UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"),
        UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
        true
    default: false
    }
}

/// Source: RFC 9110, 5.5.
private func isFieldByte(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != 0x7F || byte == 0x09
}

/// A host and a port; an empty value is allowed. Source: RFC 9110, 7.2.
private func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "_"),
        UInt8(ascii: "~"), UInt8(ascii: "%"):
        true
    default: false
    }
}
