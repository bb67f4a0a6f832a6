import Postgres
import Synchronization

/// Finds the sessions of tokens that the cache does not know, all that are asked for at a time in one query.
///
/// When thousands of devices come back at once, after a restart, they would else stand in line for the pool one by one.
final class SessionLookup: Sendable {
    typealias Completion = @Sendable (Result<Session, any Error>) -> Void

    private typealias Request = (hash: TokenHash, completion: Completion)
    private struct State {
        var waiting: [Request] = []
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
        if mustStart { store.pool.submit { [self] in work($0) } }
    }

    private func work(_ session: Result<Connection, PostgresError>) {
        while let taken = take() {
            do {
                try answer(taken, on: session.get())
            } catch {
                for (_, completion) in taken { completion(.failure(error)) }
            }
            // What still waits has another session.
            if case .success(let connection) = session, connection.isBroken { return store.pool.submit { [self] in work($0) } }
        }
    }

    /// Whatever has to be noted keeps nobody waiting whom it does not concern. Throws where nobody has been answered.
    private func answer(_ taken: [Request], on connection: Connection) throws {
        let generations = cache.generations
        let found = try store.find(Set(taken.map(\.hash)), on: connection)
        var (first, firstUsed, seen): ([Request], [Identifier], Set<Identifier>) = ([], [], [])
        for request in taken {
            if case .session(let session, _, let isFirstUse, let isDeviceUnseen) = found[request.hash] {
                if isDeviceUnseen { seen.insert(session.deviceId) }
                if isFirstUse {
                    first.append(request)
                    firstUsed.append(session.sessionId)
                    continue
                }
            }
            request.completion(resolve(found[request.hash], request.hash, generations))
        }
        if !first.isEmpty {
            let noted = Result { try store.noteUse(of: firstUsed, on: connection) }
            for (hash, completion) in first { completion(noted.flatMap { resolve(found[hash], hash, generations) }) }
        }
        if !seen.isEmpty { try? store.noteSight(of: Array(seen), on: connection) }
    }

    /// The next batch; nil ends the work, in the same step in which the queue was seen empty.
    private func take() -> [Request]? {
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

    private func resolve(
        _ found: SessionStore.Authenticated?, _ hash: TokenHash, _ generations: SessionCache.Generations
    ) -> Result<Session, any Error> {
        switch found {
        case nil: return .failure(Problem(.invalidToken))
        case .refused(let problem): return .failure(problem)
        case .session(let session, let secondsLeft, _, _):
            cache.remember(session, for: hash, seconds: secondsLeft, ifStill: generations)
            return .success(session)
        }
    }
}
