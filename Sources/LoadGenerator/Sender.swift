/// Hears how each send ended.
package protocol SendObserver: AnyObject {
    /// 201, or 200 for one that the server already had: it is stored.
    func stored(sequence: Int, at now: Instant)
    func failed(sequence: Int, at now: Instant)
}

/// Sends text messages over keep-alive connections that are not those of the polls, as many as are needed up to a bound; beyond it
/// sends wait their turn, and that wait is part of their latency.
package final class Sender: ConnectionOwner {
    /// One text message to send.
    package struct Send {
        package var sequence: Int
        package var from: Int
        package var to: Int
    }

    package private(set) var failures = FailureCount()
    package private(set) var underWay = 0

    private let loop: EventLoop
    private let request: RequestWriter
    private let sessions: [Session]
    private unowned let observer: any SendObserver
    private let clientIds: ClientMessageIds
    private let maximumConnections: Int
    private var idle: [Connection] = []
    private var opened = 0
    private var waiting = FIFO<Send>()
    private var body: [UInt8] = []

    package init(
        sessions: [Session], loop: EventLoop, maximumConnections: Int, clientIds: ClientMessageIds, observer: any SendObserver
    ) {
        self.sessions = sessions
        self.loop = loop
        self.maximumConnections = maximumConnections
        self.clientIds = clientIds
        self.observer = observer
        request = RequestWriter(post: "/v1/sendMessage", to: loop.server, authenticated: true)
    }

    package func send(_ send: Send) {
        underWay += 1
        if let connection = idle.popLast() {
            transmit(send, on: connection)
        } else if opened < maximumConnections {
            opened += 1
            transmit(send, on: loop.makeConnection(owner: self))
        } else {
            waiting.append(send)
        }
    }

    private func transmit(_ send: Send, on connection: Connection) {
        connection.tag = send.sequence
        body.removeAll(keepingCapacity: true)
        body.append(text: "{\"to\":\"")
        sessions[send.to].userId.append(to: &body)
        body.append(text: "\",\"type\":\"TEXT\",\"clientMessageId\":\"")
        clientIds.identifier(of: send.sequence).append(to: &body)
        body.append(text: "\",\"content\":\"")
        body.appendDecimal(send.sequence)
        body.append(UInt8(ascii: " "))
        // 100 to 300 bytes, as short messages are.
        body.append(contentsOf: Self.filler[..<(92 + send.sequence &* 37 % 200)])
        body.append(text: "\"}")
        connection.request { request.append(body: body, token: sessions[send.from].accessToken, to: &$0) }
    }

    package func connection(_ connection: Connection, answered status: Int, body: Span<UInt8>) {
        let sequence = connection.tag
        release(connection)
        if status == 201 || status == 200 {
            observer.stored(sequence: sequence, at: MonotonicClock.now)
        } else {
            failures.add(status: status)
            observer.failed(sequence: sequence, at: MonotonicClock.now)
        }
    }

    package func connectionLost(_ connection: Connection) {
        let sequence = connection.tag
        failures.add(status: FailureCount.connectionLost)
        release(connection)
        observer.failed(sequence: sequence, at: MonotonicClock.now)
    }

    /// The connection takes the send that has waited longest, or becomes idle.
    private func release(_ connection: Connection) {
        underWay -= 1
        if let next = waiting.popFirst() {
            transmit(next, on: connection)
        } else {
            idle.append(connection)
        }
    }

    /// Text that does not compress to nothing, the same in every run.
    private static let filler: [UInt8] = {
        var random = RandomSequence(seed: 7)
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .".utf8)
        return (0..<400).map { _ in letters[random.next(below: letters.count)] }
    }()
}
