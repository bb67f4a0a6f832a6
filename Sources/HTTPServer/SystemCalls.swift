internal import CMicrohttpd
import Glibc

/// The system's words for an error number.
func errnoText(_ code: Int32) -> String {
    String(cString: strerror(code))
}

/// Milliseconds on the clock that never jumps.
func monotonicMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

/// Nanoseconds on the clock that never jumps.
func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// The descriptors this process may have open.
func descriptorLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    return Int(clamping: limit.rlim_cur)
}

/// Bytes that were written to a TCP socket and not yet acknowledged by its peer. Source: tcp(7), SIOCOUTQ.
func unsentBytes(_ descriptor: Int32) -> Int {
    Int(socket_unsent_bytes(descriptor))
}

/// How long ago a TCP socket last received data; nil where it is no TCP socket. Source: tcp(7), TCP_INFO.
func millisecondsSinceReceived(_ descriptor: Int32) -> Int64? {
    var information = tcp_info()
    var length = socklen_t(MemoryLayout<tcp_info>.size)
    guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &information, &length) == 0 else { return nil }
    return Int64(information.tcpi_last_data_recv)
}

/// Whether a TCP socket's peer has sent its last, and all of that has been read. Source: tcp(7), TCP_INFO and FIONREAD.
func hasReadAll(_ descriptor: Int32) -> Bool {
    var information = tcp_info()
    var length = socklen_t(MemoryLayout<tcp_info>.size)
    guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &information, &length) == 0 else { return false }
    return information.tcpi_state == UInt8(TCP_CLOSE_WAIT) && socket_unread_bytes(descriptor) == 0
}
