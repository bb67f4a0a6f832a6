import Postgres
import Testing

@testable import Restante

@Suite struct PushMachineTests {
    private let identifiers = IdentifierGenerator()
    private var machine = PushMachine(delay: 5, services: [.fcm, .apn], mostDevices: 200_000, at: 0)

    private func claim(_ deviceId: Identifier? = nil, _ tokens: [(String, PushService)] = [("t", .fcm)]) -> WakeUpClaim {
        WakeUpClaim(
            deviceId: deviceId ?? identifiers.next(), messageId: identifiers.next(),
            tokens: tokens.map { .init(token: $0.0, type: $0.1, registeredAt: 9) })
    }

    private mutating func begin(_ claim: WakeUpClaim, _ urgency: WakeUp.Urgency = .message, at now: Double = 0) -> [PushJob] {
        machine.claimed([claim], of: [], urgency: urgency, at: now)
        return machine.takeJobs(at: now).sorted { $0.token.token < $1.token.token }
    }

    private mutating func finish(_ job: PushJob, _ outcome: PushOutcome, at now: Double = 0) {
        _ = machine.finished(job, outcome, at: now, random: 0)
    }

    private func settled(_ claim: WakeUpClaim, retryAfter: Double? = nil) -> WakeUpSettlement {
        WakeUpSettlement(deviceId: claim.deviceId, messageId: claim.messageId, retryAfter: retryAfter)
    }

    @Test mutating func aMessageBecomesAQuestionAClaimAPushAndASettlement() {
        let arrival = PushArrival(deviceId: identifiers.next(), messageId: identifiers.next())
        #expect(machine.arrived([arrival], at: 0) == 0)
        #expect(machine.takeDue(at: 4.9) { _ in false } == [])
        let candidates = machine.takeDue(at: 5.2) { _ in false }
        #expect(candidates == [WakeUpCandidate(deviceId: arrival.deviceId, messageId: arrival.messageId)])
        let claim = claim(arrival.deviceId)
        machine.claimed([claim], of: candidates, urgency: .message, at: 5.3)
        let jobs = machine.takeJobs(at: 5.3)
        #expect(jobs.map { $0.wakeUp(at: $0.begun) } == [WakeUp(token: "t", urgency: .message)])
        #expect(machine.takeSettlements().settlements == [])
        finish(jobs[0], .accepted)
        #expect(machine.takeSettlements().settlements == [settled(claim)])
        #expect(machine.takeSettlements().settlements == [])
    }

    @Test mutating func aMessageThatWasAcknowledgedIsAskedAboutOnce() {
        let arrival = PushArrival(deviceId: identifiers.next(), messageId: identifiers.next())
        _ = machine.arrived([arrival], at: 0)
        let candidates = machine.takeDue(at: 6) { _ in false }
        machine.claimed([], of: candidates, urgency: .message, at: 6)
        #expect(machine.waiting == 0)
        #expect(machine.takeJobs(at: 6) == [])
    }

    @Test mutating func aDeviceIsSettledWhenTheLastOfItsTokensIs() {
        let claim = claim(nil, [("a", .fcm), ("b", .apn)])
        let jobs = begin(claim)
        #expect(jobs.count == 2)
        finish(jobs[0], .accepted)
        #expect(machine.takeSettlements().settlements == [])
        finish(jobs[1], .failed("500", seconds: 600))
        #expect(machine.takeSettlements().settlements == [settled(claim)], "one of them was taken")
    }

    @Test mutating func whatNobodyTookIsTriedAgainLater() {
        let claim = claim(nil, [("a", .fcm), ("b", .apn)])
        let jobs = begin(claim)
        finish(jobs[0], .failed("500", seconds: 600))
        finish(jobs[1], .void(since: nil))
        let told = machine.takeSettlements()
        #expect(told.settlements == [settled(claim, retryAfter: 600)])
        #expect(told.void == [VoidToken(token: "b", since: 9)])
    }

    @Test mutating func whereNobodyIsLeftToTellItIsDone() {
        let claim = claim()
        finish(begin(claim)[0], .void(since: nil))
        #expect(machine.takeSettlements().settlements == [settled(claim)])
        let refused = self.claim()
        finish(begin(refused)[0], .refused("400 BadTopic"))
        #expect(machine.takeSettlements().settlements == [settled(refused)])
    }

    @Test mutating func whatWaitedTooLongForItsServiceIsTriedAgainLater() {
        let claim = claim()
        machine.claimed([claim], of: [], urgency: .message, at: 0)
        #expect(machine.takeJobs(at: 100) == [])
        #expect(machine.takeSettlements().settlements == [settled(claim, retryAfter: 0)])
    }

    @Test mutating func oneServiceThatIsDownDoesNotHoldUpTheOther() {
        for job in (0..<10).flatMap({ begin(claim(nil, [("a\($0)", .fcm)])) }) { finish(job, .failed("500", seconds: nil)) }
        #expect(begin(claim(nil, [("x", .fcm), ("y", .apn)])).map(\.token.token) == ["y"])
    }

    @Test mutating func aBurstOfAHundredThousandDevicesIsTakenInPortions() {
        let arrivals = (0..<100_000).map { _ in PushArrival(deviceId: identifiers.next(), messageId: identifiers.next()) }
        #expect(machine.arrived(arrivals, at: 0) == 0)
        var (asked, sent, mostQueued) = (0, 0, 0)
        var now = 6.0
        while sent < arrivals.count, now < 3_000 {
            let candidates = machine.takeDue(at: now) { _ in false }
            #expect(candidates.count <= 1_000)
            asked += candidates.count
            machine.claimed(candidates.map { claim($0.deviceId) }, of: candidates, urgency: .message, at: now)
            for job in machine.takeJobs(at: now) {
                finish(job, .accepted, at: now)
                sent += 1
            }
            mostQueued = max(mostQueued, asked - sent)
            now += 0.02
        }
        #expect(sent == arrivals.count)
        #expect(machine.waiting == 0)
        #expect(mostQueued <= 5_000)
    }

    @Test mutating func whatThereIsNoRoomForIsCounted() {
        machine = PushMachine(delay: 5, services: [.fcm], mostDevices: 10, at: 0)
        let arrivals = (0..<15).map { _ in PushArrival(deviceId: identifiers.next(), messageId: identifiers.next()) }
        #expect(machine.arrived(arrivals, at: 0) == 5)
    }

    @Test mutating func withoutADatabaseTheQuestionIsAskedAgain() {
        let arrival = PushArrival(deviceId: identifiers.next(), messageId: identifiers.next())
        _ = machine.arrived([arrival], at: 0)
        let candidates = machine.takeDue(at: 6) { _ in false }
        machine.couldNotClaim(candidates, at: 6)
        #expect(machine.takeDue(at: 7.2) { _ in false } == candidates)
    }
}
