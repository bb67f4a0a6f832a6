import Dispatch
import Glibc
import Logging
import Postgres
import Synchronization

/// Group commit: one thread and one connection that write whatever has gathered.
///
/// COMMIT is what costs, so nothing is written alone. While one batch commits, the next gathers in the queue; there is no timer and no added wait
/// when the queue is empty. A task's completion runs after COMMIT, never before.
///
/// One batch is one transaction for many clients, so nothing that one of them sends may fail another's: all is validated before it is queued, and a
/// batch that the database refuses is split until the one bad task stands alone. When the connection breaks, whether the batch was committed is unknown:
/// it is written again under the same message ids, which finds what was written before. A task whose client will not wait longer is given up with 503.
final class InboxWriter: Sendable {
    /// Seconds that a task may wait in all, so that a client has its answer within three.
    private static let patience = 2.5
    private static let longestQueue = 20_000
    private static let batchRows = 500

    private struct Queue {
        var tasks: [PendingTask] = []
        var isClosed = false
    }

    private let queue = Mutex(Queue())
    private let bell = DispatchSemaphore(value: 0)
    private let batch: WriterBatch
    private let open: @Sendable () throws(PostgresError) -> Connection
    private let logger: Logger
    private let name: String
    private let thread = Mutex<DedicatedThread?>(nil)

    /// Whom the writer tells of what it did; on its own thread.
    struct Listener: Sendable {
        /// All that a batch has put into inboxes: after COMMIT, before the batch's completions.
        let deliver: @Sendable ([Delivery]) -> Void
        /// A connection was made anew; what had been committed before is not known here.
        let reconnected: @Sendable () -> Void
    }

    init(name: String, batch: WriterBatch, logger: Logger, open: @escaping @Sendable () throws(PostgresError) -> Connection) {
        self.name = name
        self.batch = batch
        self.logger = logger
        self.open = open
    }

    /// Begins to work on what is queued. Called once.
    func start(_ listener: Listener) {
        thread.withLock { $0 = DedicatedThread(name: name) { [self] in work(listener) } }
    }

    /// Takes a task; its completion runs once. Throws 503 where too much is waiting.
    func enqueue(_ task: WriterTask) throws(Problem) {
        let pending = PendingTask(task: task, deadline: Uptime.seconds() + Self.patience)
        let isFirst = queue.withLock { queue -> Bool? in
            guard !queue.isClosed, queue.tasks.count < Self.longestQueue else { return nil }
            queue.tasks.append(pending)
            return queue.tasks.count == 1
        }
        guard let isFirst else { throw .passing(.overloaded) }
        if isFirst { bell.signal() }
    }

    /// Finishes what is queued, then ends the thread.
    func close() {
        queue.withLock { $0.isClosed = true }
        bell.signal()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    private func work(_ listener: Listener) {
        var connection: Connection?
        while let tasks = take() {
            let toUsers = tasks.filter { !$0.isForGroup }
            if !toUsers.isEmpty { write(toUsers, &connection, listener) { try batch.commit(&$0, on: $1, within: $2) } }
            let toGroups = tasks.filter(\.isForGroup)
            if !toGroups.isEmpty { write(toGroups, &connection, listener) { try batch.commitToGroups(&$0, on: $1, within: $2) } }
        }
        connection?.close()
    }

    /// The next batch; waits for one. Nil when the writer is closed and the queue is empty.
    private func take() -> [PendingTask]? {
        while true {
            let (taken, isClosed) = queue.withLock { queue in
                var rows = 0
                let count = queue.tasks.firstIndex { task in
                    rows += task.weight
                    return rows > Self.batchRows
                }
                // A task that is larger than a batch is a batch of its own.
                let taken = Array(queue.tasks.prefix(max(1, count ?? queue.tasks.count)))
                queue.tasks.removeFirst(taken.count)
                return (taken, queue.isClosed)
            }
            if !taken.isEmpty {
                return taken
            }
            if isClosed { return nil }
            bell.wait()
        }
    }

    /// Writes these tasks, whatever it takes, or fails each: none is kept longer than its client waits.
    private func write(
        _ tasks: [PendingTask], _ connection: inout Connection?, _ listener: Listener,
        commit: (inout [PendingTask], Connection, Double) throws -> CommittedBatch
    ) {
        var tasks = tasks
        var failure = PostgresError.unavailable("no attempt was made yet")
        var retries = 0
        while true {
            tasks = giveUp(tasks, failure)
            guard !tasks.isEmpty, let current = connected(&connection, for: &tasks, listener) else { return }
            do {
                return finish(try commit(&tasks, current, Self.secondsLeft(for: tasks)), listener)
            } catch {
                failure = error as? PostgresError ?? failure
                if current.isBroken {
                    current.close()
                    connection = nil
                }
                switch Remedy(for: error, isBroken: current.isBroken, retries: retries) {
                case .again:
                    retries += 1
                case .split where tasks.count > 1:
                    logger.warning("a batch is split", metadata: ["error": .string("\(error)"), "tasks": .stringConvertible(tasks.count)])
                    let middle = tasks.count / 2
                    write(Array(tasks[..<middle]), &connection, listener, commit: commit)
                    tasks.removeFirst(middle)
                    retries = 0
                case .split:
                    logger.error("a task could not be written", metadata: ["error": .string("\(error)")])
                    return tasks[0].task.fail(error)
                }
            }
        }
    }

    /// What a batch that failed needs.
    private enum Remedy {
        /// The same once more: the fault is not the batch's.
        case again
        /// Half as much at a time: some task may be to blame, or all together may be too much.
        case split

        init(for error: any Error, isBroken: Bool, retries: Int) {
            switch error {
            case PostgresError.unavailable, PostgresError.outcomeUnknown: self = .again
            case PostgresError.timedOut: self = retries == 0 ? .again : .split
            case PostgresError.server(let state, _, _) where state.isRetryable || state == .lockNotAvailable: self = retries < 3 ? .again : .split
            default: self = isBroken ? .again : .split
            }
        }
    }

    /// A working connection; nil when all tasks have been given up before there was one.
    private func connected(_ connection: inout Connection?, for tasks: inout [PendingTask], _ listener: Listener) -> Connection? {
        if let connection { return connection }
        var pause: UInt32 = 10_000
        while true {
            do throws(PostgresError) {
                let opened = try open()
                connection = opened
                listener.reconnected()
                return opened
            } catch {
                tasks = giveUp(tasks, error)
                if tasks.isEmpty { return nil }
                usleep(pause)
                pause = min(pause * 2, 200_000)
            }
        }
    }

    /// How long an attempt may take: never so long that the most patient client has gone, nor so short that no attempt can succeed.
    private static func secondsLeft(for tasks: [PendingTask]) -> Double {
        let last = tasks.reduce(0) { max($0, $1.deadline) }
        return min(2, max(0.25, last - Uptime.seconds()))
    }

    /// Fails what is overdue and hands back the rest.
    private func giveUp(_ tasks: [PendingTask], _ error: PostgresError) -> [PendingTask] {
        let now = Uptime.seconds()
        guard tasks.contains(where: { $0.deadline <= now }) else { return tasks }
        for task in tasks where task.deadline <= now { task.task.fail(error) }
        return tasks.filter { $0.deadline > now }
    }

    private func finish(_ committed: CommittedBatch, _ listener: Listener) {
        if !committed.deliveries.isEmpty { listener.deliver(committed.deliveries) }
        for send in committed.sends { send.completion(.success(send.outcome)) }
        for visit in committed.visits { visit.completion(.success(visit.outcome)) }
    }
}
