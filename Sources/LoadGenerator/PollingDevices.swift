/// Is told each item that a device's poll brings, in the order of arrival.
package protocol InboxObserver: AnyObject {
    func device(_ device: Int, received item: InboxItem, receipted: Span<Identifier>, at now: Instant)
}

/// Devices of which each always has a poll under way: what a poll brings is acknowledged by the next one, made at once.
///
/// A poll that fails is made again, with the same acknowledgements, 200 ms later.
package final class PollingDevices: ConnectionOwner {
    /// How many polls the server has at the moment.
    package private(set) var underWay = 0
    /// When a poll was answered last.
    package private(set) var lastAnswer: Instant = 0
    package private(set) var polls = 0
    package private(set) var failures = FailureCount()

    private let request: RequestWriter
    private let sessions: [Session]
    private unowned let observer: any InboxObserver
    /// By device: what its next poll, or the one under way, acknowledges.
    private var acknowledgements: [[Identifier]]
    private var reader = InboxReader()
    private var body: [UInt8] = []
    /// Failed polls, oldest first.
    private var retries = FIFO<(at: Instant, connection: Connection)>()

    package init(sessions: [Session], server: ServerAddress, observer: any InboxObserver) {
        self.sessions = sessions
        self.observer = observer
        request = RequestWriter(post: "/v1/fetchMessages", to: server, authenticated: true)
        acknowledgements = Array(repeating: [], count: sessions.count)
    }

    /// Lets a device poll on this connection from now on.
    private func start(device: Int, on connection: Connection) {
        connection.owner = self
        connection.tag = device
        poll(on: connection)
    }

    /// Lets device 0, 1, 2... poll on these connections, and waits until the server holds all the polls and has been silent for half a second.
    package func hold(on loop: EventLoop, connections: [Connection]) throws(LoadFault) {
        lastAnswer = MonotonicClock.now
        for (device, connection) in connections.enumerated() { start(device: device, on: connection) }
        let isHeld = { self.underWay == connections.count && MonotonicClock.now > self.lastAnswer.after(seconds: 0.5) }
        let deadline = MonotonicClock.now.after(seconds: 40)
        guard loop.run(until: deadline, isDone: isHeld, work: retry) else {
            throw .notHeld(held: underWay, wanted: connections.count)
        }
    }

    /// Makes the failed polls again whose time has come, and says when the next one's comes.
    package func retry(at now: Instant) -> Instant {
        while let first = retries.first {
            guard first.at <= now else { return first.at }
            _ = retries.popFirst()
            poll(on: first.connection)
        }
        return .max
    }

    private func poll(on connection: Connection) {
        let device = connection.tag
        body.removeAll(keepingCapacity: true)
        body.append(text: "{\"acknowledge\":[")
        for (index, messageId) in acknowledgements[device].enumerated() {
            body.append(text: index == 0 ? "\"" : ",\"")
            messageId.append(to: &body)
            body.append(UInt8(ascii: "\""))
        }
        body.append(text: "],\"wait\":")
        // 46 to 55 s, so that polls made together do not all end together.
        body.appendDecimal(46 + device % 10)
        body.append(UInt8(ascii: "}"))
        polls += 1
        underWay += 1
        connection.request { request.append(body: body, token: sessions[device].accessToken, to: &$0) }
    }

    package func connection(_ connection: Connection, answered status: Int, body: Span<UInt8>) {
        let now = MonotonicClock.now
        underWay -= 1
        lastAnswer = now
        guard status == 200, reader.read(body) else {
            failures.add(status: status == 200 ? FailureCount.unreadable : status)
            retries.append((at: now + Self.retryDelay, connection: connection))
            return
        }
        let device = connection.tag
        acknowledgements[device].removeAll(keepingCapacity: true)
        for item in reader.items { acknowledgements[device].append(item.messageId) }
        // The acknowledgement goes first: it is what a waiting sender's receipt hangs on.
        poll(on: connection)
        for item in reader.items {
            observer.device(device, received: item, receipted: reader.receipted.span, at: now)
        }
    }

    package func connectionLost(_ connection: Connection) {
        underWay -= 1
        failures.add(status: FailureCount.connectionLost)
        retries.append((at: MonotonicClock.now + Self.retryDelay, connection: connection))
    }

    private static let retryDelay: Instant = 200_000_000
}
