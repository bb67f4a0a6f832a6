/// How a worker ends; `ShutdownSequence` says in which order.
extension Worker {
    /// Takes the steps of a shutdown that are due. True: there is nothing left to do.
    func isOver() -> Bool {
        let mode = mode.current
        guard mode != .serving else { return false }
        while true {
            switch shutdown.next(mode: mode, now: now, deadline: self.mode.deadline, open: openConnections, held: heldConnections + pausedConnections)
            {
            case .none: return false
            case .stopAccepting: stopAccepting()
            case .answerHeld: answerHeld()
            case .cutAll: cutAll()
            case .end: return true
            }
        }
    }

    /// What has just connected, or begun to send, gets a second more.
    private func stopAccepting() {
        acceptor.close()
        for slot in deadlines.slots(in: .head) {
            deadlines.postpone(slot, to: min(deadlines.due(slot), now + 1000))
        }
        nextSweep = now
    }

    private func answerHeld() {
        for connection in connections {
            guard let connection, let exchange = connection.heldExchange, exchange.claim() else { continue }
            exchange.abandon()
            resume(connection, with: handler.draining(context: exchange.context))
        }
    }

    /// A stream that is paused is resumed so that it ends; one that has been cut is not paused again. What has become held meanwhile is answered, and its
    /// connection left open for that answer; the next round ends it.
    private func cutAll() {
        for case let connection? in connections {
            connection.isCut = true
            guard connection.heldExchange == nil else { continue }
            cut(connection)
            proceed(connection)
        }
        answerHeld()
    }
}
