/// Opens connections by one `GET` on each, a few hundred at a time, so that a server sees a crowd come in and not a burst of it.
package final class ConnectionOpening: ConnectionOwner {
    private let request: [UInt8]
    private var connections: [Connection] = []
    private var begun = 0
    private var answered = 0
    private var lost = 0

    /// Blocks until `count` connections are open and each has had an answer.
    package static func run(count: Int, path: String, on loop: EventLoop) throws(LoadFault) -> [Connection] {
        let opening = ConnectionOpening(request: RequestWriter.get(path, from: loop.server))
        for _ in 0..<count { opening.connections.append(loop.makeConnection(owner: opening)) }
        for _ in 0..<min(count, atOnce) { opening.beginNext() }
        let deadline = MonotonicClock.now.after(seconds: 30)
        loop.run(until: deadline, isDone: { opening.answered + opening.lost == count })
        guard opening.answered == count else {
            throw .notOpened(opened: opening.answered, wanted: count)
        }
        return opening.connections
    }

    private init(request: [UInt8]) {
        self.request = request
    }

    private static let atOnce = 256

    private func beginNext() {
        guard begun < connections.count else { return }
        begun += 1
        connections[begun - 1].request { $0.append(contentsOf: request) }
    }

    package func connection(_ connection: Connection, answered status: Int, body: Span<UInt8>) {
        answered += 1
        beginNext()
    }

    package func connectionLost(_ connection: Connection) {
        lost += 1
        beginNext()
    }
}
