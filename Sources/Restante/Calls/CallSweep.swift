import Postgres

/// Ends, once a second, what nobody else ends. Every node does it, so a ring whose node has crashed is over in time as well.
struct CallSweep: Sendable {
    let store: CallStore
    let failures: SweepFailures

    /// Sweeps until the task is cancelled.
    ///
    /// - Parameter deliver: brings what was put into inboxes to the polls.
    func run(deliver: @Sendable ([Delivery]) -> Void) async {
        var turns = 0
        while !Task.isCancelled {
            await failures.noting(.calls) {
                deliver(try await store.sweep())
                if turns % 60 == 0 { try await store.forget() }
            }
            turns += 1
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
