internal import CLibcurl

/// libcurl's multi handle: owns it, with the connections that it keeps.
///
/// Unchecked, because a C handle is not Sendable: `wake` is the one call that libcurl allows on any thread, all others are made
/// by the transfers' thread. The handle lives as long as any reference to this object, so it cannot be woken after its end.
final class MultiHandle: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer

    /// A service that takes connections and does not answer must not take all descriptors of the process. More requests wait for one of these.
    static let mostConnections = 64

    init() {
        // Once for the process, and safe on any thread since 7.84. Source: curl_global_init(3).
        curl_global_init(Int(CURL_GLOBAL_DEFAULT))
        // Fails only without memory or sockets, while the process starts.
        guard let handle = curl_multi_init() else { fatalError("libcurl cannot start") }
        self.handle = handle
        _ = multi_set_long(handle, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        _ = multi_set_long(handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, Self.mostConnections)
    }

    deinit {
        curl_multi_cleanup(handle)
    }

    /// Ends the wait that is under way, or else the next one.
    func wake() {
        curl_multi_wakeup(handle)
    }

    func add(_ easy: EasyHandle) -> Bool {
        curl_multi_add_handle(handle, easy.pointer) == CURLM_OK
    }

    func remove(_ easy: EasyHandle) {
        curl_multi_remove_handle(handle, easy.pointer)
    }

    /// Moves everything on that can move; calls the callbacks.
    func perform() {
        var running: Int32 = 0
        _ = curl_multi_perform(handle, &running)
    }

    /// Waits for sockets, timers or `wake`.
    func wait() {
        _ = curl_multi_poll(handle, nil, 0, 60_000, nil)
    }

    /// A transfer that has ended: its context, and how.
    func nextEnded() -> (context: UnsafeMutableRawPointer, code: CURLcode)? {
        var left: Int32 = 0
        while let message = curl_multi_info_read(handle, &left) {
            guard message.pointee.msg == CURLMSG_DONE else { continue }
            var context: UnsafeMutablePointer<CChar>?
            _ = easy_get_pointer(message.pointee.easy_handle, CURLINFO_PRIVATE, &context)
            guard let context else { continue }
            return (UnsafeMutableRawPointer(context), message.pointee.data.result)
        }
        return nil
    }
}
