internal import CMicrohttpd

/// What a worker does for connections with streams.
extension Worker {
    func awaitStream(_ connection: Connection) {
        deadlines.enter(.body, slot: connection.slot, due: now + policy.incomingWindow)
        connection.beginWindow()
    }

    /// The application is behind: until it has caught up, nobody counts the client's time. Who hangs up meanwhile is noticed if he waits for an answer; what
    /// he has sent of a body is still to be taken.
    func becamePaused(_ connection: Connection) {
        pausedConnections += 1
        deadlines.enter(.paused, slot: connection.slot, due: connection.outgoing == nil ? .max : now + DeadlinePolicy.unwatched)
    }

    /// Moves a paused connection on. Does nothing where it is not paused.
    func proceed(_ connection: Connection) {
        guard connection.isPaused else { return }
        connection.isPaused = false
        pausedConnections -= 1
        let stage = deadlines.stage(connection.slot)
        if stage == .pausedWatched { poll.remove(connection.descriptor) }
        if stage == .paused || stage == .pausedWatched { beginWindow(connection) }
        MHD_resume_connection(connection.handle)
        touch(connection.daemon)
    }

    private func beginWindow(_ connection: Connection) {
        let isSending = connection.outgoing != nil
        let due = now + (isSending ? policy.outgoingWindow : policy.incomingWindow)
        deadlines.enter(isSending ? .response : .body, slot: connection.slot, due: connection.isCut ? .max : due)
        connection.beginWindow()
    }
}
