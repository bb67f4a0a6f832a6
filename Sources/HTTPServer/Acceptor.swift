import Glibc

/// Takes a worker's new connections, and turns away those that there is no room for.
///
/// A connection too many is told 503 at once. Left in the backlog it would hang until its client's patience ends, and the
/// listen socket, still readable, would keep the worker spinning.
final class Acceptor {
    private let poll: EventPoll
    private let counts: ConnectionCounts
    /// Words the answer to a connection too many.
    private let refusal: () -> Response
    private var socket: ListenSocket?
    private var isPaused = false
    private var lingering = LingeringSockets()
    /// Kept open so that there is a descriptor with which to refuse when there is none left.
    private var spare: Int32
    /// Connections taken at one go; existing ones want their turn.
    private static let series = 64

    init(socket: ListenSocket, poll: EventPoll, counts: ConnectionCounts, refusal: @escaping () -> Response) throws(ServerError) {
        guard poll.add(socket.descriptor, .listener) else { throw .system("epoll_ctl", errno: errno) }
        self.socket = socket
        self.poll = poll
        self.counts = counts
        self.refusal = refusal
        spare = open("/dev/null", O_RDONLY | O_CLOEXEC)
    }

    deinit {
        if spare >= 0 { Glibc.close(spare) }
    }

    /// Hands on the connections that wait, each counted in and its descriptor the receiver's.
    func accept(now: Int64, _ receive: (Int32, sockaddr_storage, socklen_t) -> Void) {
        for _ in 0..<Self.series {
            guard let socket else { return }
            switch socket.accept() {
            case .connection(let descriptor, let address, let length):
                if counts.admit() {
                    receive(descriptor, address, length)
                } else {
                    refuse(descriptor, now: now)
                }
            case .none: return
            case .exhausted:
                guard refuseWithSpare(socket) else { return pause() }
            }
        }
    }

    /// Keeps a descriptor on which all is said until its peer has had time to read it.
    func linger(owning descriptor: Int32, now: Int64) {
        lingering.add(owning: descriptor, now: now)
    }

    /// Does what is due now and then.
    func sweep(now: Int64) {
        lingering.sweep(now: now)
        if spare < 0 { spare = open("/dev/null", O_RDONLY | O_CLOEXEC) }
        if isPaused, let socket { isPaused = !poll.add(socket.descriptor, .listener) }
    }

    /// Takes no more connections.
    func close() {
        guard let socket else { return }
        if !isPaused { poll.remove(socket.descriptor) }
        self.socket = nil
    }

    private func refuse(_ descriptor: Int32, now: Int64) {
        tell(descriptor)
        lingering.add(owning: descriptor, now: now)
    }

    private func refuseWithSpare(_ socket: ListenSocket) -> Bool {
        guard spare >= 0 else { return false }
        Glibc.close(spare)
        spare = -1
        if case .connection(let descriptor, _, _) = socket.accept() {
            counts.noteRefused()
            tell(descriptor)
            Glibc.close(descriptor)
        }
        spare = open("/dev/null", O_RDONLY | O_CLOEXEC)
        return spare >= 0
    }

    private func pause() {
        guard let socket, !isPaused else { return }
        poll.remove(socket.descriptor)
        isPaused = true
    }

    private func tell(_ descriptor: Int32) {
        _ = DirectAnswer.send(refusal(), on: descriptor)
        shutdown(descriptor, Int32(SHUT_WR))
    }
}
