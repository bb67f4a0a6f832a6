import Dispatch
import Postgres
import Synchronization
import Testing

@testable import Restante

/// Two nodes on one database, and what they hear of each other.
@Suite struct DatabaseWakeBusTests {
    private let database: TestDatabase
    private let one: Node
    private let other: Node

    init() throws {
        database = try TestDatabase()
        one = try Node(database, Identifier(high: 1, low: 1))
        other = try Node(database, Identifier(high: 1, low: 2))
    }

    @Test func whatOneSaysTheOtherHearsAndNotItself() throws {
        let events: [WakeEvent] = [
            .polling(Identifier(high: 7, low: 1)), .shown(Array(#"{"type":"TYPING"}"#.utf8), [Identifier(high: 7, low: 2)]),
            .arrived([Identifier(high: 7, low: 3)]), .revoked([Identifier(high: 7, low: 4)]),
        ]
        for event in events { one.bus.publish(event) }
        #expect(try other.hears(4) == events)
        let answer = WakeEvent.polling(Identifier(high: 7, low: 5))
        other.bus.publish(answer)
        #expect(try one.hears(1) == [answer], "its own words, which came before, are not among what it hears")
    }

    @Test func ofAThousandDevicesNoneIsLeftOut() throws {
        let devices = (1...1_000).map { Identifier(high: 8, low: $0) }
        one.bus.publish(.shown(Array(#"{"type":"TYPING","from":{"userId":"01890000-0000-7000-8000-000000000000"}}"#.utf8), devices))
        one.bus.publish(.polling(devices[0]))
        var heard: [Identifier] = []
        for event in try other.hears(8) { if case .shown(_, let some) = event { heard += some } }
        #expect(heard == devices)
    }

    @Test func whatIsNoMessageIsPassedOver() throws {
        let connection = try database.open()
        defer { connection.close() }
        try connection.execute(simple: "NOTIFY restante_wake, 'good morning'", within: 10)
        one.bus.publish(.polling(Identifier(high: 7, low: 1)))
        #expect(try other.hears(1) == [.polling(Identifier(high: 7, low: 1))])
    }

    private final class Node {
        let bus: DatabaseWakeBus
        private let ears = Ears()

        private final class Ears: Sendable {
            let events = Mutex<[WakeEvent]>([])
            let bell = DispatchSemaphore(value: 0)
            let isReady = DispatchSemaphore(value: 0)
        }

        init(_ database: TestDatabase, _ node: Identifier) throws {
            bus = DatabaseWakeBus(
                conninfo: database.conninfo, node: node,
                heard: { [ears] event in
                    ears.events.withLock { $0.append(event) }
                    ears.bell.signal()
                }, resumed: { [ears] in ears.isReady.signal() })
            try #require(ears.isReady.wait(timeout: .now() + 20) == .success)
        }

        deinit { bus.close() }

        /// Waits for so many events; all that have come by then.
        func hears(_ count: Int) throws -> [WakeEvent] {
            for _ in 0..<count { try #require(ears.bell.wait(timeout: .now() + 20) == .success) }
            return ears.events.withLock { $0 }
        }
    }
}
