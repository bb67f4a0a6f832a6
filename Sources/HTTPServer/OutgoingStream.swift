internal import CMicrohttpd

/// A streamed body as libmicrohttpd pulls it, on the worker's thread only.
final class OutgoingStream {
    /// Bytes that libmicrohttpd has taken.
    private(set) var taken = 0
    /// Its source has failed, or ended early.
    private(set) var hasFailed = false
    private let length: Int
    private let body: OutgoingBody
    private weak var connection: Connection?

    /// The most that libmicrohttpd keeps of it.
    private static let blockBytes = 32_768

    init(_ stream: BodyStream, on connection: Connection, proceed: @escaping @Sendable () -> Void) {
        length = stream.length
        body = OutgoingBody(stream, proceed: proceed)
        self.connection = connection
    }

    /// The client has all, or is gone.
    func close() {
        body.close()
    }

    /// A response in libmicrohttpd's form that owns a reference to this.
    func makeResponse() -> OpaquePointer? {
        let context = Unmanaged.passRetained(self)
        let handle = MHD_create_response_from_callback(UInt64(length), Self.blockBytes, streamWanted, context.toOpaque(), streamReleased)
        if handle == nil { context.release() }
        return handle
    }

    /// What libmicrohttpd is told: how many bytes were put into the buffer, 0 where the connection is paused instead, or a failure.
    fileprivate func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let connection, !connection.isCut else { return Self.failure }
        connection.worker.callbacks &+= 1
        switch body.copy(into: buffer) {
        case .copied(let count):
            taken += count
            return count
        case .wait:
            connection.pause()
            return 0
        case .failed:
            hasFailed = true
            return Self.failure
        }
    }

    /// Source: microhttpd.h, MHD_CONTENT_READER_END_WITH_ERROR, a macro that Swift does not see.
    private static let failure = -2
}

private func streamWanted(context: UnsafeMutableRawPointer?, position: UInt64, buffer: UnsafeMutablePointer<CChar>?, count: Int) -> Int {
    guard let context, let buffer else { return 0 }
    return Unmanaged<OutgoingStream>.fromOpaque(context).takeUnretainedValue().fill(UnsafeMutableRawBufferPointer(start: buffer, count: count))
}

private func streamReleased(context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    Unmanaged<OutgoingStream>.fromOpaque(context).release()
}
