internal import CMicrohttpd
import Glibc

/// What a worker does twice a second: it looks for what is overdue, and for who has hung up.
extension Worker {
    func sweep() {
        nextSweep = now + (isDraining ? 50 : 500)
        for slot in deadlines.overdue(at: now) { expire(slot) }
        for slot in deadlines.slots(in: .idle) { checkIdle(slot) }
        checkBodies()
        touchResting()
        acceptor.sweep(now: now)
    }

    private func expire(_ slot: Int) {
        guard let connection = connections[slot] else { return }
        switch deadlines.stage(slot) {
        case .free, .watched, .pausedWatched: break
        case .held: watchForHangUp(connection, as: .watched)
        case .paused: watchForHangUp(connection, as: .pausedWatched)
        case .idle: stopReading(connection)
        case .head: cut(connection)
        case .body:
            if connection.renewWindow(policy) { return deadlines.postpone(slot, to: now + policy.incomingWindow) }
            if !connection.answerOverdue() { cut(connection) }
        case .response: connection.renewWindow(policy) ? deadlines.postpone(slot, to: now + policy.outgoingWindow) : cut(connection)
        }
    }

    /// libmicrohttpd does not look at a suspended connection's socket.
    /// Source: microhttpd.h, MHD_suspend_connection ("... if the client closed the connection while it was suspended").
    private func watchForHangUp(_ connection: Connection, as watched: DeadlineTable.Stage) {
        watches &+= 1
        connection.watch = watches
        let source = EventSource.peer(slot: connection.slot, watch: watches)
        // Without memory for the watch it is tried again; the connection itself is none the worse.
        let isWatched = poll.add(connection.descriptor, source, .hangUpOnce)
        let due = isWatched ? Int64.max : now + DeadlinePolicy.unwatched
        deadlines.enter(isWatched ? watched : deadlines.stage(connection.slot), slot: connection.slot, due: due)
    }

    /// Begins the head's deadline where the first bytes of a next request have come. libmicrohttpd tells nobody, the kernel does.
    private func checkIdle(_ slot: Int) {
        guard let connection = connections[slot] else { return }
        if isDraining { return stopReading(connection) }
        let idleFor = now - (deadlines.due(slot) - policy.idle)
        guard idleFor >= 1000, let quietFor = millisecondsSinceReceived(connection.descriptor) else { return }
        // The kernel counts in ticks of up to 10 ms.
        if quietFor < idleFor - 100 { deadlines.enter(.head, slot: slot, due: now - quietFor + policy.head) }
    }

    /// Ends the connections whose peers have hung up within a body. libmicrohttpd takes a short read for the end of what epoll told it of, and so may
    /// never look at the hang-up that came with the last bytes. It is given until the next sweep for what it has in its buffer.
    private func checkBodies() {
        var found: [Int: Int] = [:]
        for slot in deadlines.slots(in: .body) {
            guard let connection = connections[slot], !connection.isCut, hasReadAll(connection.descriptor) else { continue }
            guard endedBodies[slot] == connection.received else {
                found[slot] = connection.received
                continue
            }
            if connection.answerOverdue() { continue }
            // This is news for libmicrohttpd, which then closes it.
            Glibc.shutdown(connection.descriptor, Int32(SHUT_RDWR))
            mhd_close_soon(connection.handle)
        }
        endedBodies = found
    }

    /// Ends an idle connection. A request that has just arrived is still read and answered; then comes the end of the stream.
    private func stopReading(_ connection: Connection) {
        Glibc.shutdown(connection.descriptor, Int32(SHUT_RD))
        deadlines.enter(.head, slot: connection.slot, due: now + 1000)
    }

    /// Ends a connection that is too slow. Its daemon sees the hang-up and closes it, or, where it does not look at the socket any more, the timeout.
    func cut(_ connection: Connection) {
        connection.isCut = true
        Glibc.shutdown(connection.descriptor, Int32(SHUT_RDWR))
        mhd_close_soon(connection.handle)
        deadlines.postpone(connection.slot, to: .max)
    }
}
