/// How long a connection may take for each part of a request. All times are milliseconds.
struct DeadlinePolicy: Sendable {
    let head: Int64
    let idle: Int64
    private let body: Int64
    private let response: Int64
    private let streamBytesPerSecond: Int

    /// A held exchange is watched after this: most polls that are answered at once need no watch.
    static let unwatched: Int64 = 500

    init(_ configuration: ServerConfiguration) {
        head = Int64(configuration.headSeconds) * 1000
        idle = Int64(configuration.idleSeconds) * 1000
        body = Int64(configuration.bodySeconds) * 1000
        response = Int64(configuration.responseSeconds) * 1000
        streamBytesPerSecond = configuration.streamBytesPerSecond
    }

    func body(bytes: Int) -> Int64 { body + Self.allowance(bytes: bytes) }
    func response(bytes: Int) -> Int64 { response + Self.allowance(bytes: bytes) }

    /// The windows in which a stream has to get on, and what it has to move in one; see `ProgressWindow`.
    var incomingWindow: Int64 { body }
    var outgoingWindow: Int64 { response }
    var incomingQuota: Int { Int(body / 1000) * streamBytesPerSecond }
    var outgoingQuota: Int { Int(response / 1000) * streamBytesPerSecond }

    /// A deadline that suits a message cuts off every photograph on a slow link, so length buys time: a second for 16 KiB, above
    /// 128 KiB. It stays absolute; a trickle does not move it.
    private static func allowance(bytes: Int) -> Int64 {
        Int64(max(0, bytes - 131_072) / 16_384) * 1000
    }
}
