import LoadGenerator
import Testing

@Suite struct OpenLoopScheduleTests {
    @Test func `events are due at even distances from the start`() {
        var schedule = OpenLoopSchedule(start: 1_000, rate: 1_000_000)
        let taken = [schedule.take(at: 999), schedule.take(at: 1_000), schedule.take(at: 1_000)]
        #expect(taken == [nil, 1_000, nil])
        #expect(schedule.next == 2_000)
    }

    @Test func `who comes late gets every event that was missed, under the time it was due`() {
        var schedule = OpenLoopSchedule(start: 0, rate: 1_000_000)
        var dues: [Instant] = []
        while let due = schedule.take(at: 3_500) { dues.append(due) }
        #expect(dues == [0, 1_000, 2_000, 3_000])
    }

    @Test func `a rate that divides no second does not drift`() {
        var schedule = OpenLoopSchedule(start: 0, rate: 3)
        for _ in 0..<300 { _ = schedule.take(at: .max) }
        #expect(schedule.next == 100_000_000_000)
    }
}
