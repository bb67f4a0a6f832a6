import Postgres
import Testing

@testable import Restante

@Suite struct SendLineTests {
    private var line = SendLine()
    private var next = 0

    private mutating func job(_ urgency: WakeUp.Urgency = .message, begun: Double = 0, registeredAt: Int64 = 1_000) -> PushJob {
        next += 1
        let token = WakeUpClaim.Token(token: "token-\(next)", type: .fcm, registeredAt: registeredAt)
        return PushJob(claim: next, deviceId: IdentifierGenerator().next(), token: token, urgency: urgency, begun: begun)
    }

    private mutating func finish(_ job: PushJob, _ outcome: PushOutcome, at now: Double, random: Double = 0) -> SendLine.Verdict {
        line.finish(job, outcome, at: now, random: random)
    }

    @Test mutating func noMoreThanAHundredAreUnderWay() {
        let jobs = (0..<150).map { _ in job() }
        for job in jobs { line.add(job) }
        let first = line.take(at: 0)
        #expect(first.jobs == Array(jobs[..<100]))
        #expect(line.take(at: 0).jobs == [])
        #expect(finish(first.jobs[0], .accepted, at: 1) == .accepted)
        #expect(line.take(at: 1).jobs.map(\.claim) == [jobs[100].claim])
        #expect(line.count == 149)
    }

    @Test mutating func aRingGoesFirst() {
        let (message, ring) = (job(), job(.call))
        line.add(message)
        line.add(ring)
        #expect(line.take(at: 0).jobs == [ring, message])
    }

    @Test mutating func whatFailsIsTriedFourTimesWithGrowingPausesAndThenGivenUp() {
        line.add(job())
        var now = 0.0
        for pause in [1.0, 4, 16] {
            let taken = line.take(at: now).jobs
            #expect(taken.count == 1)
            #expect(finish(taken[0], .failed("503", seconds: nil), at: now) == .retries)
            #expect(line.take(at: now + pause - 0.1).jobs == [])
            now += pause
        }
        let last = line.take(at: now).jobs
        #expect(finish(last[0], .failed("503", seconds: nil), at: now) == .givenUp(retryAfter: 0))
        #expect(line.count == 0)
    }

    @Test mutating func pausesAreJittered() {
        line.add(job())
        let taken = line.take(at: 0).jobs
        #expect(finish(taken[0], .failed("503", seconds: nil), at: 0, random: 1) == .retries)
        #expect(line.take(at: 1.4).jobs == [])
        #expect(line.take(at: 1.5).jobs.count == 1)
    }

    @Test mutating func nobodyGoesWhileTheServiceWantsToBeLeftAlone() {
        line.add(job())
        let taken = line.take(at: 0).jobs
        #expect(finish(taken[0], .busy(seconds: 20, everyone: true), at: 0) == .retries)
        line.add(job())
        #expect(line.take(at: 19.9).jobs == [])
        #expect(line.take(at: 20).jobs.count == 2)
    }

    @Test mutating func aTokenThatIsAskedTooOftenHoldsUpNobodyElse() {
        line.add(job())
        let taken = line.take(at: 0).jobs
        #expect(finish(taken[0], .busy(seconds: 20, everyone: false), at: 0) == .retries)
        line.add(job())
        #expect(line.take(at: 1).jobs.count == 1)
        #expect(line.take(at: 20).jobs.count == 1)
    }

    @Test mutating func aLongerPauseThanAClaimLastsGoesBackToTheDatabase() {
        line.add(job())
        let taken = line.take(at: 0).jobs
        #expect(finish(taken[0], .failed("503", seconds: 600), at: 0) == .givenUp(retryAfter: 600))
    }

    @Test mutating func whatHasWaitedTooLongIsLate() {
        let (old, young) = (job(begun: 0), job(begun: 30))
        line.add(old)
        line.add(young)
        let taken = line.take(at: 61)
        #expect(taken.late == [old])
        #expect(taken.jobs.map(\.claim) == [young.claim])
    }

    @Test mutating func aServiceThatFailsIsAskedNoMoreForTenSecondsThenOnceThenByAll() {
        for _ in 0..<10 { line.add(job()) }
        for job in line.take(at: 0).jobs { _ = finish(job, .failed("500", seconds: nil), at: 0) }
        for _ in 0..<5 { line.add(job()) }
        #expect(line.take(at: 9.9).jobs == [])
        let probe = line.take(at: 10).jobs
        #expect(probe.count == 1)
        #expect(line.take(at: 10).jobs == [])
        #expect(finish(probe[0], .accepted, at: 10.5) == .accepted)
        #expect(line.take(at: 10.5).jobs.count == 14)
    }

    @Test mutating func aVoidTokenIsVoidSinceTheServiceSaysSoOrSinceItWasReadHere() {
        for _ in 0..<2 { line.add(job(registeredAt: 777)) }
        let taken = line.take(at: 0).jobs
        #expect(finish(taken[0], .void(since: 555), at: 0) == .void(VoidToken(token: taken[0].token.token, since: 555)))
        #expect(finish(taken[1], .void(since: nil), at: 0) == .void(VoidToken(token: taken[1].token.token, since: 777)))
    }

    @Test mutating func aForeignTokenIsVoidOnlyWhereTheCredentialsHaveProvedRight() {
        for _ in 0..<3 { line.add(job(registeredAt: 777)) }
        let taken = line.take(at: 0).jobs
        #expect(finish(taken[0], .foreign("400"), at: 0) == .refused("400"))
        #expect(finish(taken[1], .accepted, at: 0) == .accepted)
        #expect(finish(taken[2], .foreign("400"), at: 0) == .void(VoidToken(token: taken[2].token.token, since: 777)))
    }

    @Test mutating func aRingThatIsTriedAgainRingsNoLongerForIt() {
        let ring = job(.call, begun: 100)
        #expect(ring.wakeUp(at: 100.9).seconds == 60)
        #expect(ring.wakeUp(at: 120).seconds == 40)
        #expect(ring.wakeUp(at: 500).seconds == 1)
        #expect(job(begun: 100).wakeUp(at: 120).seconds == 2_419_200)
    }
}
