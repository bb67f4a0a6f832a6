import Postgres
import Testing

@testable import Restante

/// What becomes of a batch that fails.
@Suite struct WriterRetryTests {
    private let session = Session(userId: Identifier(high: 1, low: 1), deviceId: Identifier(high: 1, low: 2), sessionId: Identifier(high: 1, low: 3))

    /// Tasks that can be told apart by their deadlines.
    private func tasks(_ deadlines: Double...) -> [PendingTask] {
        deadlines.map { PendingTask(task: .visit(InboxVisit(device: session)) { _ in }, deadline: $0) }
    }

    private let refusal = PostgresError.server(.checkViolation, message: "", constraint: nil)

    private func isGivenUp(_ task: PendingTask?) -> Bool { task != nil }

    @Test func aRefusedBatchIsCutUntilTheBadTaskStandsAlone() {
        var retry = WriterRetry(tasks(101, 102, 103, 104))
        var written: [Double] = []
        var refused: [Double] = []
        while let attempt = retry.next(at: 0).attempt {
            if attempt.tasks.contains(where: { $0.deadline == 103 }) {
                retry.putBack(attempt, after: refusal).map { refused.append($0.deadline) }
            } else {
                written += attempt.tasks.map(\.deadline)
            }
        }
        #expect(refused == [103])
        #expect(written == [101, 102, 104], "the good half goes first, the rest after it")
    }

    @Test func aLostConnectionIsNoFaultOfTheBatch() throws {
        var retry = WriterRetry(tasks(101, 102))
        for _ in 1...10 {
            let attempt = try #require(retry.next(at: 0).attempt)
            #expect(attempt.tasks.count == 2)
            #expect(!isGivenUp(retry.putBack(attempt, after: PostgresError.unavailable(""))))
        }
    }

    @Test func aConflictIsTriedAgainThreeTimesAndThenCut() throws {
        var retry = WriterRetry(tasks(101, 102))
        let conflict = PostgresError.server(.deadlockDetected, message: "", constraint: nil)
        for _ in 1...4 {
            let attempt = try #require(retry.next(at: 0).attempt)
            #expect(attempt.tasks.count == 2)
            #expect(!isGivenUp(retry.putBack(attempt, after: conflict)))
        }
        #expect(retry.next(at: 0).attempt?.tasks.map(\.deadline) == [101])
    }

    @Test func whatWaitsForALockAloneWaitsAsLongAsItsClient() throws {
        var retry = WriterRetry(tasks(101))
        let locked = PostgresError.server(.lockNotAvailable, message: "", constraint: nil)
        for _ in 1...20 {
            let attempt = try #require(retry.next(at: 100).attempt)
            #expect(!isGivenUp(retry.putBack(attempt, after: locked)))
        }
        let last = retry.next(at: 101)
        #expect(last.overdue.map(\.deadline) == [101])
        #expect(last.attempt?.tasks.count == nil)
    }

    @Test func whoseClientHasGoneIsHandedBack() {
        var retry = WriterRetry(tasks(101, 90, 102))
        let (overdue, attempt) = retry.next(at: 95)
        #expect(overdue.map(\.deadline) == [90])
        #expect(attempt?.tasks.map(\.deadline) == [101, 102])
        #expect(retry.next(at: 95).attempt?.tasks.count == nil)
    }

    @Test func severalTasksGetLessTimeThanOneAndNobodyMoreThanIsLeft() throws {
        var many = WriterRetry(tasks(101, 102))
        var one = WriterRetry(tasks(101))
        let (batch, single) = (try #require(many.next(at: 90).attempt), try #require(one.next(at: 90).attempt))
        #expect(WriterRetry.seconds(for: batch, at: 90) < WriterRetry.seconds(for: single, at: 90))
        #expect(WriterRetry.seconds(for: single, at: 100.5) == 0.5)
    }
}
