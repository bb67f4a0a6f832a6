import HTTPServer
import JSON
import Postgres

/// Why a message is refused.
enum SendError: ProblemConvertible {
    case unknownRecipient
    case unknownGroup
    case clientMessageIdReused

    var problem: Problem {
        switch self {
        case .unknownRecipient: Problem(.unknownRecipient)
        case .unknownGroup: Problem(.notFound, detail: "There is no such group, or you are not a member of it.")
        case .clientMessageIdReused: Problem(.clientMessageIdReused)
        }
    }
}

/// `sendMessage` and `sendGroupMessage`: answered after COMMIT.
enum SendEndpoints {
    static func sendMessage(_ call: Call, _ reply: Reply, _ services: Services) throws {
        let session = try call.session
        let request = try MessageRequest(call, targetName: "to", limits: services.limits)
        guard !request.type.isEphemeral else { return try show(request, from: session, group: nil, reply, services) }
        try send(request, from: session, to: .user(request.target), ifUnknown: .unknownRecipient, reply, services)
    }

    static func sendGroupMessage(_ call: Call, _ reply: Reply, _ services: Services) throws {
        let session = try call.session
        let request = try MessageRequest(call, targetName: "groupId", limits: services.limits)
        guard !request.type.isEphemeral else { return try show(request, from: session, group: request.target, reply, services) }
        try send(request, from: session, to: .group(request.target), ifUnknown: .unknownGroup, reply, services)
    }

    /// Hands the message to the writer; one with media only once it is known that its sender may see that.
    private static func send(
        _ request: MessageRequest, from session: Session, to target: OutgoingMessage.Target, ifUnknown: SendError, _ reply: Reply,
        _ services: Services
    ) throws {
        try services.rateLimiter.take(.messagesPerDevice, for: .identifier(session.deviceId), noting: reply)
        let message = request.outgoing(from: session, to: target)
        guard let mediaId = message.mediaId else { return try write(message, ifUnknown: ifUnknown, reply, services) }
        Task {
            do {
                try await services.media.use(mediaId, by: session.userId)
                try write(message, ifUnknown: ifUnknown, reply, services)
            } catch {
                reply.fail(error)
            }
        }
    }

    private static func write(_ message: OutgoingMessage, ifUnknown: SendError, _ reply: Reply, _ services: Services) throws {
        let sender = message.sender
        try services.writers.send(message) { result in
            switch result {
            case .success(.sent(let messageId)): reply.send(accepted(messageId, status: 201))
            case .success(.replayed(let messageId)):
                var response = accepted(messageId, status: 200)
                response.headers.append(("Idempotency-Replayed", "true"))
                reply.send(response)
            case .success(.reused): reply.fail(SendError.clientMessageIdReused)
            case .success(.unknownTarget): reply.fail(ifUnknown)
            case .success(.devicesChanged(let changes)): refuse(changes, to: sender, reply, services)
            case .success(.senderGone): reply.fail(Problem(.sessionRevoked))
            case .failure(let error): reply.fail(error)
            }
        }
    }

    /// Answers with what the sender needs to send again: the bundles of the missing devices are claimed for it.
    private static func refuse(_ changes: DeviceChanges, to sender: Session, _ reply: Reply, _ services: Services) {
        Task {
            do {
                let claim = try await services.keys.claim(Array(changes.missing.prefix(KeyClaim.mostInline)), by: sender)
                services.mailroom.deliver(claim.deliveries)
                reply.fail(KeyError.devicesChanged(changes, claim.bundles))
            } catch {
                reply.fail(error)
            }
        }
    }

    private static func accepted(_ messageId: Identifier, status: Int) -> Response {
        .json(
            .object([
                "messageId": .string(messageId.description), "sentAt": .string(Timestamp(of: messageId).description), "status": .string("sent"),
            ]), status: status)
    }

    private static func show(_ request: MessageRequest, from session: Session, group: Identifier?, _ reply: Reply, _ services: Services) throws {
        try services.rateLimiter.take(.typingPerDevice, for: .identifier(session.deviceId), noting: reply)
        Task {
            do {
                let devices =
                    if let group {
                        try await services.audiences.devices(ofGroup: group, for: session)
                    } else {
                        try await services.audiences.devices(ofUser: request.target, for: session)
                    }
                services.mailroom.show(request.ephemeralItem(from: session, group: group, at: .now()), to: devices)
                reply.send(.json(.object(["status": .string("accepted")]), status: 202))
            } catch {
                reply.fail(error)
            }
        }
    }
}
