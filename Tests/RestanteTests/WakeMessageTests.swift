import JSON
import Postgres
import Testing

@testable import Restante

@Suite struct WakeMessageTests {
    private static let node = Identifier(high: 1, low: 2)
    private static let devices = [Identifier(high: 3, low: 4), Identifier(high: .max, low: 0)]

    static let events: [WakeEvent] = [
        .arrived(devices), .arrived([]), .shown(Array(#"{"type":"TYPING","text":"\"ü\\ \u0000"}"#.utf8), devices), .polling(devices[1]),
        .revoked(devices), .present(devices), .absent(devices), .subscribed(devices[0]),
    ]

    @Test(arguments: events)
    func anEventArrivesAsItWasSent(event: WakeEvent) throws {
        let message = WakeMessage(node: Self.node, event: event)
        #expect(try #require(WakeMessage(message.payload)) == message)
        #expect(!message.payload.utf8.contains(0), "PostgreSQL takes no NUL")
    }

    @Test(arguments: [
        "", "null", "[]", "arrived", #"{"event":"arrived","devices":[]}"#, #"{"node":"x","event":"arrived","devices":[]}"#,
        #"{"node":"\#(node)","devices":[]}"#, #"{"node":"\#(node)","event":"arrived_twice","devices":[]}"#,
        #"{"node":"\#(node)","event":"polling","devices":[]}"#, #"{"node":"\#(node)","event":"shown","devices":[]}"#,
        #"{"node":"\#(node)","event":"arrived""#,
    ])
    func whatItDoesNotUnderstandIsNoMessage(payload: String) {
        #expect(WakeMessage(payload) == nil)
    }

    @Test func aMemberThatAnotherVersionAddsIsPassedOver() throws {
        let payload = #"{"node":"\#(Self.node)","event":"revoked","devices":["\#(Self.devices[0])"],"reason":"new"}"#
        #expect(WakeMessage(payload)?.event == .revoked([Self.devices[0]]))
    }

    @Test func manyDevicesTravelInParts() {
        let devices = (1...7).map { Identifier(high: 0, low: $0) }
        let thirds = [Array(devices[0..<3]), Array(devices[3..<6]), Array(devices[6...])]
        #expect(WakeEvent.arrived(devices).parts(of: 3) == thirds.map { .arrived($0) })
        #expect(WakeEvent.revoked(devices).parts(of: 3) == thirds.map { .revoked($0) })
        #expect(WakeEvent.shown([1], devices).parts(of: 3) == thirds.map { .shown([1], $0) })
    }

    @Test func whatFitsTravelsWhole() {
        #expect(WakeEvent.arrived(Self.devices).parts(of: 2) == [.arrived(Self.devices)])
        #expect(WakeEvent.polling(Self.devices[0]).parts(of: 1) == [.polling(Self.devices[0])])
        #expect(WakeEvent.arrived([]).parts(of: 3) == [], "there is nobody to tell of")
    }
}
