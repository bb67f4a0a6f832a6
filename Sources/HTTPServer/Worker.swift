internal import CMicrohttpd
import Glibc

/// One thread that serves connections: its own listen socket, its own epoll, and many libmicrohttpd daemons nested in it.
///
/// Every call of libmicrohttpd is made here, on this one thread, so suspending, answering and resuming cannot race. Other threads
/// reach a worker through its completion queue only. In one round it takes what epoll reports, then answers
/// what was completed, then runs each daemon that this touched once: a thousand answers that came together cost one walk of each
/// daemon's list, not a thousand.
///
/// Unchecked, because its state belongs to the thread that runs `run`; before that thread starts, to the one that makes it.
/// `completions`, all that others touch, is Sendable.
///
/// This file is the loop, and a connection's way from arrival through its requests; `Worker+Sweep` is time and `Worker+Shutdown` the end.
final class Worker: @unchecked Sendable {
    let handler: any ExchangeHandler
    let completions: CompletionQueue
    let bodies: BodyBudget
    let connectionMemory: Int
    let mode: SharedRunMode
    private let counts: ConnectionCounts
    let policy: DeadlinePolicy
    let poll: EventPoll
    let acceptor: Acceptor
    private var daemons: [Daemon] = []
    private var nextDaemon = 0
    /// Daemons to run before the next wait.
    private var touched: [Int] = []
    /// How often libmicrohttpd has called back. A turn without a call has moved nothing.
    var callbacks = 0
    var connections: [Connection?] = []
    private var freeSlots: [Int] = []
    var openConnections = 0
    var heldConnections = 0
    /// Streams that wait for the application.
    var pausedConnections = 0
    var deadlines = DeadlineTable()
    /// Numbers the watches for hang-ups, so that a late report is not taken for a later connection's.
    var watches: UInt32 = 0
    /// The connection that a daemon is just being given.
    private var arriving: (descriptor: Int32, peer: PeerAddress, daemon: Int)?
    private var batch: [Notice] = []
    var now = monotonicMilliseconds()
    var nextSweep: Int64 = 0
    /// The slots whose peers had ended within a body at the last sweep, and how much of it had come.
    var endedBodies: [Int: Int] = [:]
    var shutdown = ShutdownSequence()

    init(
        configuration: ServerConfiguration, daemonCount: Int, socket: ListenSocket, handler: any ExchangeHandler, mode: SharedRunMode,
        counts: ConnectionCounts, bodies: BodyBudget
    ) throws(ServerError) {
        self.handler = handler
        connectionMemory = configuration.connectionMemory
        self.mode = mode
        self.counts = counts
        self.bodies = bodies
        policy = DeadlinePolicy(configuration)
        completions = try CompletionQueue()
        poll = try EventPoll()
        acceptor = try Acceptor(socket: socket, poll: poll, counts: counts) { handler.overloaded(context: nil) }
        guard poll.add(completions.descriptor, .completions) else { throw .system("epoll_ctl", errno: errno) }
        for index in 0..<daemonCount {
            let daemon = try Daemon(
                connectionLimit: counts.limit, connectionMemory: configuration.connectionMemory, callbacks: makeCallbacks(self))
            guard poll.add(daemon.descriptor, .daemon(index)) else { throw .system("epoll_ctl", errno: errno) }
            daemons.append(daemon)
        }
    }

    /// Serves until the server's mode is `stopping` and everything is answered. The thread's whole work.
    func run() {
        while !isOver() {
            poll.wait(milliseconds: waitMilliseconds()) { source in dispatch(source) }
            now = monotonicMilliseconds()
            settleCompleted()
            runTouched()
            if now >= nextSweep { sweep() }
        }
        // A daemon's end closes its connections, which calls back into this worker: not while `daemons` is being changed.
        let ending = daemons
        daemons = []
        withExtendedLifetime(ending) {}
    }

    private func waitMilliseconds() -> Int32 {
        touched.isEmpty ? Int32(clamping: max(0, nextSweep - now)) : 0
    }

    private func dispatch(_ source: EventSource) {
        switch source {
        case .listener: acceptor.accept(now: now) { receive($0, $1, $2) }
        case .completions: completions.silence()
        case .daemon(let index): touch(index)
        case .peer(let slot, let watch): hungUp(slot, watch)
        }
    }

    func touch(_ index: Int) {
        guard !daemons[index].isTouched else { return }
        daemons[index].isTouched = true
        touched.append(index)
    }

    /// A connection that is read no further because its memory is full (a chunk's head of thousands of bytes) stays ready in libmicrohttpd's eyes. Its
    /// daemon would run without end, so one that has moved nothing in a whole turn rests.
    private func runTouched() {
        let round = touched
        touched.removeAll(keepingCapacity: true)
        for index in round {
            let daemon = daemons[index]
            daemon.isTouched = false
            let before = callbacks
            let hasMore = daemon.run()
            daemon.isResting = hasMore && callbacks == before
            if hasMore && !daemon.isResting { touch(index) }
        }
    }

