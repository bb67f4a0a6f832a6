import Logging
import Postgres

/// The end of an account: everything of it goes.
///
/// It begins with one small transaction: the devices are revoked, the profile is blank, the number is free. From that COMMIT on nobody can use the account
/// or find it, and the removal is noted, so that whatever interrupts the rest, it goes on: here, or within a minute on any node. Until the user's row is
/// deleted, who knows the id can still send to it. The rest is many small transactions, so that a full inbox or many groups make nobody wait, and each
/// step can be done again.
///
/// Messages are written without a lock on their sender or recipient. A batch that had begun before may still write for the account afterwards, or in its
/// name; one that begins later cannot. So before anything is cleared for good, all transactions that were older have to be over.
struct AccountRemoval: Sendable {
    let pool: Pool
    let groups: GroupStore
    let media: MediaLibrary
    let calls: CallStore
    let mailroom: Mailroom
    let failures: SweepFailures

    /// Seconds to wait for older transactions; a batch of messages takes 2.5 at most.
    private static let patience: Double = 5
    /// Seconds after which a removal that is not over is taken for interrupted.
    private static let interruptedSeconds = 30
    /// Of the inboxes' table, 8 KiB each: some milliseconds.
    private static let pagesAtOnce = 1_000

    /// Revokes all devices of the user and notes the removal. The caller makes memory forget the devices, then calls `finish`.
    func begin(_ userId: Identifier) async throws -> [Identifier] {
        try await pool.transaction { try AccountRemovalStore.begin(userId, on: $0) }
    }

    /// Takes away what is left of an account whose removal has begun. What fails is done again later: for the client the account is gone either way.
    func finish(_ userId: Identifier, _ devices: [Identifier]) async {
        await failures.noting(.removals) { try await clear(userId, devices) }
    }

    /// Goes on with what was interrupted, at the start and every half minute until the task is cancelled.
    func run() async {
        var age = 0
        while !Task.isCancelled {
            let interrupted = try? await pool.run { [age] in try AccountRemovalStore.unfinished(olderThan: age, on: $0) }
            for removal in interrupted ?? [] { await finish(removal.userId, removal.devices) }
            if interrupted != nil { age = Self.interruptedSeconds }
            try? await Task.sleep(for: .seconds(Self.interruptedSeconds))
        }
    }

    /// Each step is safe to do again, and on several nodes at once.
    private func clear(_ userId: Identifier, _ devices: [Identifier]) async throws {
        _ = try await olderTransactionsAreOver()
        try await leaveGroups(userId)
        mailroom.deliver(try await calls.endAll(of: userId))
        for portion in AccountRemovalStore.portions { try await repeatedly { try AccountRemovalStore.remove(portion, of: userId, on: $0) } }
        try await deleteUser(userId)
        let isOver = try await olderTransactionsAreOver()
        try await repeatedly { try InboxStore.clear(of: devices, on: $0) }
        try await withdrawMessages(userId)
        try await repeatedly { try CorrespondenceStore.forgetSends(of: userId, on: $0) }
        try await pool.transaction { try CorrespondenceStore.forgetChats(of: userId, on: $0) }
        // Nobody sees it any more. Where the store fails, the media's own sweep goes on with it.
        await failures.noting(.mediaBlobs) { try await media.removeAll(uploadedBy: userId) }
        guard isOver else { return failures.logger.warning("an account's removal waits for an older transaction and will be done again") }
        try await pool.run { try AccountRemovalStore.forget(userId, on: $0) }
    }

    /// Looks through the table of the inboxes a part at a time; what is written meanwhile is not the user's.
    private func withdrawMessages(_ userId: Identifier) async throws {
        let end = try await pool.run { try CorrespondenceStore.countPages(on: $0) }
        for start in stride(from: 0, to: end, by: Self.pagesAtOnce) {
            let pages = start..<min(start + Int64(Self.pagesAtOnce), end)
            try await pool.transaction { try CorrespondenceStore.withdrawMessages(from: userId, in: pages, on: $0) }
        }
    }

    /// One group at a time, so that no group waits for another.
    private func leaveGroups(_ userId: Identifier) async throws {
        let leaver = Self.leaver(userId)
        while true {
            let page = try await groups.list(of: userId, after: .zero, limit: 100).groups
            guard !page.isEmpty else { return }
            for group in page {
                do {
                    mailroom.deliver(try await groups.leave(group.groupId, by: leaver).deliveries)
                } catch GroupError.unknownGroup {
                    // Somebody was faster: an admin, or the same removal elsewhere.
                }
            }
        }
    }

    /// Deletes the row, and with it whatever refers to the user; leaves what groups they were taken into meanwhile.
    private func deleteUser(_ userId: Identifier) async throws {
        mailroom.deliver(
            try await pool.transaction { connection in
                let deliveries = try groups.leaveAll(by: Self.leaver(userId), on: connection)
                try AccountRemovalStore.deleteUser(userId, on: connection)
                return deliveries
            })
    }

    /// The user without any device: no device of theirs is there to be left out.
    private static func leaver(_ userId: Identifier) -> Session {
        Session(userId: userId, deviceId: .zero, sessionId: .zero)
    }

    /// Waits for the transactions that are under way now; false where one takes longer than any of ours.
    private func olderTransactionsAreOver() async throws -> Bool {
        let moment = try await pool.run { try AccountRemovalStore.moment(on: $0) }
        let deadline = Uptime.seconds() + Self.patience
        while try await pool.run({ try AccountRemovalStore.countTransactions(before: moment, on: $0) }) > 0 {
            guard Uptime.seconds() < deadline else { return false }
            try await Task.sleep(for: .milliseconds(20))
        }
        return true
    }

    /// Runs transactions of this kind until one finds nothing more to do.
    private func repeatedly(_ step: @escaping @Sendable (Connection) throws -> Bool) async throws {
        while try await pool.transaction(step) {}
    }
}
