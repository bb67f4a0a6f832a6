/// A run of held polls, in numbers.
package struct PollReport: Report {
    package var polls: Int
    package var woken: Int
    package var lost: Int
    package var wakeLatency: LatencySummary
    package var sendFailures: FailureCount
    package var pollFailures: FailureCount
    package var server: PollRun.ServerCost?

    package init(_ measurements: PollRun.Measurements, plan: PollRun.Plan) {
        polls = plan.polls
        woken = measurements.woken
        lost = measurements.lost
        wakeLatency = measurements.wakeLatency.summary
        sendFailures = measurements.sendFailures
        pollFailures = measurements.pollFailures
        server = measurements.server
    }

    package var rows: [(name: String, value: String)] {
        var rows = [
            ("polls held", String(polls)),
            ("woken", String(woken)),
            ("lost", String(lost)),
            ("due to delivered", wakeLatency.text),
            ("failed sends", sendFailures.text),
            ("failed polls", pollFailures.text),
        ]
        guard let server else { return rows }
        let connected = Double(server.residentBytesConnected - server.residentBytesBefore) / Double(polls)
        let held = Double(server.residentBytesHeld - server.residentBytesBefore) / Double(polls)
        rows.append(("server memory for an open connection", "\(connected.fixed(0)) bytes"))
        rows.append(("server memory for a held poll", "\(held.fixed(0)) bytes"))
        rows.append(("cores of the server, nobody woken", server.quietCores.fixed(3)))
        rows.append(("server processor time for a wake", "\(server.microsecondsPerWake.fixed(1)) us"))
        return rows
    }
}
