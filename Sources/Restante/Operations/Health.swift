import Postgres
import Synchronization

/// Whether this node should get requests.
final class Health: Sendable {
    private let pool: Pool
    private let isDraining = Atomic<Bool>(false)

    static let statements = [ping]

    private static let ping = Statement("health.ping", "SELECT pg_is_in_recovery()")

    init(pool: Pool) {
        self.pool = pool
    }

    func startDraining() {
        isDraining.store(true, ordering: .relaxed)
    }

    /// Returns how many milliseconds the database took to answer; throws 503 while draining, and while the database cannot be reached or is not the primary. The schema was found current at the start.
    func check() async throws -> Int {
        if isDraining.load(ordering: .relaxed) { throw Problem.passing(.draining) }
        let asked = Uptime.nanoseconds()
        let isStandby = try await pool.run { try $0.execute(Self.ping)[0].bool(0) }
        if isStandby { throw Problem.passing(.unavailable) }
        return Int((Uptime.nanoseconds() - asked) / 1_000_000)
    }
}
