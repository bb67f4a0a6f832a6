import Testing

@testable import HTTPServer

/// The machines behind streams, without socket and thread.
@Suite struct StreamFlowTests {
    private static let half = [UInt8](repeating: 1, count: IncomingFlow.pieceBytes / 2)

    private final class Incoming {
        private var flow = IncomingFlow()
        func receive(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { flow.receive($0) } }
        func end(_ fault: BodyFault?) { flow.end(fault) }
        func take() -> (piece: IncomingFlow.Piece, hasRoom: Bool)? { flow.take() }
    }

    private final class Outgoing {
        private var flow: OutgoingFlow
        init(length: Int) { flow = OutgoingFlow(length: length) }
        func startsFetch() -> Bool { flow.startsFetch() }
        func fetched(_ bytes: [UInt8]?) -> Bool { flow.fetched(bytes) }
        func copy(_ count: Int) -> OutgoingFlow.Supply { supply(count).0 }
        func supply(_ count: Int) -> (OutgoingFlow.Supply, [UInt8]) {
            var buffer = [UInt8](repeating: 0, count: count)
            let supply = buffer.withUnsafeMutableBytes { flow.copy(into: $0) }
            return (supply, buffer)
        }
    }

    private final class Window {
        private var window = ProgressWindow()
        func begin(at count: Int) { window.begin(at: count) }
        func renew(at count: Int) -> Bool { window.renew(at: count, quota: 50) }
    }

    @Test("A piece is handed out when it is complete; the connection pauses until it is taken") func incoming() {
        let flow = Incoming()
        #expect(!flow.receive(Self.half))
        #expect(flow.take() == nil)
        #expect(flow.receive(Self.half))
        let taken = flow.take()
        #expect(taken?.piece == .bytes(Self.half + Self.half) && taken?.hasRoom == true)
        #expect(flow.take() == nil)
    }

    @Test("What came before the end is handed out before it, and the end again and again", arguments: [nil, BodyFault.abandoned, .tooLarge])
    func ending(_ fault: BodyFault?) {
        let flow = Incoming()
        #expect(!flow.receive([1, 2]))
        flow.end(fault)
        flow.end(BodyFault.abandoned)
        #expect(!flow.receive([3]))
        #expect(flow.take()?.piece == .bytes([1, 2]))
        let end = fault.map(IncomingFlow.Piece.broken) ?? .end
        #expect(flow.take()?.piece == end)
        #expect(flow.take()?.piece == end)
    }

    @Test("One piece is sent while the next is fetched, and no more") func outgoing() {
        let flow = Outgoing(length: 5)
        #expect(flow.copy(4) == .wait)
        #expect(flow.startsFetch() && !flow.startsFetch())
        #expect(flow.fetched([1, 2, 3]))
        #expect(!flow.startsFetch(), "a piece lies ready")
        #expect(flow.supply(2) == (.copied(2), [1, 2]))
        #expect(flow.startsFetch())
        #expect(!flow.fetched([4, 5]))
        #expect(!flow.startsFetch(), "all is fetched")
        #expect(flow.supply(4) == (.copied(1), [3, 0, 0, 0]))
        #expect(flow.supply(4) == (.copied(2), [4, 5, 0, 0]))
    }

    @Test("Too little, too much, or an error is a failure, after what came before it", arguments: [nil, [], [1, 2, 3]] as [[UInt8]?])
    func failing(_ bytes: [UInt8]?) {
        let flow = Outgoing(length: 4)
        #expect(flow.copy(1) == .wait)
        #expect(flow.startsFetch())
        #expect(flow.fetched([9, 8]))
        #expect(flow.supply(1) == (.copied(1), [9]))
        #expect(flow.startsFetch())
        #expect(!flow.fetched(bytes))
        #expect(flow.supply(1) == (.copied(1), [8]))
        #expect(flow.copy(1) == .failed)
        #expect(!flow.startsFetch())
    }

    @Test("A window has to move its quota") func window() {
        let window = Window()
        window.begin(at: 100)
        #expect(!window.renew(at: 149))
        #expect(window.renew(at: 150))
        #expect(!window.renew(at: 199))
    }
}
