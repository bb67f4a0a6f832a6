import Postgres

/// What one batch becomes when the database does not take it as it is.
///
/// A batch that fails through no fault of its own is tried again. One that was refused, waited for somebody's lock or took too long is cut into halves,
/// which go to the end of the line: so each bad task costs the good ones beside it little, and not their clients' patience. No task is kept longer than
/// its client waits.
struct WriterRetry {
    /// A part of the batch, on its way to the database.
    struct Attempt {
        var tasks: [PendingTask]
        fileprivate(set) var repeats = 0
    }

    /// What becomes of an attempt that failed.
    enum Remedy: Equatable {
        /// The same once more: the fault is not the batch's.
        case again
        /// Half as much at a time: some task may be to blame, or all together may be too much.
        case split

        init(for error: any Error, repeats: Int) {
            switch error {
            case PostgresError.unavailable, PostgresError.outcomeUnknown: self = .again
            case PostgresError.server(let state, _, _) where state.isRetryable: self = repeats < 3 ? .again : .split
            case PostgresError.server(let state, _, _) where state.endsSession: self = .again
            default: self = .split
            }
        }
    }

    /// Seconds in which a batch of several must be written before halves of it are tried.
    private static let secondsOfMany = 0.9
    private static let secondsOfOne = 2.0
    /// Less is no attempt at all.
    private static let leastSeconds = 0.25

    private var line: [Attempt]

    init(_ tasks: [PendingTask]) {
        line = [Attempt(tasks: tasks)]
    }

    /// The tasks whose clients have gone, and what to try next; nil when nothing is left.
    mutating func next(at now: Double) -> (overdue: [PendingTask], attempt: Attempt?) {
        var overdue: [PendingTask] = []
        while !line.isEmpty {
            var attempt = line.removeFirst()
            overdue += attempt.tasks.filter { $0.deadline <= now }
            attempt.tasks.removeAll { $0.deadline <= now }
            if !attempt.tasks.isEmpty { return (overdue, attempt) }
        }
        return (overdue, nil)
    }

    /// How long an attempt may take.
    static func seconds(for attempt: Attempt, at now: Double) -> Double {
        let left = attempt.tasks.reduce(0) { max($0, $1.deadline) } - now
        return max(leastSeconds, min(left, attempt.tasks.count > 1 ? secondsOfMany : secondsOfOne))
    }

    /// Puts a failed attempt, or its halves, back into the line; hands back a task that stands alone and cannot be written.
    mutating func putBack(_ attempt: Attempt, after error: any Error) -> PendingTask? {
        switch Remedy(for: error, repeats: attempt.repeats) {
        case .again:
            line.insert(Attempt(tasks: attempt.tasks, repeats: attempt.repeats + 1), at: 0)
        case .split where attempt.tasks.count > 1:
            let middle = attempt.tasks.count / 2
            line.append(Attempt(tasks: Array(attempt.tasks[..<middle])))
            line.append(Attempt(tasks: Array(attempt.tasks[middle...])))
        case .split where Self.isPassing(error):
            // Alone it may still get its turn while its client waits.
            line.append(Attempt(tasks: attempt.tasks, repeats: attempt.repeats + 1))
        case .split:
            return attempt.tasks[0]
        }
        return nil
    }

    /// Whether time alone may mend it.
    private static func isPassing(_ error: any Error) -> Bool {
        switch error {
        case PostgresError.timedOut: true
        case PostgresError.server(let state, _, _): state == .lockNotAvailable || state.isRetryable
        default: false
        }
    }
}

extension SQLState {
    /// Whether the server ended the session with this error, which is no fault of what was asked.
    fileprivate var endsSession: Bool { self == .adminShutdown || self == .crashShutdown || self == .cannotConnectNow }
}
