import Glibc
import Testing

@testable import Postgres

/// What a notifier sends, as a listener hears it.
@Suite struct ListenerNotifierTests {
    private static let terminate = Statement(
        "test_terminate_named", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1")
    private static let named = Statement("test_named", "SELECT pid FROM pg_stat_activity WHERE application_name = $1")

    private func pair(_ channel: StaticString, capacity: Int = 1000) throws -> (Listener, Notifier, ListenerRecorder) {
        let recorder = ListenerRecorder()
        let conninfo = try TestServer.conninfo()
        let listener = Listener(
            conninfo: conninfo, channel: channel, name: "test-listen", heard: recorder.hear, resumed: recorder.resume)
        let notifier = Notifier(
            conninfo: conninfo, channel: channel, settings: ["SET application_name = '\(channel)'"], name: "test-notify",
            capacity: capacity)
        try #require(recorder.hasResumed(1, within: 20))
        return (listener, notifier, recorder)
    }

    @Test func tenThousandPayloadsArriveInOrder() throws {
        let (listener, notifier, recorder) = try pair("many", capacity: 10_000)
        defer { listener.close() }
        defer { notifier.close() }
        let payloads = (0..<10_000).map { "payload \($0)" }
        for payload in payloads { notifier.send(payload) }
        #expect(recorder.hasHeard(10_000, within: 30))
        #expect(recorder.payloads == payloads)
        #expect(eventually(within: 5) { notifier.statistics == .init(waiting: 0, sent: 10_000, dropped: 0) })
    }

    @Test func payloadsFromManyThreadsAllArrive() throws {
        let (listener, notifier, recorder) = try pair("threads")
        defer { listener.close() }
        defer { notifier.close() }
        let threads = (0..<8).map { thread in
            DedicatedThread(name: "sender") { for number in 0..<100 { notifier.send("\(thread) \(number)") } }
        }
        for thread in threads { thread.join() }
        #expect(recorder.hasHeard(800, within: 20))
        #expect(Set(recorder.payloads).count == 800)
    }

    @Test func aPayloadOverTheLimitIsDroppedAndTakesNoOtherWithIt() throws {
        let (listener, notifier, recorder) = try pair("long")
        defer { listener.close() }
        defer { notifier.close() }
        let longest = String(repeating: "ü", count: 3_950)
        notifier.send("first")
        notifier.send(longest + "x")
        notifier.send("a\0b")
        notifier.send(longest)
        #expect(recorder.hasHeard(2, within: 10))
        #expect(recorder.payloads == ["first", longest])
        #expect(notifier.statistics.dropped == 2)
    }

    @Test func aSessionThatTheServerEndedLosesNoPayload() throws {
        let (listener, notifier, recorder) = try pair("ended")
        defer { listener.close() }
        defer { notifier.close() }
        notifier.send("before")
        // Heard is not enough: until its answer is here, the notifier would send it again.
        #expect(eventually(within: 10) { notifier.statistics.sent == 1 })
        let connection = try TestServer.connect()
        let process = try connection.execute(Self.named, [.text("ended")])[0].int32(0)
        try connection.execute(Self.terminate, [.text("ended")])
        #expect(eventually(within: 5) { kill(process, 0) != 0 })
        notifier.send("after")
        #expect(recorder.hasHeard(2, within: 10))
        #expect(recorder.payloads == ["before", "after"])
    }

    @Test func aFrozenSessionIsReplacedAndItsPayloadsAreSentAgain() throws {
        let (listener, notifier, recorder) = try pair("stuck")
        defer { listener.close() }
        defer { notifier.close() }
        notifier.send("before")
        #expect(eventually(within: 10) { notifier.statistics.sent == 1 })
        let process = try TestServer.connect().execute(Self.named, [.text("stuck")])[0].int32(0)
        kill(process, SIGSTOP)
        defer { kill(process, SIGCONT) }
        for number in 0..<10 { notifier.send("\(number)") }
        #expect(recorder.hasHeard(11, within: 10))
        #expect(recorder.payloads == ["before"] + (0..<10).map { "\($0)" })
    }

    @Test func withoutAServerTheNewestWaitAndTheEndIsPrompt() throws {
        let notifier = Notifier(conninfo: "host=/nonexistent", channel: "none", name: "test-notify", capacity: 3)
        for number in 0..<5 { notifier.send("\(number)") }
        #expect(notifier.statistics == .init(waiting: 3, sent: 0, dropped: 2))
        #expect(elapsed { notifier.close() } < 1)
        #expect(notifier.statistics == .init(waiting: 0, sent: 0, dropped: 5))
        notifier.send("too late")
        #expect(notifier.statistics.dropped == 6)
    }

    @Test func closingSendsWhatIsLeft() throws {
        let (listener, notifier, recorder) = try pair("left")
        defer { listener.close() }
        notifier.send("first")
        #expect(recorder.hasHeard(1, within: 10))
        for number in 0..<500 { notifier.send("\(number)") }
        #expect(elapsed { notifier.close() } < 4.5)
        #expect(recorder.hasHeard(501, within: 10))
        #expect(notifier.statistics == .init(waiting: 0, sent: 501, dropped: 0))
    }
}

@Suite struct ListenerNotifierBacklogTests {
    @Test func theOldestMakeRoomForTheNewest() {
        var backlog = NotifierBacklog(capacity: 3)
        for number in 0..<8 { #expect(backlog.add("\(number)") == true) }
        #expect(backlog.take() == ["5", "6", "7"])
        #expect(backlog.dropped == 5)
        #expect(backlog.take() == [])
        #expect(backlog.add("8") == true)
        #expect(backlog.take() == ["8"])
    }

    @Test func whatWasNotSentComesBeforeWhatCameSince() {
        var backlog = NotifierBacklog(capacity: 4)
        for number in 0..<3 { _ = backlog.add("\(number)") }
        let batch = backlog.take()
        for number in 3..<5 { _ = backlog.add("\(number)") }
        backlog.putBack(batch)
        #expect(backlog.take() == ["1", "2", "3", "4"])
        #expect(backlog.dropped == 1)
    }

    @Test func aClosedBacklogTakesNothing() {
        var backlog = NotifierBacklog(capacity: 4)
        _ = backlog.add("before")
        backlog.close()
        #expect(backlog.add("after") == false)
        #expect(backlog.take() == ["before"])
    }
}
