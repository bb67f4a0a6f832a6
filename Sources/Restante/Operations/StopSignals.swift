import Glibc

/// SIGTERM and SIGINT, taken by waiting for them instead of by a handler.
///
/// Made before any thread is started, since threads inherit which signals are blocked.
struct StopSignals {
    private var set = sigset_t()

    init() {
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // A client that hangs up while it is written to is an error of that write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Blocks until one of them comes; returns its number.
    func wait() -> Int32 {
        var set = set
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
        return number
    }
}
