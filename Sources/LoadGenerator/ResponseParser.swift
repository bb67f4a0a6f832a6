/// Finds the end of one HTTP/1.1 response in bytes that arrive piece by piece.
///
/// Each call gets all bytes from the response's first one on; what an earlier call found out is not looked for again. Only what
/// the server under load sends is understood: a status line, headers, and a body of a declared length. Anything else is malformed.
/// Source: RFC 9112.
package struct ResponseParser {
    /// One whole response: where its body lies, and how many bytes it takes in all.
    package struct Response: Equatable {
        package var status: Int
        package var body: Range<Int>
        package var closesConnection: Bool
        package var length: Int { body.upperBound }
    }

    package enum Progress: Equatable {
        case incomplete
        case complete(Response)
        case malformed
    }

    private var scanned = 0
    private var head: Response?

    package init() {}

    package mutating func parse(_ bytes: Span<UInt8>) -> Progress {
        if head == nil {
            guard let end = endOfHead(in: bytes) else {
                return scanned > Self.longestHead ? .malformed : .incomplete
            }
            guard let parsed = Self.readHead(bytes, end: end) else { return .malformed }
            head = parsed
        }
        guard let response = head, response.length <= bytes.count else { return .incomplete }
        self = ResponseParser()
        return .complete(response)
    }

    private static let longestHead = 16_384

    /// The offset just behind the empty line that ends the head.
    private mutating func endOfHead(in bytes: Span<UInt8>) -> Int? {
        var position = scanned
        while position + 3 < bytes.count {
            if bytes[position] == .carriageReturn, bytes[position + 1] == .lineFeed,
                bytes[position + 2] == .carriageReturn, bytes[position + 3] == .lineFeed
            {
                return position + 4
            }
            position += 1
        }
        scanned = position
        return nil
    }

    private static func readHead(_ bytes: Span<UInt8>, end: Int) -> Response? {
        // "HTTP/1.1 201": the status is at a fixed place.
        guard end >= 16, bytes.starts(with: "HTTP/1.1 ", at: 0), let status = bytes.decimal(in: 9..<12) else { return nil }
        var contentLength: Int?
        var closes = false
        var lineStart = 12
        while lineStart < end {
            var lineEnd = lineStart
            while bytes[lineEnd] != .carriageReturn { lineEnd += 1 }
            if bytes.startsIgnoringCase(with: "content-length:", at: lineStart) {
                guard contentLength == nil, let value = bytes.decimal(in: lineStart + 15..<lineEnd) else { return nil }
                contentLength = value
            } else if bytes.startsIgnoringCase(with: "connection: close", at: lineStart) {
                closes = true
            } else if bytes.startsIgnoringCase(with: "transfer-encoding:", at: lineStart) {
                return nil
            }
            lineStart = lineEnd + 2
        }
        let hasNoBody = status == 204 || status == 304
        guard let length = hasNoBody ? 0 : contentLength else { return nil }
        return Response(status: status, body: end..<end + length, closesConnection: closes)
    }
}
