import Logging

/// What is done from time to time, whatever anybody asks for.
enum Sweep: Int, EnumLabel {
    static let labelName = "sweep"

    case days, undelivered, sharedItems, oneTimePasswords, sessions, devices, lookups, keyClaims, lateItems
    case expiry, media, mediaBlobs, uploads, calls, removals
}

/// Keeps a failing sweep from ending anything but itself, and tells of it: in the log, and in `restante_sweep_failures_total`.
struct SweepFailures: Sendable {
    let metrics: Metrics
    let logger: Logger

    /// False: it has failed.
    @discardableResult
    func noting(_ sweep: Sweep, _ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return true
        } catch {
            // The end of the server interrupts what is under way.
            guard !Task.isCancelled else { return false }
            metrics.sweepFailures.add(sweep)
            logger.warning("sweep", metadata: ["sweep": .string(sweep.labelValue), "error": .string("\(error)")])
            return false
        }
    }
}
