@testable import Postgres

/// Keeps what a listener was told, and waits for more.
final class ListenerRecorder: Sendable {
    private let told = Monitor((payloads: [String](), resumptions: 0))

    @Sendable func hear(_ payload: String) {
        told.withLock { $0.payloads.append(payload) }
        told.broadcast()
    }

    @Sendable func resume() {
        told.withLock { $0.resumptions += 1 }
        told.broadcast()
    }

    var payloads: [String] { told.withLock { $0.payloads } }
    var resumptions: Int { told.withLock { $0.resumptions } }

    /// Whether the channel has been found (again) this many times.
    func hasResumed(_ count: Int, within seconds: Double) -> Bool {
        wait(within: seconds) { $0.resumptions >= count }
    }

    func hasHeard(_ count: Int, within seconds: Double) -> Bool {
        wait(within: seconds) { $0.payloads.count >= count }
    }

    private func wait(within seconds: Double, _ condition: ((payloads: [String], resumptions: Int)) -> Bool) -> Bool {
        let deadline = Deadline.after(seconds: seconds)
        return told.wait(until: { _ in deadline }) { condition($0) ? () : nil } != nil
    }
}
