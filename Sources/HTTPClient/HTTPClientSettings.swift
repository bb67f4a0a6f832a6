/// What a client allows and expects of the servers it talks to. At most 64 connections are open, and 256 requests under way.
package struct HTTPClientSettings: Sendable {
    /// From the first look at the name to the end of the TLS handshake.
    package var connectTimeout = Duration.seconds(3)
    /// The whole request, its answer included.
    package var totalTimeout = Duration.seconds(10)
    /// How long less than a kilobyte a second may come or go; nil: no matter. For requests whose whole may take long.
    package var stallTimeout: Duration?
    /// Bytes of an answer's body.
    package var largestResponse = 1 << 20
    package var version = HTTPVersion.http1
    /// A PEM file of certificate authorities that are trusted besides the system's.
    package var extraCAFile: String?
    /// Plain `http` to any host; without this only to the machine itself.
    package var allowsPlainHTTP = false

    package init() {}

    /// Whether a client with these settings would ask this URL at all.
    package func allows(_ url: String) -> Bool {
        RequestURL.allows(url, self)
    }
}

/// Which HTTP a client would like to speak.
package enum HTTPVersion: Sendable {
    case http1
    /// HTTP/2 over TLS where the server agrees (ALPN), HTTP/1.1 otherwise; many requests share one connection.
    case http2
}

extension Duration {
    /// For libcurl, where 0 would mean "for ever".
    var milliseconds: Int {
        let whole = components.seconds.multipliedReportingOverflow(by: 1000)
        guard !whole.overflow, whole.partialValue < Int64(Int32.max) else { return Int(Int32.max) }
        return max(1, Int(whole.partialValue + components.attoseconds / 1_000_000_000_000_000))
    }
}
