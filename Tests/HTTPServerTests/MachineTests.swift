import Testing

@testable import HTTPServer

@Suite struct ShutdownSequenceTests {
    @Test("A server that serves does nothing") func serving() {
        var sequence = ShutdownSequence()
        #expect(step(&sequence, mode: .serving, now: 0, deadline: .max, open: 5, held: 2) == .none)
    }

    @Test("Draining stops accepting once, and waits for stop however long it takes") func draining() {
        var sequence = ShutdownSequence()
        #expect(step(&sequence, mode: .draining, now: 0, deadline: .max, open: 5, held: 2) == .stopAccepting)
        #expect(step(&sequence, mode: .draining, now: 999_999, deadline: .max, open: 0, held: 0) == .none)
    }

    @Test("Stopping ends with the last connection") func lastConnection() {
        var sequence = ShutdownSequence()
        #expect(step(&sequence, mode: .stopping, now: 0, deadline: 5000, open: 1, held: 0) == .stopAccepting)
        #expect(step(&sequence, mode: .stopping, now: 100, deadline: 5000, open: 1, held: 0) == .none)
        #expect(step(&sequence, mode: .stopping, now: 200, deadline: 5000, open: 0, held: 0) == .end)
    }

    @Test("After the deadline held exchanges are answered, then all is cut, then it ends") func deadline() {
        var sequence = ShutdownSequence()
        #expect(step(&sequence, mode: .stopping, now: 0, deadline: 0, open: 3, held: 2) == .stopAccepting)
        #expect(step(&sequence, mode: .stopping, now: 0, deadline: 0, open: 3, held: 2) == .answerHeld)
        #expect(step(&sequence, mode: .stopping, now: 999, deadline: 0, open: 3, held: 0) == .none)
        #expect(step(&sequence, mode: .stopping, now: 1000, deadline: 0, open: 3, held: 0) == .cutAll)
        #expect(step(&sequence, mode: .stopping, now: 2000, deadline: 0, open: 3, held: 0) == .end)
    }

    @Test("It never ends with a connection suspended") func suspended() {
        var sequence = ShutdownSequence()
        for _ in 0..<3 { _ = step(&sequence, mode: .stopping, now: 0, deadline: 0, open: 1, held: 1) }
        #expect(step(&sequence, mode: .stopping, now: 1000, deadline: 0, open: 1, held: 1) == .cutAll)
        #expect(step(&sequence, mode: .stopping, now: 1999, deadline: 0, open: 1, held: 1) == .none)
        #expect(step(&sequence, mode: .stopping, now: 2000, deadline: 0, open: 1, held: 1) == .cutAll, "what has become held is answered")
        #expect(step(&sequence, mode: .stopping, now: 2999, deadline: 0, open: 1, held: 0) == .none)
        #expect(step(&sequence, mode: .stopping, now: 3000, deadline: 0, open: 1, held: 0) == .end)
    }

    private func step(
        _ sequence: inout ShutdownSequence, mode: RunMode, now: Int64, deadline: Int64, open: Int, held: Int
    ) -> ShutdownSequence.Step {
        sequence.next(mode: mode, now: now, deadline: deadline, open: open, held: held)
    }
}

@Suite struct DeadlineTableTests {
    @Test("A slot is overdue from its time on, until it enters another stage") func overdue() {
        var table = DeadlineTable()
        for _ in 0..<3 { table.grow() }
        table.enter(.head, slot: 1, due: 100)
        #expect(table.overdue(at: 99) == [])
        #expect(table.overdue(at: 100) == [1])
        table.enter(.watched, slot: 1)
        #expect(table.overdue(at: .max - 1) == [])
        #expect(table.slots(in: .watched) == [1])
        #expect(table.slots(in: .free) == [0, 2])
    }

    @Test("A body above 128 KiB has a second more for each 16 KiB") func allowance() {
        let policy = DeadlinePolicy(ServerConfiguration())
        #expect(policy.body(bytes: 0) == 30_000)
        #expect(policy.body(bytes: 131_072) == 30_000)
        #expect(policy.body(bytes: 131_072 + 160 * 1024) == 40_000)
        #expect(policy.response(bytes: 131_072 + 160 * 1024) == 70_000)
    }
}

@Suite struct EventSourceTests {
    @Test(
        "What epoll keeps is what was given",
        arguments: [
            EventSource.listener, .completions, .daemon(0), .daemon(8191), .peer(slot: 0, watch: 0), .peer(slot: 19_999, watch: .max),
            .peer(slot: 0x3FFF_FFFF, watch: 7),
        ])
    func roundTrip(_ source: EventSource) {
        #expect(EventSource(source.bits) == source)
    }
}

@Suite struct ServerCapacityTests {
    @Test("20,000 descriptors make a thousand daemons for each worker") func usual() throws {
        let capacity = try ServerCapacity(ServerConfiguration(), descriptors: 20_000)
        #expect(capacity.daemonsPerWorker == 1000)
        #expect(capacity.connections == 20_000 - 2000 - 256)
    }

    @Test("256 descriptors still make a server") func few() throws {
        let capacity = try ServerCapacity(ServerConfiguration(), descriptors: 256)
        #expect(capacity.daemonsPerWorker == 16)
        #expect(capacity.connections == 256 - 32 - 64)
    }

    @Test("Values out of range are named") func ranges() {
        var configuration = ServerConfiguration()
        configuration.workers = 0
        #expect(throws: ServerError.configuration("workers is 1 to 64")) { try ServerCapacity(configuration, descriptors: 256) }
    }
}

@Suite struct PeerAddressTests {
    @Test("A mapped address is the IPv4 address") func mapped() {
        let mapped = PeerAddress(bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1])
        #expect(mapped == PeerAddress(bytes: [192, 0, 2, 1]))
        #expect(mapped?.description == "192.0.2.1")
        #expect(mapped?.bytes == [192, 0, 2, 1])
    }

    @Test("An IPv6 address keeps its sixteen bytes") func ipv6() {
        let bytes: [UInt8] = [0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        let peer = PeerAddress(bytes: bytes)
        #expect(peer?.description == "2001:db8::1")
        #expect(peer?.bytes == bytes)
        #expect(peer?.isIPv6 == true)
        #expect(PeerAddress(bytes: [1, 2, 3]) == nil)
    }
}
