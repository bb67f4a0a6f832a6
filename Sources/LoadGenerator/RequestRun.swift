/// The same `GET` over and over, each connection making its next one when it has the answer: the ceiling of the HTTP edge.
package final class RequestRun: ConnectionOwner {
    /// What one run of requests came to; those of several threads add up.
    package struct Measurements: Sendable {
        package var answered = 0
        package var latency = LatencyRecorder()
        package var failures = FailureCount()

        package init() {}

        package mutating func add(_ other: Measurements) {
            answered += other.answered
            latency.add(other.latency)
            failures.add(other.failures)
        }
    }

    private let request: [UInt8]
    private var measurements = Measurements()
    /// By connection: when its request was made.
    private var begun: [Instant]

    /// Blocks until `seconds` of requests on these many connections have passed.
    package static func run(
        path: String, connections: Int, seconds: Double, server: ServerAddress, startingLine: StartingLine
    ) throws(LoadFault) -> Measurements {
        let loop = try EventLoop(server: server)
        defer { loop.closeAll() }
        let run = RequestRun(request: RequestWriter.get(path, from: server), connections: connections)
        let opened = Result { () throws(LoadFault) in
            try ConnectionOpening.run(count: connections, path: path, on: loop)
        }
        // Also with a fault: the other threads would wait for this one.
        startingLine.arrive()
        let open = try opened.get()
        loop.run(until: MonotonicClock.now.after(seconds: 60), isDone: { startingLine.isComplete })

        for (index, connection) in open.enumerated() {
            connection.owner = run
            connection.tag = index
            run.begin(on: connection)
        }
        loop.run(until: MonotonicClock.now.after(seconds: seconds), isDone: { false })
        return run.measurements
    }

    private init(request: [UInt8], connections: Int) {
        self.request = request
        begun = Array(repeating: 0, count: connections)
    }

    private func begin(on connection: Connection) {
        begun[connection.tag] = MonotonicClock.now
        connection.request { $0.append(contentsOf: request) }
    }

    package func connection(_ connection: Connection, answered status: Int, body: Span<UInt8>) {
        if status == 200 {
            measurements.answered += 1
            measurements.latency.record(from: begun[connection.tag], to: MonotonicClock.now)
        } else {
            measurements.failures.add(status: status)
        }
        begin(on: connection)
    }

    package func connectionLost(_ connection: Connection) {
        measurements.failures.add(status: FailureCount.connectionLost)
        begin(on: connection)
    }
}
