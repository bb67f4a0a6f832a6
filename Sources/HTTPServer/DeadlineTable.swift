/// When each of a worker's connections has to have moved on.
///
/// One word in one array for each connection: a change of deadline, of which each request has several, is one store, and the look
/// for those that are over, twice a second, is a scan of 16 bytes a connection. All times are milliseconds.
struct DeadlineTable {
    enum Stage: UInt8 {
        case free
        /// The request's head is awaited; bytes of it may have come.
        case head
        case body
        case response
        /// Nothing has come since the last answer.
        case idle
        /// Held for a later answer, and not yet long enough to watch for the peer's hanging up.
        case held
        /// Held and watched. The application owns the wait.
        case watched
        /// A stream whose connection is paused: the application's turn.
        case paused
        /// Paused and watched for the peer's hanging up.
        case pausedWatched
    }

    private struct Entry {
        var due: Int64
        var stage: Stage
    }

    private var entries: [Entry] = []

    /// Makes room for one more connection.
    mutating func grow() {
        entries.append(Entry(due: .max, stage: .free))
    }

    func stage(_ slot: Int) -> Stage { entries[slot].stage }

    mutating func enter(_ stage: Stage, slot: Int, due: Int64 = .max) {
        entries[slot] = Entry(due: due, stage: stage)
    }

    func due(_ slot: Int) -> Int64 { entries[slot].due }

    /// Changes when a stage has to be over.
    mutating func postpone(_ slot: Int, to due: Int64) {
        entries[slot].due = due
    }

    /// The slots whose time has passed.
    func overdue(at now: Int64) -> [Int] {
        var slots: [Int] = []
        for (slot, entry) in entries.enumerated() where entry.due <= now {
            slots.append(slot)
        }
        return slots
    }

    /// The slots in a stage.
    func slots(in stage: Stage) -> [Int] {
        var slots: [Int] = []
        for (slot, entry) in entries.enumerated() where entry.stage == stage {
            slots.append(slot)
        }
        return slots
    }
}
