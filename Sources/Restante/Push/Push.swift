import Logging
import Postgres
import Synchronization

/// Wakes devices that do not poll: by push, with nothing in it.
///
/// The shell around `PushMachine`: it asks the database, sends, and keeps time. A writer that has committed messages leaves them at the doorstep, which
/// costs it one lock and an append; four times a second everything that lies there is taken in. What is lost with a node, or finds no room, is found
/// again by the walk that all nodes share: a page of devices each second, a minute's rest after the last one.
final class Push: Sendable {
    private static let tick = Duration.milliseconds(250)
    private static let mostAtDoorstep = 200_000

    private let providers: [PushService: any PushProvider]
    private let store: WakeUpStore
    private let machine: Mutex<PushMachine>
    private let doorstep = Mutex<[PushArrival]>([])
    private let isPolling: @Sendable (Identifier) -> Bool
    private let ringPatience: Duration
    private let metrics: Metrics
    private let logger: Logger

    /// - Parameters:
    ///   - isPolling: whether a device holds a poll here.
    ///   - ringPatience: how long a device may take to acknowledge a ring by itself; for one that polls another node, of which nobody knows here.
    init(
        _ providers: [PushService: any PushProvider], store: WakeUpStore, isPolling: @escaping @Sendable (Identifier) -> Bool,
        ringPatience: Duration = .zero, metrics: Metrics, logger: Logger
    ) {
        self.ringPatience = ringPatience
        self.metrics = metrics
        self.isPolling = isPolling
        self.providers = providers
        self.store = store
        self.logger = logger
        machine = Mutex(PushMachine(delay: Double(store.delaySeconds), services: Array(providers.keys), at: Uptime.seconds()))
    }

    /// Whether there is any push service to send to.
    var isOn: Bool { !providers.isEmpty }

    /// How many devices have messages that may yet wake them.
    var waiting: Int { machine.withLock { $0.waiting } }

    /// Messages were committed for devices that hold no poll here. For the hot path.
    func arrived(_ arrivals: [PushArrival]) {
        doorstep.withLock { if $0.count < Self.mostAtDoorstep { $0 += arrivals } }
    }

    /// Wakes the devices of these rings, whether they were woken lately or not. Call it after COMMIT; those that poll need not be left out.
    func wakeNow(_ rings: [PushArrival]) {
        guard isOn else { return }
        let rings = rings.filter { !isPolling($0.deviceId) }
        guard !rings.isEmpty else { return }
        Task {
            do {
                if ringPatience > .zero { try await Task.sleep(for: ringPatience) }
                let claims = try await store.ringing(rings)
                machine.withLock { $0.claimed(claims, of: [], urgency: .call, at: Uptime.seconds()) }
                sendWhatMayGo()
            } catch {
                logger.warning("push: nobody could be woken for a call", metadata: ["error": .string("\(error)")])
            }
        }
    }

    /// Works until the task is cancelled.
    func run() async {
        guard isOn else { return }
        var hasBegun = false
        var nextPage = 0.0
        while !Task.isCancelled {
            var pause = Self.tick
            do {
                if !hasBegun { try await store.beginRound() }
                hasBegun = true
                try await wakeDue()
                if Uptime.seconds() >= nextPage {
                    nextPage = Uptime.seconds() + 1
                    try await wakeForgotten()
                }
                try await settle()
            } catch {
                logger.warning("push: the database is not there", metadata: ["error": .string("\(error)")])
                pause = .seconds(1)
            }
            sendWhatMayGo()
            try? await Task.sleep(for: pause)
        }
    }

    private func wakeDue() async throws {
        let arrivals = doorstep.withLock { arrivals in
            defer { arrivals = [] }
            return arrivals
        }
        let now = Uptime.seconds()
        let (due, left) = machine.withLock { machine in
            let left = machine.arrived(arrivals, at: now)
            return (machine.takeDue(at: now, isPolling: isPolling), left)
        }
        if left > 0 { logger.warning("push: more devices than memory holds; they are found later", metadata: ["devices": .stringConvertible(left)]) }
        guard !due.isEmpty else { return }
        do {
            let claims = try await store.claim(due)
            machine.withLock { $0.claimed(claims, of: due, urgency: .message, at: Uptime.seconds()) }
        } catch {
            machine.withLock { $0.couldNotClaim(due, at: Uptime.seconds()) }
            throw error
        }
    }

    /// Looks at the next page of devices for messages that nobody has told of.
    private func wakeForgotten() async throws {
        guard machine.withLock({ $0.room }) >= 500 else { return }
        let devices = try await store.nextPage().filter { !isPolling($0) }
        guard !devices.isEmpty else { return }
        let claims = try await store.claim(devices.map { WakeUpCandidate(deviceId: $0, messageId: nil) })
        machine.withLock { $0.claimed(claims, of: [], urgency: .message, at: Uptime.seconds()) }
    }

    private func settle() async throws {
        let (settlements, void) = machine.withLock { $0.takeSettlements() }
        guard !settlements.isEmpty || !void.isEmpty else { return }
        // What cannot be written is claimed again in two minutes: a wake-up too many.
        try await store.settle(settlements, removing: void)
    }

    private func sendWhatMayGo() {
        let jobs = machine.withLock { $0.takeJobs(at: Uptime.seconds()) }
        for job in jobs {
            guard let provider = providers[job.token.type] else { continue }
            Task { finish(job, await provider.send(job.wakeUp(at: Uptime.seconds()))) }
        }
    }

    private func finish(_ job: PushJob, _ outcome: PushOutcome) {
        let random = Double.random(in: 0...1)
        let verdict = machine.withLock { $0.finished(job, outcome, at: Uptime.seconds(), random: random) }
        metrics.pushes.add(Both(job.token.type, PushResult(outcome, verdict)))
        log(job, outcome, verdict)
        sendWhatMayGo()
    }

    private func log(_ job: PushJob, _ outcome: PushOutcome, _ verdict: SendLine.Verdict) {
        let service = Logger.MetadataValue.string(job.token.type.rawValue)
        switch (outcome, verdict) {
        case (.failed(let reason, _), _): logger.warning("push failed", metadata: ["service": service, "reason": .string(reason)])
        case (_, .refused(let reason)): logger.error("push refused", metadata: ["service": service, "reason": .string(reason)])
        default: logger.debug("push", metadata: ["service": service, "outcome": .string("\(outcome)")])
        }
    }
}
