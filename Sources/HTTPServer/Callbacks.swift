internal import CMicrohttpd
import Glibc

// What libmicrohttpd calls, always on the thread that runs the daemon. `context` is the worker. A connection's socket context, and
// from the request line on its request context, is the `Connection`: retained at the start, released at the close.

func makeCallbacks(_ worker: Worker) -> mhd_callbacks {
    mhd_callbacks(
        context: Unmanaged.passUnretained(worker).toOpaque(),
        target: requestTargetReceived,
        unescape: leaveEscaped,
        access: requestAdvanced,
        completed: requestCompleted,
        notify: connectionNotified)
}

/// The request line is there and nothing in it has been decoded or cut yet.
/// Source: microhttpd.h, MHD_OPTION_URI_LOG_CALLBACK.
private func requestTargetReceived(
    context: UnsafeMutableRawPointer?, target: UnsafePointer<CChar>?, handle: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    note(context)
    guard let handle, let connection = mhd_socket_context(handle) else { return nil }
    Unmanaged<Connection>.fromOpaque(connection).takeUnretainedValue().begin(target: target)
    if let target { hideQuery(of: target) }
    return connection
}

/// Ends the target behind its question mark. libmicrohttpd takes 64 bytes of the connection's memory for each parameter, which nobody reads there, and
/// closes the connection without a word when none are left. The text is libmicrohttpd's own read buffer, which it is about to cut at that place itself.
private func hideQuery(of target: UnsafePointer<CChar>) {
    guard let mark = strchr(target, Int32(UInt8(ascii: "?"))) else { return }
    mark[1] = 0
}

/// libmicrohttpd's own decoding is not wanted: `RequestTarget` reads the raw target.
/// Source: microhttpd.h, MHD_OPTION_UNESCAPE_CALLBACK (returns the length of the decoded text).
private func leaveEscaped(
    context: UnsafeMutableRawPointer?, handle: OpaquePointer?, text: UnsafeMutablePointer<CChar>?
) -> Int {
    guard let text else { return 0 }
    return strlen(text)
}

/// Called once for the head, once for each piece of body, once for the end, and once more after an exchange was abandoned.
private func requestAdvanced(
    context: UnsafeMutableRawPointer?, handle: OpaquePointer?, url: UnsafePointer<CChar>?, method: UnsafePointer<CChar>?,
    version: UnsafePointer<CChar>?, data: UnsafePointer<CChar>?, count: UnsafeMutablePointer<Int>?,
    request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    note(context)
    guard let connection = request?.pointee, let method, let version, let count else { return .NO }
    let body = UnsafeRawBufferPointer(start: data, count: count.pointee)
    count.pointee = 0
    return Unmanaged<Connection>.fromOpaque(connection).takeUnretainedValue().advance(url: url, method: method, version: version, body: body)
}

private func requestCompleted(
    context: UnsafeMutableRawPointer?, handle: OpaquePointer?, request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    reason: MHD_RequestTerminationCode
) {
    note(context)
    guard let connection = request?.pointee else { return }
    request?.pointee = nil
    Unmanaged<Connection>.fromOpaque(connection).takeUnretainedValue().end(isSent: reason == .REQUEST_TERMINATED_COMPLETED_OK)
}

private func connectionNotified(
    context: UnsafeMutableRawPointer?, handle: OpaquePointer?, socket: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    event: MHD_ConnectionNotificationCode
) {
    guard let context, let handle, let socket else { return }
    let worker = Unmanaged<Worker>.fromOpaque(context).takeUnretainedValue()
    worker.callbacks &+= 1
    switch event {
    case .CONNECTION_NOTIFY_STARTED:
        socket.pointee = worker.opened(handle).map { Unmanaged.passRetained($0).toOpaque() }
    case .CONNECTION_NOTIFY_CLOSED:
        guard let connection = socket.pointee else { return }
        socket.pointee = nil
        worker.closed(Unmanaged<Connection>.fromOpaque(connection).takeRetainedValue())
    @unknown default:
        break
    }
}

/// Something moves.
private func note(_ context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    Unmanaged<Worker>.fromOpaque(context).takeUnretainedValue().callbacks &+= 1
}
