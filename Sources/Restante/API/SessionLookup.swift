import Postgres
import Synchronization

/// Finds the sessions of tokens that the cache does not know, all that are asked for at a time in one query.
///
/// When thousands of devices come back at once, after a restart, they would else stand in line for the pool one by one.
final class SessionLookup: Sendable {
    typealias Completion = @Sendable (Result<Session, any Error>) -> Void

    private struct State {
        var waiting: [(hash: TokenHash, completion: Completion)] = []
        var isAtWork = false
    }
    private static let batch = 1000

    private let state = Mutex(State())
    private let store: SessionStore
    private let cache: SessionCache

    init(store: SessionStore, cache: SessionCache) {
        self.store = store
        self.cache = cache
    }

    /// `completion` runs once, on a thread of the pool.
    func find(_ hash: TokenHash, _ completion: @escaping Completion) {
        let mustStart = state.withLock { state in
            state.waiting.append((hash, completion))
            defer { state.isAtWork = true }
            return !state.isAtWork
        }
        if mustStart { store.pool.submit { [self] connection in work(connection) } }
    }

    private func work(_ connection: Result<Connection, PostgresError>) {
        while let taken = take() {
            do {
                let generation = cache.generation
                let found = try store.authenticate(Set(taken.map(\.hash)), on: connection.get())
                for (hash, completion) in taken { completion(resolve(found[hash], hash, generation)) }
            } catch {
                for (_, completion) in taken { completion(.failure(error)) }
            }
        }
    }

    /// The next batch; nil ends the work, in the same step in which the queue was seen empty.
    private func take() -> [(hash: TokenHash, completion: Completion)]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isAtWork = false
                return nil
            }
            let taken = Array(state.waiting.prefix(Self.batch))
            state.waiting.removeFirst(taken.count)
            return taken
        }
    }

    private func resolve(_ found: SessionStore.Authenticated?, _ hash: TokenHash, _ generation: UInt64) -> Result<Session, any Error> {
        switch found {
        case nil: return .failure(Problem(.invalidToken))
        case .refused(let problem): return .failure(problem)
        case .session(let session, let secondsLeft):
            cache.remember(session, for: hash, seconds: secondsLeft, ifStill: generation)
            return .success(session)
        }
    }
}
