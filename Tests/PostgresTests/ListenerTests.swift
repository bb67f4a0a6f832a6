import Glibc
import Testing

@testable import Postgres

@Suite struct ListenerTests {
    private static let notify = Statement("test_notify", "SELECT pg_notify($1, $2)")
    private static let terminate = Statement("test_terminate", "SELECT pg_terminate_backend($1)")
    private static let named = Statement("test_named", "SELECT pid FROM pg_stat_activity WHERE application_name = $1")
    private static let lastProbe = Statement(
        "test_last_probe",
        """
        SELECT (extract(epoch FROM query_start) * 1000)::int8 FROM pg_stat_activity
        WHERE application_name = $1 AND query LIKE 'NOTIFY "probe_%'
        """)

    /// Heard for certain; `channel` also names its session.
    private func listen(_ channel: StaticString, _ recorder: ListenerRecorder, conninfo: String? = nil) throws -> Listener {
        let listener = Listener(
            conninfo: try conninfo ?? TestServer.conninfo(), channel: channel,
            settings: ["SET application_name = '\(channel)'"], name: "test-listen", heard: recorder.hear, resumed: recorder.resume)
        try #require(recorder.hasResumed(1, within: 20), "\(listener.failure ?? "")")
        return listener
    }

    private func send(_ payload: String, on channel: String) throws {
        try TestServer.connect().execute(Self.notify, [.text(channel), .text(payload)])
    }

    private func process(of channel: String) throws -> Int32 {
        let rows = try TestServer.connect().execute(Self.named, [.text(channel)])
        try #require(rows.count == 1)
        return try rows[0].int32(0)
    }

    @Test func itHearsItsChannelAndNoOther() throws {
        let recorder = ListenerRecorder()
        let listener = try listen("hears", recorder)
        defer { listener.close() }
        #expect(listener.isListening && listener.failure == nil)
        try send("no", on: "another")
        try send("grüße", on: "hears")
        try send("", on: "hears")
        #expect(recorder.hasHeard(2, within: 5))
        #expect(recorder.payloads == ["grüße", ""])
        #expect(recorder.resumptions == 1)
    }

    @Test func aChannelsNameIsTakenAsItStands() throws {
        let recorder = ListenerRecorder()
        let listener = try listen("Odd \"name\"; --", recorder)
        defer { listener.close() }
        try send("folded", on: "odd \"name\"; --")
        try send("as it stands", on: "Odd \"name\"; --")
        #expect(recorder.hasHeard(1, within: 5))
        #expect(recorder.payloads == ["as it stands"])
    }

    @Test func twoListenersDoNotHearEachOthersProbes() throws {
        let recorders = (ListenerRecorder(), ListenerRecorder())
        let first = try listen("shared", recorders.0)
        defer { first.close() }
        let second = try listen("shared", recorders.1)
        defer { second.close() }
        try send("once", on: "shared")
        #expect(recorders.0.hasHeard(1, within: 5) && recorders.1.hasHeard(1, within: 5))
        #expect(recorders.0.payloads == ["once"] && recorders.1.payloads == ["once"])
    }

    @Test func aSessionThatTheServerEndedIsReplacedAndSaidSo() throws {
        let recorder = ListenerRecorder()
        let listener = try listen("terminated", recorder)
        defer { listener.close() }
        try TestServer.connect().execute(Self.terminate, [.int32(process(of: "terminated"))])
        #expect(recorder.hasResumed(2, within: 10))
        #expect(listener.isListening)
        try send("after", on: "terminated")
        #expect(recorder.hasHeard(1, within: 5))
        #expect(recorder.payloads == ["after"])
    }

