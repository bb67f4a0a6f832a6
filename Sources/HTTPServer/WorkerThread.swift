internal import CMicrohttpd
import Glibc

/// A thread that does one worker's work.
struct WorkerThread: Sendable {
    private let thread: pthread_t

    init(_ worker: Worker) throws(ServerError) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(worker)
        let code = pthread_create(&thread, nil, runWorker, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw .system("pthread_create", errno: code)
        }
        pthread_setname_np(thread, "http")
        self.thread = thread
    }

    /// Waits for the worker's end. Called once.
    func join() {
        pthread_join(thread, nil)
    }
}

private func runWorker(context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<Worker>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
