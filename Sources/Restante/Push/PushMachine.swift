import Postgres

/// The whole of push, without clock, database or network: what comes in, and what is to be done about it. Times are seconds of uptime.
///
/// A message arrives for a device that holds no poll. Some seconds later the database is asked whether it still waits, and for the right to wake the
/// device (`WakeUpStore`). With it come the device's tokens; to each goes one push (`SendLine`). When the last of them has ended, the claim is settled:
/// done if one push service has taken it, or if there is nobody left to tell; otherwise somebody tries again later.
struct PushMachine {
    private struct Claim {
        let deviceId: Identifier
        let messageId: Identifier
        var open: Int
        var isAccepted = false
        var retryAfter: Double?
    }

    /// Pushes that wait or are under way. So few, that a claim never waits for its turn until it is no longer good.
    private static let mostJobs = 4_000
    private static let mostCandidates = 1_000

    private var schedule: WakeSchedule
    private var lines: [PushService: SendLine]
    private var claims: [Int: Claim] = [:]
    private var nextClaim = 0
    private var settlements: [WakeUpSettlement] = []
    private var void: [VoidToken] = []

    init(delay: Double, services: [PushService], mostDevices: Int = 200_000, at now: Double) {
        schedule = WakeSchedule(delay: delay, capacity: mostDevices, at: now)
        lines = Dictionary(services.map { ($0, SendLine()) }) { first, _ in first }
    }

    /// How many devices may be claimed now.
    var room: Int { max(0, min(Self.mostCandidates, Self.mostJobs - lines.values.reduce(0) { $0 + $1.count })) }

    /// Devices with a message that has not waited long enough yet.
    var waiting: Int { schedule.count }

    /// Messages came for devices that hold no poll; how many of these there was no room for.
    mutating func arrived(_ arrivals: [PushArrival], at now: Double) -> Int {
        arrivals.reduce(0) { $0 + (schedule.add($1, at: now) ? 0 : 1) }
    }

    /// Time passes: about whom the database is to be asked.
    mutating func takeDue(at now: Double, isPolling: (Identifier) -> Bool) -> [WakeUpCandidate] {
        schedule.takeDue(at: now, atMost: room, isPolling: isPolling)
    }

    /// The database answered: these of the candidates are to be woken.
    mutating func claimed(_ claims: [WakeUpClaim], of candidates: [WakeUpCandidate], urgency: WakeUp.Urgency, at now: Double) {
        let devices = Set(claims.map(\.deviceId))
        for candidate in candidates { schedule.finish(candidate, isClaimed: devices.contains(candidate.deviceId)) }
        for claim in claims { begin(claim, urgency, at: now) }
    }

    /// The database did not answer.
    mutating func couldNotClaim(_ candidates: [WakeUpCandidate], at now: Double) {
        schedule.postpone(candidates, at: now)
    }

    /// What may be sent now.
    mutating func takeJobs(at now: Double) -> [PushJob] {
        var jobs: [PushJob] = []
        for service in lines.keys {
            guard let taken = lines[service]?.take(at: now) else { continue }
            jobs += taken.jobs
            for job in taken.late { close(job, retryAfter: 0) }
        }
        return jobs
    }

    /// A push ended so. `random` is from 0 to 1.
    mutating func finished(_ job: PushJob, _ outcome: PushOutcome, at now: Double, random: Double) -> SendLine.Verdict {
        guard let verdict = lines[job.token.type]?.finish(job, outcome, at: now, random: random) else { return .refused("no such service") }
        switch verdict {
        case .retries: break
        case .accepted: close(job, isAccepted: true)
        case .void(let token):
            void.append(token)
            close(job)
        case .refused: close(job)
        case .givenUp(let seconds): close(job, retryAfter: seconds)
        }
        return verdict
    }

    /// What the database is to be told.
    mutating func takeSettlements() -> (settlements: [WakeUpSettlement], void: [VoidToken]) {
        defer { (settlements, void) = ([], []) }
        return (settlements, void)
    }

    private mutating func begin(_ claim: WakeUpClaim, _ urgency: WakeUp.Urgency, at now: Double) {
        let tokens = claim.tokens.filter { lines[$0.type] != nil }
        guard !tokens.isEmpty else { return }
        nextClaim += 1
        claims[nextClaim] = Claim(deviceId: claim.deviceId, messageId: claim.messageId, open: tokens.count)
        for token in tokens {
            lines[token.type]?.add(PushJob(claim: nextClaim, deviceId: claim.deviceId, token: token, urgency: urgency, begun: now))
        }
    }

    private mutating func close(_ job: PushJob, isAccepted: Bool = false, retryAfter: Double? = nil) {
        guard var claim = claims[job.claim] else { return }
        claim.open -= 1
        claim.isAccepted = claim.isAccepted || isAccepted
        if let retryAfter { claim.retryAfter = max(claim.retryAfter ?? 0, retryAfter) }
        guard claim.open == 0 else {
            claims[job.claim] = claim
            return
        }
        claims[job.claim] = nil
        settlements.append(
            WakeUpSettlement(deviceId: claim.deviceId, messageId: claim.messageId, retryAfter: claim.isAccepted ? nil : claim.retryAfter))
    }
}