    /// Seven seconds: five until the next probe, and two in which it does not return.
    @Test func aFrozenServerIsNoticedAndLeft() throws {
        let recorder = ListenerRecorder()
        let listener = try listen("frozen", recorder)
        defer { listener.close() }
        let process = try process(of: "frozen")
        kill(process, SIGSTOP)
        defer { kill(process, SIGCONT) }
        let seconds = elapsed { #expect(recorder.hasResumed(2, within: 12)) }
        #expect(seconds > 1.5 && seconds < 9)
        try send("after", on: "frozen")
        #expect(recorder.hasHeard(1, within: 5))
    }

    @Test func aQuietSessionIsProbedAndKept() throws {
        let recorder = ListenerRecorder()
        let listener = try listen("quiet", recorder)
        defer { listener.close() }
        let connection = try TestServer.connect()
        func lastProbe() throws -> Int64? {
            try connection.execute(Self.lastProbe, [.text("quiet")]).first?.int64(0)
        }
        #expect(try eventually(within: 8) { try lastProbe() != nil })
        let first = try #require(try lastProbe())
        // The second is sent only because the first came back.
        #expect(try eventually(within: 8) { try lastProbe() ?? 0 >= first + 4_500 })
        #expect(listener.isListening)
        #expect(recorder.resumptions == 1)
        #expect(recorder.payloads.isEmpty)
    }

    // MARK: - Without a server, and the end

    @Test func withoutAServerItSaysWhyAndWithOneItListens() throws {
        let directory = temporaryDirectory()
        defer { removeTree(directory) }
        let recorder = ListenerRecorder()
        let listener = Listener(
            conninfo: "host=\(directory) port=5432 user=restante dbname=restante", channel: "late", name: "test-listen",
            heard: recorder.hear, resumed: recorder.resume)
        defer { listener.close() }
        #expect(eventually(within: 5) { listener.failure?.contains("No such file") == true })
        #expect(!listener.isListening)
        try #require(symlink(TestServer.socketPath(), directory + "/.s.PGSQL.5432") == 0)
        #expect(recorder.hasResumed(1, within: 20))
        #expect(listener.isListening)
    }

    /// The proxy serves one session at a time, so the probe from outside cannot be sent.
    @Test func aSessionThatCannotBeProvedIsNotBelieved() throws {
        let proxy = try UnixProxy(to: TestServer.socketPath())
        defer { proxy.close() }
        let recorder = ListenerRecorder()
        let listener = Listener(conninfo: proxy.conninfo, channel: "doubted", name: "test-listen", heard: recorder.hear, resumed: recorder.resume)
        defer { listener.close() }
        #expect(eventually(within: 8) { listener.failure?.contains("no session within") == true })
        #expect(recorder.resumptions == 0)
    }

    @Test func closingIsPromptWhileItListens() throws {
        let recorder = ListenerRecorder()
        let listener = try listen("closed", recorder)
        #expect(elapsed { listener.close() } < 1)
        #expect(!listener.isListening)
        listener.close()
        #expect(try eventually(within: 5) { try TestServer.connect().execute(Self.named, [.text("closed")]).isEmpty })
    }

    @Test func closingIsPromptWhileAServerDoesNotAnswer() throws {
        let proxy = try UnixProxy(to: TestServer.socketPath())
        defer { proxy.close() }
        proxy.rule = .swallow
        let recorder = ListenerRecorder()
        let listener = Listener(conninfo: proxy.conninfo, channel: "mute", name: "test-listen", heard: recorder.hear, resumed: recorder.resume)
        #expect(eventually(within: 5) { proxy.turns > 0 })
        #expect(elapsed { listener.close() } < 1)
        #expect(recorder.resumptions == 0)
    }

    @Test func closingIsPromptWhileItPausesAndFromItsOwnCallback() throws {
        let refused = Listener(conninfo: "host=/nonexistent", channel: "none", name: "test-listen", heard: { _ in }, resumed: {})
        #expect(eventually(within: 5) { refused.failure?.contains("/nonexistent") == true })
        #expect(elapsed { refused.close() } < 1)

        let recorder = ListenerRecorder()
        let slot = Monitor<Listener?>(nil)
        let own = Listener(conninfo: try TestServer.conninfo(), channel: "own", name: "test-listen", heard: recorder.hear) {
            slot.wait(until: { _ in nil }) { $0 }?.close()
            recorder.resume()
        }
        slot.withLock { $0 = own }
        slot.broadcast()
        #expect(recorder.hasResumed(1, within: 20))
        #expect(eventually(within: 5) { !own.isListening })
        slot.withLock { $0 = nil }
    }
}