    /// Gives the daemons that rest another turn.
    func touchResting() {
        for index in daemons.indices where daemons[index].isResting { touch(index) }
    }
}

// Connections come and go.
extension Worker {
    private func receive(_ descriptor: Int32, _ address: sockaddr_storage, _ length: socklen_t) {
        let index = nextDaemon
        nextDaemon = (nextDaemon + 1) % daemons.count
        arriving = (descriptor, PeerAddress(address), index)
        daemons[index].add(owning: descriptor, address: address, length: length)
        // Still there: libmicrohttpd had no memory, and has closed the socket.
        if arriving != nil { counts.noteClosed() }
        arriving = nil
    }

    /// libmicrohttpd has made a connection of what is arriving.
    func opened(_ handle: OpaquePointer) -> Connection? {
        guard let (descriptor, peer, daemon) = arriving else { return nil }
        arriving = nil
        let slot = freeSlots.popLast() ?? connections.count
        if slot == connections.count {
            connections.append(nil)
            deadlines.grow()
        }
        let connection = Connection(slot: slot, descriptor: descriptor, peer: peer, daemon: daemon, handle: handle, worker: self)
        connections[slot] = connection
        openConnections += 1
        deadlines.enter(.head, slot: slot, due: now + policy.head)
        return connection
    }

    /// libmicrohttpd is about to close the connection's socket.
    func closed(_ connection: Connection) {
        deadlines.enter(.free, slot: connection.slot)
        connections[connection.slot] = nil
        freeSlots.append(connection.slot)
        openConnections -= 1
        counts.noteClosed()
    }

    /// The connection will be closed with bytes unread: keeps its socket a moment longer, under a second descriptor.
    func linger(_ connection: Connection) {
        let copy = fcntl(connection.descriptor, F_DUPFD_CLOEXEC, 0)
        if copy >= 0 { acceptor.linger(owning: copy, now: now) }
    }
}

// A request's stages.
extension Worker {
    var isDraining: Bool { mode.current != .serving }

    func awaitBody(_ connection: Connection, bytes: Int) {
        deadlines.enter(.body, slot: connection.slot, due: now + policy.body(bytes: bytes))
    }

    func awaitSending(_ connection: Connection, bytes: Int) {
        deadlines.enter(.response, slot: connection.slot, due: now + policy.response(bytes: bytes))
        if connection.outgoing != nil { connection.beginWindow() }
    }

    /// The end comes at the latest when what was said has had time to be read.
    func awaitEnd(_ connection: Connection) {
        deadlines.enter(.body, slot: connection.slot, due: now + 2000)
    }

    func becameIdle(_ connection: Connection) {
        deadlines.enter(.idle, slot: connection.slot, due: now + policy.idle)
    }

    func becameHeld(_ connection: Connection) {
        heldConnections += 1
        counts.noteSuspended()
        deadlines.enter(.held, slot: connection.slot, due: now + DeadlinePolicy.unwatched)
    }

    /// Answers what other threads have completed, and moves on the streams that they have caught up with.
    private func settleCompleted() {
        completions.take(into: &batch)
        for notice in batch {
            let exchange = notice.exchange
            guard let connection = connections[exchange.slot], connection.exchange === exchange else { continue }
            switch notice {
            case .flow: proceed(connection)
            case .answered where connection.heldExchange === exchange: resume(connection, with: exchange.takeResponse())
            case .answered: if let response = exchange.takeResponse() { connection.answerEarly(response) }
            }
        }
        batch.removeAll(keepingCapacity: true)
    }

    /// Ends a held exchange that has been claimed; without a response its connection is closed.
    func resume(_ connection: Connection, with response: Response?) {
        if deadlines.stage(connection.slot) == .watched { poll.remove(connection.descriptor) }
        deadlines.enter(.response, slot: connection.slot, due: now + policy.response(bytes: 0))
        connection.settle(response)
        heldConnections -= 1
        counts.noteResumed()
        MHD_resume_connection(connection.handle)
        touch(connection.daemon)
    }

    /// The peer of a watched connection has closed its side. One that only half-closed is not told from one that is gone.
    private func hungUp(_ slot: Int, _ watch: UInt32) {
        guard let connection = connections[slot], connection.watch == watch else { return }
        if connection.isPaused {
            cut(connection)
            return proceed(connection)
        }
        guard let exchange = connection.heldExchange, exchange.claim() else { return }
        exchange.abandon()
        resume(connection, with: nil)
    }
}
