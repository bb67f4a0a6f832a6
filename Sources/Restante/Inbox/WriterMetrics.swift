/// Which of the two kinds of transaction a batch is.
enum BatchKind: Int, EnumLabel {
    static let labelName = "batch"
    /// Messages between users, acknowledgements and reads.
    case users
    /// Messages to groups.
    case groups
}

/// What was asked of the writers, and done.
enum WriterWork: Int, EnumLabel {
    static let labelName = "work"
    /// Messages stored; sends that had been stored before.
    case sent, replayed
    /// Items put into inboxes, receipts included; items that their devices acknowledged.
    case delivered, acknowledged
    /// Tasks whose clients would not wait any longer.
    case overdue
}

/// What became of a batch that the database did not take.
enum BatchFailure: Int, EnumLabel {
    static let labelName = "then"
    /// It was tried again, whole or in halves; or it was one task, and hopeless.
    case retried, refused
}

/// What the writers count; a few additions for each batch, none for a single message.
struct WriterMetrics: Sendable {
    private let batchTasks = Histogram<BatchKind>(
        "restante_writer_batch_tasks", "Sends, acknowledgements and reads that were committed together.",
        .counts([1, 2, 5, 10, 20, 50, 100, 200, 500]))
    private let commits = Histogram<BatchKind>("restante_writer_commit_seconds", "From a batch's first statement until it was committed.")
    private let waits = Histogram<NoLabel>("restante_writer_queue_wait_seconds", "How long the first task of a batch stood in line.")
    private let work = Counter<WriterWork>("restante_writer_items_total", "What the writers did: messages, items of inboxes, acknowledgements.")
    private let failures = Counter<BatchFailure>(
        "restante_writer_batch_failures_total", "Batches that the database did not take, by what was done then.")

    var families: [any MetricFamily] { [batchTasks, commits, waits, work, failures] }

    /// `seconds` of uptime: when the task was queued.
    func waited(since seconds: Double) {
        waits.observe(seconds: Uptime.seconds() - seconds)
    }

    func committed(_ batch: CommittedBatch, tasks: Int, _ kind: BatchKind, nanoseconds: UInt64) {
        batchTasks.observe(kind, UInt64(tasks))
        commits.observe(kind, nanoseconds)
        var sent = 0
        var replayed = 0
        for send in batch.sends {
            switch send.outcome {
            case .sent: sent += 1
            case .replayed: replayed += 1
            default: break
            }
        }
        note(.sent, sent)
        note(.replayed, replayed)
        note(.delivered, batch.deliveries.count)
        note(.acknowledged, batch.visits.reduce(0) { $0 + $1.outcome.acknowledged })
    }

    func gaveUp(_ tasks: Int) {
        note(.overdue, tasks)
    }

    func failed(isRetried: Bool) {
        failures.add(isRetried ? .retried : .refused)
    }

    private func note(_ what: WriterWork, _ count: Int) {
        if count > 0 { work.add(what, count) }
    }
}
