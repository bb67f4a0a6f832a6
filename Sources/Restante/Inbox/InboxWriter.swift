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
    /// What waits may take as much memory; an encrypted send alone may have a mebibyte.
    private static let largestQueueBytes = 256 << 20
    private static let batchRows = 500
    /// Between two attempts to open a connection.
    private static let reopenMicroseconds: UInt32 = 50_000

    private struct Queue {
        var tasks: [PendingTask] = []
        var bytes = 0
        var isClosed = false
    }

    private let queue = Mutex(Queue())
    private let bell = DispatchSemaphore(value: 0)
    private let batch: WriterBatch
    private let open: @Sendable () throws(PostgresError) -> Connection
    private let logger: Logger
    private let metrics: Metrics
    let name: String
    private let thread = Mutex<DedicatedThread?>(nil)

    /// Whom the writer tells of what it did; on its own thread.
    struct Listener: Sendable {
        /// All that a batch has put into inboxes: after COMMIT, before the batch's completions.
        let deliver: @Sendable ([Delivery]) -> Void
        /// A connection was made anew; what had been committed before is not known here.
        let reconnected: @Sendable () -> Void
    }

    init(
        name: String, batch: WriterBatch, logger: Logger, metrics: Metrics = Metrics(),
        open: @escaping @Sendable () throws(PostgresError) -> Connection
    ) {
        self.name = name
        self.batch = batch
        self.logger = logger
        self.metrics = metrics
        self.open = open
    }

    /// How many tasks stand in line; those of the batch that is being written are not counted.
    var depth: Int { queue.withLock { $0.tasks.count } }

    /// Begins to work on what is queued. Called once.
    func start(_ listener: Listener) {
        thread.withLock { $0 = DedicatedThread(name: name) { [self] in work(listener) } }
    }

    /// Takes a task; its completion runs once. Throws 503 where too much is waiting.
    func enqueue(_ task: WriterTask) throws(Problem) {
        let pending = PendingTask(task: task, deadline: Uptime.seconds() + Self.patience)
        let isFirst = queue.withLock { queue -> Bool? in
            guard !queue.isClosed, queue.tasks.count < Self.longestQueue, queue.bytes < Self.largestQueueBytes else { return nil }
            queue.tasks.append(pending)
            queue.bytes += pending.bytes
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
        var weights = BatchWeights()
        while let tasks = take(weights) {
            let toUsers = tasks.filter { !$0.isForGroup }
            if !toUsers.isEmpty { write(toUsers, .users, &connection, listener) { try batch.commit(&$0, on: $1, within: $2) } }
            let toGroups = tasks.filter(\.isForGroup)
            if !toGroups.isEmpty {
                write(toGroups, .groups, &connection, listener) {
                    let committed = try batch.commitToGroups(&$0, on: $1, within: $2)
                    weights.learn(from: committed)
                    return committed
                }
            }
        }
        connection?.close()
    }

    /// The next batch; waits for one. Nil when the writer is closed and the queue is empty.
    private func take(_ weights: BatchWeights) -> [PendingTask]? {
        while true {
            let (taken, isClosed) = queue.withLock { queue in
                var rows = 0
                let count = queue.tasks.firstIndex { task in
                    rows += weights.rows(of: task)
                    return rows > Self.batchRows
                }
                // A task that is larger than a batch is a batch of its own.
                let taken = Array(queue.tasks.prefix(max(1, count ?? queue.tasks.count)))
                queue.tasks.removeFirst(taken.count)
                queue.bytes -= taken.reduce(0) { $0 + $1.bytes }
                return (taken, queue.isClosed)
            }
            if let oldest = taken.first {
                metrics.writers.waited(since: oldest.deadline - Self.patience)
                return taken
            }
            if isClosed { return nil }
            bell.wait()
        }
    }

    /// Writes these tasks, whatever it takes, or fails each: none is kept longer than its client waits.
    private func write(
        _ tasks: [PendingTask], _ kind: BatchKind, _ connection: inout Connection?, _ listener: Listener,
        commit: (inout [PendingTask], Connection, Double) throws -> CommittedBatch
    ) {
        var retry = WriterRetry(tasks)
        var failure = PostgresError.unavailable("no attempt was made yet")
        while true {
            let (overdue, next) = retry.next(at: Uptime.seconds())
            for task in overdue { task.task.fail(failure) }
            metrics.writers.gaveUp(overdue.count)
            guard var attempt = next else { return }
            do {
                let current = try connected(&connection, listener)
                let begun = Uptime.nanoseconds()
                let committed = try commit(&attempt.tasks, current, WriterRetry.seconds(for: attempt, at: Uptime.seconds()))
                metrics.writers.committed(committed, tasks: attempt.tasks.count, kind, nanoseconds: Uptime.nanoseconds() - begun)
                finish(committed, listener)
            } catch {
                failure = error as? PostgresError ?? failure
                if attempt.repeats == 0 {
                    logger.warning("a batch failed", metadata: ["error": .string("\(error)"), "tasks": .stringConvertible(attempt.tasks.count)])
                }
                let hopeless = retry.putBack(attempt, after: error)
                metrics.writers.failed(isRetried: hopeless == nil)
                hopeless?.task.fail(error)
            }
            if connection?.isBroken ?? false {
                connection?.close()
                connection = nil
            }
        }
    }

    /// The writer's connection, opened anew where it has none. Where none can be had it is asked for again after a moment.
    private func connected(_ connection: inout Connection?, _ listener: Listener) throws(PostgresError) -> Connection {
        if let connection { return connection }
        do throws(PostgresError) {
            let opened = try open()
            connection = opened
            listener.reconnected()
            return opened
        } catch {
            usleep(Self.reopenMicroseconds)
            throw error
        }
    }

    private func finish(_ committed: CommittedBatch, _ listener: Listener) {
        if !committed.deliveries.isEmpty { listener.deliver(committed.deliveries) }
        for send in committed.sends { send.completion(.success(send.outcome)) }
        for send in committed.unexplained { send.completion(.failure(send.error)) }
        for visit in committed.visits { visit.completion(.success(visit.outcome)) }
    }
}
