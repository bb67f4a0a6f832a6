import HTTPClient
import Postgres

/// One push to one token, with its tries.
struct PushJob: Sendable, Equatable {
    let claim: Int
    let deviceId: Identifier
    let token: WakeUpClaim.Token
    let urgency: WakeUp.Urgency
    /// Seconds of uptime when the device was claimed.
    let begun: Double
    var attempts = 0
    var notBefore = 0.0
    /// When the try that is under way was begun.
    var sentAt = 0.0

    func wakeUp(at now: Double) -> WakeUp { WakeUp(token: token.token, urgency: urgency, age: now - begun) }
}

/// The pushes that wait for one push service, and those that are under way. No clock, no network.
///
/// Bounded in every way: so many wait, so many are under way, each has so many tries and so much time. What does not get through goes back to the
/// database, which has it tried again much later. A ring goes before everything else.
struct SendLine {
    /// What became of a try.
    enum Verdict: Equatable {
        case retries
        case accepted
        case void(VoidToken)
        case refused(String)
        /// No more tries for now; `retryAfter`: the service asked for so many seconds of peace.
        case givenUp(retryAfter: Double)
    }

    private static let mostUnderWay = 100
    private static let mostAttempts = 4
    /// Well within the two minutes for which a claim is good.
    private static let longest = 60.0
    /// A service that says neither how long nor why: Firebase asks for a minute then.
    private static let busySeconds = 60.0

    private var urgent: ArraySlice<PushJob> = []
    private var ready: ArraySlice<PushJob> = []
    private var delayed: [PushJob] = []
    private var underWay = 0
    private var breaker = CircuitBreaker()
    private var pausedUntil = 0.0
    private var hasAccepted = false

    var count: Int { urgent.count + ready.count + delayed.count + underWay }

    mutating func add(_ job: PushJob) {
        if job.urgency == .call { urgent.append(job) } else { ready.append(job) }
    }

    /// What may go now, and what has waited too long.
    mutating func take(at now: Double) -> (jobs: [PushJob], late: [PushJob]) {
        if !delayed.isEmpty {
            for job in delayed where job.notBefore <= now { add(job) }
            delayed.removeAll { $0.notBefore <= now }
        }
        var (jobs, late): ([PushJob], [PushJob]) = ([], [])
        while var job = urgent.first ?? ready.first {
            if now - job.begun > Self.longest {
                late.append(job)
            } else {
                guard underWay < Self.mostUnderWay, now >= pausedUntil, breaker.admits(at: now) else { break }
                underWay += 1
                job.sentAt = now
                jobs.append(job)
            }
            if urgent.popFirst() == nil { _ = ready.popFirst() }
        }
        return (jobs, late)
    }

    /// How a try ended. `random` is from 0 to 1.
    mutating func finish(_ job: PushJob, _ outcome: PushOutcome, at now: Double, random: Double) -> Verdict {
        underWay -= 1
        let isSuccess = if case .failed = outcome { false } else { true }
        breaker.note(success: isSuccess, begun: job.sentAt, at: now)
        switch outcome {
        case .accepted:
            hasAccepted = true
            return .accepted
        case .void(let since): return .void(VoidToken(token: job.token.token, since: since ?? job.token.registeredAt))
        // With the credentials of another app all tokens are foreign, and would be gone for good. Believed from a service that has taken others.
        case .foreign(let reason) where !hasAccepted: return .refused(reason)
        case .foreign: return .void(VoidToken(token: job.token.token, since: job.token.registeredAt))
        case .refused(let reason): return .refused(reason)
        case .busy(let seconds, let everyone):
            let pause = seconds ?? Self.busySeconds
            if everyone { pausedUntil = max(pausedUntil, now + pause) }
            return retry(job, after: pause, at: now, random: random)
        case .failed(_, let seconds):
            if let seconds { pausedUntil = max(pausedUntil, now + seconds) }
            return retry(job, after: seconds, at: now, random: random)
        }
    }

    /// After what the service asks for, or 1, 4, 16 s; with up to half as much again, so that those that failed together do not come back together.
    private mutating func retry(_ job: PushJob, after seconds: Double?, at now: Double, random: Double) -> Verdict {
        var job = job
        job.attempts += 1
        let pause = (seconds ?? Double(1 << (2 * min(job.attempts - 1, 4)))) * (1 + random / 2)
        job.notBefore = now + pause
        guard job.attempts < Self.mostAttempts, job.notBefore - job.begun < Self.longest else { return .givenUp(retryAfter: seconds ?? 0) }
        delayed.append(job)
        return .retries
    }
}
