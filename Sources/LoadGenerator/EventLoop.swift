import Glibc

/// One thread's connections to the server, and the wait for what happens on them.
///
/// Everything here and everything that owns a connection of this loop belongs to the one thread that calls `run`.
package final class EventLoop {
    package let server: ServerAddress
    private var epoll: Epoll
    private var connections: [Connection] = []
    private var events: [Epoll.Event] = []
    private var broken: [Connection] = []
    /// Every connection reads into this first; only what ends in the middle of a response is kept by the connection.
    var received = [UInt8](repeating: 0, count: 65_536)

    package init(server: ServerAddress) throws(LoadFault) {
        self.server = server
        epoll = try Epoll()
    }

    /// A connection that opens when its first request is made.
    package func makeConnection(owner: any ConnectionOwner) -> Connection {
        let connection = Connection(loop: self, number: connections.count, owner: owner)
        connections.append(connection)
        return connection
    }

    /// Serves the connections until `isDone` or the deadline. `work` does what is due at the given instant and returns when to be called
    /// next; it is called at least every 10 ms. Returns whether `isDone` came first.
    @discardableResult
    package func run(until deadline: Instant, isDone: () -> Bool, work: (Instant) -> Instant = { _ in .max }) -> Bool {
        while !isDone() {
            let now = MonotonicClock.now
            guard now < deadline else { return false }
            let next = work(now)
            turn(until: min(next, deadline, now + 10_000_000))
        }
        return true
    }

    /// Closes every connection; no owner hears of it.
    package func closeAll() {
        for connection in connections { connection.discard() }
        connections.removeAll()
    }

    private func turn(until deadline: Instant) {
        events.removeAll(keepingCapacity: true)
        epoll.wait(until: broken.isEmpty ? deadline : 0, into: &events)
        for event in events {
            connections[event.number].serve(isClosing: event.isClosing)
        }
        let lost = broken
        broken.removeAll(keepingCapacity: true)
        for connection in lost { connection.fail() }
    }

    func watch(_ descriptor: Int32, number: Int) -> Bool {
        epoll.add(descriptor, number: number)
    }

    /// Has the connection told lost at the end of this turn, not inside the call that found it out.
    func reportBroken(_ connection: Connection) {
        broken.append(connection)
    }
}
