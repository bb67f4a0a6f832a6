import Postgres
import Synchronization

/// Whether this node should get requests.
final class Health: Sendable {
    /// One look at the database, which all who ask meanwhile share.
    private struct Look {
        let task: Task<Int, any Error>
        /// Nil while it is under way.
        var end: UInt64?
    }

    private let pool: Pool
    private let versions: [Int64]
    private let isDraining = Atomic<Bool>(false)
    private let look = Mutex<Look?>(nil)

    static let statements = [ping]

    private static let ping = Statement(
        "health.ping",
        """
        SELECT pg_is_in_recovery(), ARRAY(SELECT unnest($1::int8[]) EXCEPT SELECT version FROM schema_migrations ORDER BY 1)
        """)
    /// Anybody may ask, so the database is asked five times a second at most.
    private static let age: UInt64 = 200_000_000

    /// - Parameter schema: what this program needs. A database that has more belongs to a newer program, which does not disturb this one.
    init(pool: Pool, schema: MigrationList) {
        self.pool = pool
        versions = schema.migrations.map { Int64($0.version) }
    }

    func startDraining() {
        isDraining.store(true, ordering: .relaxed)
    }

    /// Returns how many milliseconds the database took to answer; throws `NotReady`.
    func check() async throws -> Int {
        if isDraining.load(ordering: .relaxed) { throw NotReady.draining }
        return try await shared().value
    }

    private func shared() -> Task<Int, any Error> {
        look.withLock { known in
            if let known, known.end.map({ Uptime.nanoseconds() < $0 + Self.age }) ?? true { return known.task }
            let task = Task {
                defer { look.withLock { $0?.end = Uptime.nanoseconds() } }
                return try await ask()
            }
            known = Look(task: task)
            return task
        }
    }

    private func ask() async throws(NotReady) -> Int {
        let asked = Uptime.nanoseconds()
        let (isStandby, missing) = try await answer()
        if isStandby { throw .database("it is a standby") }
        guard missing.isEmpty else { throw .database("it lacks the migrations \(missing.map(String.init).joined(separator: ", "))") }
        return Int((Uptime.nanoseconds() - asked) / 1_000_000)
    }

    private func answer() async throws(NotReady) -> (isStandby: Bool, missing: [Int64]) {
        do {
            return try await pool.run { [versions] in
                let row = try $0.execute(Self.ping, [.int64s(versions)])[0]
                return (try row.bool(0), try row.int64s(1))
            }
        } catch {
            throw .database("\(error)")
        }
    }
}

/// Why a node should get no requests.
enum NotReady: ProblemConvertible, Equatable {
    case draining
    /// With the reason, which may name hosts and roles: it is for operators and the log.
    case database(String)

    var problem: Problem {
        switch self {
        case .draining: .passing(.draining)
        case .database: .passing(.unavailable)
        }
    }

    var faultForLog: String? {
        switch self {
        case .draining: nil
        case .database(let reason): "the database: \(reason)"
        }
    }
}
