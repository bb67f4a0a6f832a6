/// The line in which calls wait for a session: first come, first served, bounded in length and in time.
///
/// Pure state: time comes in as an argument, and each method returns what is to be done. `Pool` does it.
///
///     enqueue ──▶ waiting ──▶ next      taken by a session's thread
///        │           └──────▶ expire    stood too long
///        └─▶ refused                    the line is full or closed
struct PoolLine<Job> {
    let capacity: Int
    /// Seconds that a call stands in line at most.
    let patience: Double

    private var waiting: [(job: Job, deadline: Deadline)] = []
    private(set) var isClosed = false
    /// Session threads that wait for a call. Who leaves with one, or without, is none of them from that moment on.
    var idle = 0
    /// Sessions that are open.
    var connected = 0
    private(set) var served = 0
    private(set) var refused = 0

    init(capacity: Int, patience: Double) {
        self.capacity = capacity
        self.patience = patience
    }

    enum Admission: Equatable {
        case wakeSession
        /// All sessions are taken: somebody has to watch how long the call waits.
        case wakeWatch
        case refuse(PostgresError)
    }

    mutating func enqueue(_ job: Job, now: Deadline) -> Admission {
        if isClosed { return .refuse(.unavailable("the pool is closed")) }
        guard waiting.count < capacity else {
            refused += 1
            return .refuse(lateness)
        }
        waiting.append((job, now + patience))
        return waiting.count <= idle ? .wakeSession : .wakeWatch
    }

    /// The call for a session's thread that waits.
    mutating func next() -> Job? {
        guard !waiting.isEmpty else { return nil }
        idle -= 1
        served += 1
        return waiting.removeFirst().job
    }

    /// Takes out the calls that have stood too long, with the error to give them.
    mutating func expire(now: Deadline) -> (jobs: [Job], error: PostgresError)? {
        let late = waiting.prefix { $0.deadline <= now }.map(\.job)
        guard !late.isEmpty else { return nil }
        waiting.removeFirst(late.count)
        refused += late.count
        return (late, lateness)
    }

    mutating func close() -> [Job] {
        isClosed = true
        defer { waiting.removeAll() }
        return waiting.map(\.job)
    }

    var waitingCount: Int { waiting.count }

    /// When the first in line has stood long enough.
    var nextExpiry: Deadline? { waiting.first?.deadline }

    /// A line that does not move because no session is open is no sign of load.
    private var lateness: PostgresError {
        connected == 0 ? .unavailable("no session is open") : .tooManyWaiting
    }
}
