import Postgres
import Testing

@testable import Restante

@Suite struct WakeScheduleTests {
    private let identifiers = IdentifierGenerator()
    private var schedule = WakeSchedule(delay: 5, capacity: 3, at: 100)

    private func candidate(_ arrival: PushArrival) -> WakeUpCandidate { WakeUpCandidate(deviceId: arrival.deviceId, messageId: arrival.messageId) }
    private func arrival(for deviceId: Identifier? = nil) -> PushArrival {
        PushArrival(deviceId: deviceId ?? identifiers.next(), messageId: identifiers.next())
    }

    private mutating func add(_ arrival: PushArrival, at now: Double, isTaken: Bool = true) {
        let taken = schedule.add(arrival, at: now)
        #expect(taken == isTaken)
    }

    private mutating func due(at now: Double, atMost room: Int = 100, polling: Set<Identifier> = []) -> [WakeUpCandidate] {
        schedule.takeDue(at: now, atMost: room) { polling.contains($0) }
    }

    @Test mutating func aMessageIsAskedAboutWhenItsTimeHasComeAndNotBefore() {
        let message = arrival()
        add(message, at: 100)
        #expect(due(at: 104.9) == [])
        #expect(due(at: 105.2) == [candidate(message)])
        #expect(due(at: 106) == [])
    }

    @Test mutating func manyMessagesForOneDeviceAreOneQuestion() {
        let first = arrival()
        for time in [100.0, 101, 102] { add(time == 100 ? first : arrival(for: first.deviceId), at: time) }
        #expect(schedule.count == 1)
        #expect(due(at: 110) == [candidate(first)])
        schedule.finish(candidate(first), isClaimed: true)
        #expect(schedule.count == 0)
        #expect(due(at: 120) == [])
    }

    @Test mutating func whenTheFirstMessageIsGoneTheLastOneIsWaitedForInTurn() {
        let first = arrival()
        let last = arrival(for: first.deviceId)
        add(first, at: 100)
        add(last, at: 104)
        #expect(due(at: 105.2) == [candidate(first)])
        schedule.finish(candidate(first), isClaimed: false)
        #expect(due(at: 108.9) == [])
        #expect(due(at: 109.2) == [candidate(last)])
        schedule.finish(candidate(last), isClaimed: false)
        #expect(schedule.count == 0)
    }

    @Test mutating func whatCameWhileTheDatabaseWasAskedIsWaitedForToo() {
        let first = arrival()
        let last = arrival(for: first.deviceId)
        add(first, at: 100)
        #expect(due(at: 105.2) == [candidate(first)])
        add(last, at: 105.3)
        schedule.finish(candidate(first), isClaimed: false)
        #expect(due(at: 110) == [])
        #expect(due(at: 110.5) == [candidate(last)])
    }

    @Test mutating func aDeviceThatPollsIsForgotten() {
        let message = arrival()
        add(message, at: 100)
        #expect(due(at: 106, polling: [message.deviceId]) == [])
        #expect(schedule.count == 0)
        #expect(due(at: 120) == [])
    }

    @Test mutating func beyondItsRoomNothingIsRememberedButWhatIsThereGoesOn() {
        let messages = (0..<3).map { _ in arrival() }
        for message in messages { add(message, at: 100) }
        add(arrival(), at: 100, isTaken: false)
        add(arrival(for: messages[0].deviceId), at: 100)
        #expect(due(at: 106).count == 3)
    }

    @Test mutating func whatFindsNoRoomWaitsForItsTurn() {
        for _ in 0..<3 { add(arrival(), at: 100) }
        let first = due(at: 106, atMost: 2)
        #expect(first.count == 2)
        #expect(due(at: 106, atMost: 0) == [])
        let second = due(at: 107, atMost: 2)
        #expect(second.count == 1)
        #expect(!first.contains(second[0]))
    }

    @Test mutating func ifTheDatabaseIsAwayItIsAskedAgain() {
        let message = arrival()
        add(message, at: 100)
        #expect(due(at: 106) == [candidate(message)])
        schedule.postpone([candidate(message)], at: 106)
        #expect(due(at: 106.5) == [])
        #expect(due(at: 107.2) == [candidate(message)])
    }

    /// Against a plain model: whatever comes in whatever order, each message that still waits is asked about, or one before it of the same device is.
    @Test(arguments: 0..<20) func everyMessageThatWaitsIsAskedAbout(seed: UInt64) {
        var random = SplitMix64(state: seed)
        var schedule = WakeSchedule(delay: 5, capacity: 100, at: 0)
        let devices = (0..<5).map { _ in identifiers.next() }
        var unread: [Identifier: [Identifier]] = [:]
        var now = 0.0
        for step in 0..<400 {
            now += Double.random(in: 0...1, using: &random)
            let device = devices[Int.random(in: 0..<5, using: &random)]
            if step < 300 {
                switch Int.random(in: 0..<3, using: &random) {
                case 0, 1:
                    let message = PushArrival(deviceId: device, messageId: identifiers.next())
                    unread[device, default: []].append(message.messageId)
                    _ = schedule.add(message, at: now)
                default: unread[device] = nil
                }
            }
            for candidate in schedule.takeDue(at: now, atMost: 100, isPolling: { _ in false }) {
                let waits = candidate.messageId.map { unread[candidate.deviceId]?.contains($0) == true } ?? false
                // Being woken, the device comes and reads everything.
                if waits { unread[candidate.deviceId] = nil }
                schedule.finish(candidate, isClaimed: waits)
            }
        }
        #expect(unread.isEmpty)
        #expect(schedule.count == 0)
    }
}
