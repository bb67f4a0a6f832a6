import HTTPServer
import Postgres

extension Metrics {
    /// Shows the numbers that other parts of the node keep.
    func showReadings(server: Server, pool: Pool, writers: InboxWriters, inbox: InboxSampling, bus: DatabaseWakeBus?) {
        let serverReadings: [Reading] = [
            .gauge("restante_connections", "Client connections that are open.") { Double(server.statistics.connections) },
            .gauge("restante_requests_waiting", "Requests whose answer is yet to come, held polls included.") { Double(server.statistics.suspended) },
            .counter("restante_connections_refused_total", "Connections that were told 503 because there were too many.") {
                Double(server.statistics.refused)
            },
            .gauge("restante_polls_held", "Polls that wait for something to arrive.") { [polls] in Double(polls.held) },
        ]
        let writerReadings: [Reading] = [
            .gauge("restante_writer_queue_tasks", "Tasks that stand in line for a writer.", label: "writer") {
                writers.all.map { ($0.name, Double($0.depth)) }
            }
        ]
        let poolReadings: [Reading] = [
            .gauge("restante_pool_sessions", "Database sessions of the pool, by state.", label: "state") {
                let pool = pool.statistics
                return [("busy", Double(pool.busy)), ("connected", Double(pool.connected)), ("configured", Double(pool.size))]
            },
            .gauge("restante_pool_waiting", "Calls that stand in line for a session of the pool.") { Double(pool.statistics.waiting) },
            .counter("restante_pool_refused_total", "Calls that stood in line in vain.") { Double(pool.statistics.refused) },
        ]
        let inboxReadings: [Reading] = [
            .gauge("restante_inbox_items", "Items that wait in inboxes, in the whole database; an estimate beyond 8 MiB.") { inbox.current?.rows },
            .gauge("restante_inbox_oldest_item_seconds", "Since when the oldest item waits; of a sample beyond 8 MiB.") { inbox.current?.oldest },
        ]
        for reading in serverReadings + writerReadings + poolReadings + inboxReadings + busReadings(bus) + ProcessReadings.all + [Build.reading] {
            add(reading)
        }
    }

    /// A node that is alone has no bus and shows none.
    private func busReadings(_ bus: DatabaseWakeBus?) -> [Reading] {
        guard let bus else { return [] }
        return [
            .gauge("restante_bus_listening", "1 while this node hears the others.") { bus.isListening ? 1 : 0 },
            .gauge("restante_bus_waiting", "Hints for other nodes that are yet to be sent.") { Double(bus.statistics.waiting) },
            .counter("restante_bus_sent_total", "Payloads of hints that other nodes were sent.") { Double(bus.statistics.sent) },
            .counter("restante_bus_dropped_total", "Payloads that were given up; each costs held polls elsewhere up to 15 s.") {
                Double(bus.statistics.dropped)
            },
        ]
    }
}

/// Which build this is.
enum Build {
    /// That of openapi.yaml, which the program contains.
    static let version = "1.0.0"

    #if DEBUG
        private static let configuration = "debug"
    #else
        private static let configuration = "release"
    #endif

    static let reading = Reading(name: "restante_build_info", help: "1; the labels say which build this is.", kind: .gauge) {
        [([("version", version), ("configuration", configuration)], 1)]
    }
}
