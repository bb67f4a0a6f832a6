import Postgres

/// Ends, once a second, what nobody else ends. Every node does it, so a ring whose node has crashed is over in time as well.
///
/// That somebody was not seen says nothing while nobody could be: after an outage, of this server or of the database, all have the time that somebody
/// who has vanished has.
struct CallSweep: Sendable {
    let store: CallStore
    let failures: SweepFailures

    /// Seconds without a sweep after which there was an outage.
    private static let gapSeconds: Double = 10

    /// Sweeps until the task is cancelled.
    ///
    /// - Parameter deliver: brings what was put into inboxes to the polls.
    func run(deliver: @Sendable ([Delivery]) -> Void) async {
        var turns = 0
        var last = Uptime.seconds()
        var since = last
        while !Task.isCancelled {
            let now = Uptime.seconds()
            if now - last > Self.gapSeconds { since = now }
            let isDone = await failures.noting(.calls) {
                try await store.sweep(judgesAbsence: now - since > Double(CallStore.absenceSeconds), deliver: deliver)
                if turns % 60 == 0 { try await store.forget() }
            }
            if isDone { last = Uptime.seconds() }
            turns += 1
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
