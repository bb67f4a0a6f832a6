import Glibc
import Synchronization

/// Runs the same work on several threads of its own, and returns what each made of it, in order; the first fault otherwise.
package func runInParallel<Result: Sendable>(
    threads: Int, _ work: @escaping @Sendable (Int) throws(LoadFault) -> Result
) throws(LoadFault) -> [Result] {
    let outcomes = Outcomes<Result>(count: threads)
    var started: [pthread_t] = []
    for index in 0..<threads {
        let body = ThreadBody {
            do throws(LoadFault) {
                outcomes.set(.success(try work(index)), at: index)
            } catch {
                outcomes.set(.failure(error), at: index)
            }
        }
        var thread = pthread_t()
        // The thread releases what is retained here.
        let context = Unmanaged.passRetained(body).toOpaque()
        let code = pthread_create(&thread, nil, runThreadBody, context)
        guard code == 0 else {
            Unmanaged<ThreadBody>.fromOpaque(context).release()
            throw .system(call: "pthread_create", code: code)
        }
        started.append(thread)
    }
    for thread in started { pthread_join(thread, nil) }
    return try outcomes.all()
}

/// Where threads that measure the same window wait for each other.
package final class StartingLine: Sendable {
    private let missing: Atomic<Int>

    package init(threads: Int) {
        missing = Atomic(threads)
    }

    package func arrive() {
        missing.subtract(1, ordering: .acquiringAndReleasing)
    }

    package var isComplete: Bool {
        missing.load(ordering: .acquiring) <= 0
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}

private func runThreadBody(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
    return nil
}

private final class Outcomes<Value: Sendable>: Sendable {
    private let values: Mutex<[Swift.Result<Value, LoadFault>?]>

    init(count: Int) {
        values = Mutex(Array(repeating: nil, count: count))
    }

    func set(_ value: Swift.Result<Value, LoadFault>, at index: Int) {
        values.withLock { $0[index] = value }
    }

    /// Every thread has been joined, so every place is filled.
    func all() throws(LoadFault) -> [Value] {
        var results: [Value] = []
        for outcome in values.withLock({ $0 }) {
            if let outcome { results.append(try outcome.get()) }
        }
        return results
    }
}
