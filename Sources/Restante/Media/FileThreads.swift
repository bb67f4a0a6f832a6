import Dispatch
import Postgres
import Synchronization

/// A few threads for file I/O: neither the threads that serve HTTP nor those of Swift's tasks may wait for a disk.
final class FileThreads: Sendable {
    private typealias Job = @Sendable () -> Void

    /// What waits for a thread, in order of arrival.
    private final class Line: Sendable {
        private let jobs = Mutex<(waiting: ArraySlice<Job>, isClosed: Bool)>(([], false))
        private let bell = DispatchSemaphore(value: 0)

        /// False: nothing is done any more.
        func join(_ job: @escaping Job) -> Bool {
            let isOpen = jobs.withLock { jobs in
                if !jobs.isClosed { jobs.waiting.append(job) }
                return !jobs.isClosed
            }
            if isOpen { bell.signal() }
            return isOpen
        }

        func close() {
            jobs.withLock { $0.isClosed = true }
            bell.signal()
        }

        /// Nil: there is nothing left, and nothing comes any more.
        func next() -> Job? {
            bell.wait()
            let job = jobs.withLock { $0.waiting.popFirst() }
            // The next thread ends, too.
            if job == nil { bell.signal() }
            return job
        }
    }

    private let line = Line()
    private let threads: [DedicatedThread]

    init(count: Int = 4) {
        threads = (0..<count).map { [line] number in
            DedicatedThread(name: "files-\(number)") {
                while let job = line.next() { job() }
            }
        }
    }

    deinit {
        line.close()
    }

    /// Runs `body` on one of the threads.
    func run<T: Sendable>(_ body: @escaping @Sendable () throws(MediaStoreError) -> T) async throws(MediaStoreError) -> T {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<T, MediaStoreError>, Never>) in
            let isAccepted = line.join {
                continuation.resume(returning: Result { () throws(MediaStoreError) in try body() })
            }
            if !isAccepted { continuation.resume(returning: .failure(.unavailable("the server is stopping"))) }
        }
        return try result.get()
    }

    /// Lets what waits be done, and joins the threads.
    func close() {
        line.close()
        for thread in threads { thread.join() }
    }
}
