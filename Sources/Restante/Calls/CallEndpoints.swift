import HTTPServer
import JSON
import Postgres

/// Voice and video calls: who rings whom, and what the two have to tell each other. Sound and picture go from one to the other, or by a TURN server.
enum CallEndpoints {
    /// Bytes of an offer, an answer or a signal.
    static let longestContent = 16_384

    static func startCall(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["to", "kind", "offer"])
        let callee = reader.identifier("to")
        if callee == session.userId { reader.fault("to", "Another user than the caller is expected.") }
        let kind = reader.choice("kind", of: CallKind.self) ?? .voice
        let offer = reader.string("offer", bytes: 1...longestContent)
        try reader.finish()
        try services.rateLimiter.take(.callsPerDay, for: .identifier(session.userId), noting: call)
        let started = try await services.calls.start(by: session, to: callee, kind: kind, offer: offer)
        services.mailroom.deliver(started.deliveries)
        services.push.wakeNow(started.deliveries.map { PushArrival(deviceId: $0.deviceId, messageId: $0.item.messageId) })
        return .json(
            .object([
                "callId": .string(started.callId.description),
                "iceServers": services.relayServers.iceServers(for: session.userId, at: .now()),
                "expiresAt": .string(started.expiresAt.description),
            ]), status: 201)
    }

    static func answerCall(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["callId", "answer"])
        let callId = reader.identifier("callId")
        let answer = reader.string("answer", bytes: 1...longestContent)
        try reader.finish()
        services.mailroom.deliver(try await services.calls.answer(callId, by: session, answer))
        return .json(
            .object([
                "callId": .string(callId.description),
                "iceServers": services.relayServers.iceServers(for: session.userId, at: .now()),
            ]))
    }

    static func signalCall(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["callId", "signal"])
        let callId = reader.identifier("callId")
        let signal = reader.string("signal", bytes: 1...longestContent)
        try reader.finish()
        try services.rateLimiter.take(.callSignalsPerDevice, for: .identifier(session.deviceId), noting: call)
        services.mailroom.deliver(try await services.calls.signal(callId, by: session, signal))
        return .json(.object(["status": .string("accepted")]), status: 202)
    }

    static func endCall(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["callId", "reason"])
        let callId = reader.identifier("callId")
        let reason = reader.optionalString("reason", characters: 1...100)
        try reader.finish()
        let (duration, deliveries) = try await services.calls.end(callId, by: session, reason: reason)
        services.mailroom.deliver(deliveries)
        return .json(.object(["callId": .string(callId.description), "duration": .integer(duration)]))
    }
}
