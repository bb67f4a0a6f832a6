/// Writes HTTP/1.1 requests of one operation, its unchanging bytes prepared once.
package struct RequestWriter: Sendable {
    private let beforeToken: [UInt8]
    private let beforeLength: [UInt8]

    /// A `POST` with a JSON body; `authenticated` ones carry a bearer token.
    package init(post path: String, to server: ServerAddress, authenticated: Bool) {
        let authorization = authenticated ? "\r\nAuthorization: Bearer " : ""
        beforeToken = Array("POST \(path) HTTP/1.1\r\nHost: \(server.authority)\(authorization)".utf8)
        beforeLength = Array("\r\nContent-Type: application/json\r\nContent-Length: ".utf8)
    }

    /// Appends the whole request.
    package func append(body: [UInt8], token: [UInt8] = [], to output: inout [UInt8]) {
        output.append(contentsOf: beforeToken)
        output.append(contentsOf: token)
        output.append(contentsOf: beforeLength)
        output.appendDecimal(body.count)
        output.append(contentsOf: Self.endOfHead)
        output.append(contentsOf: body)
    }

    /// A whole `GET`.
    package static func get(_ path: String, from server: ServerAddress) -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nHost: \(server.authority)\r\n\r\n".utf8)
    }

    private static let endOfHead = Array("\r\n\r\n".utf8)
}

extension [UInt8] {
    mutating func append(text: StaticString) {
        text.withUTF8Buffer { append(contentsOf: $0) }
    }

    /// Appends a number that is not negative.
    mutating func appendDecimal(_ value: Int) {
        if value >= 10 { appendDecimal(value / 10) }
        append(UInt8(ascii: "0") + UInt8(value % 10))
    }
}
