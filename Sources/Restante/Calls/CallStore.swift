import Postgres

/// The calls, in the database, so that any node serves any of them and a crash ends none; nor does an outage, by itself.
///
/// Whatever happens to a call holds its row, asks `CallMachine`, and does what that says within the same transaction. What goes into inboxes here is for
/// the moment: it is taken out again, or gone by itself, when it is over; only `missed` stays.
struct CallStore: Sendable {
    let pool: Pool
    let identifiers: IdentifierGenerator
    let limits: LimitTable

    /// Seconds that an answer, a signal and an end wait for a device that does not poll.
    private static let itemSeconds = 60
    private static let endSeconds = 3_600
    /// Seconds between two looks after the parties of a call, and without a sign of life after which one of them has vanished. The database knows of
    /// a sign after a minute.
    private static let lookSeconds: Int32 = 30
    static let absenceSeconds = 150
    /// Calls that one transaction ends, or looks after.
    private static let portion: Int32 = 50

    struct Started: Sendable {
        let callId: Identifier
        let expiresAt: Timestamp
        let deliveries: [Delivery]
    }

    func start(by caller: Session, to callee: Identifier, kind: CallKind, offer: String) async throws -> Started {
        try await pool.transaction { connection in
            let both: Parameter = .uuids([caller.userId, callee])
            guard try connection.execute(CallStatements.lockUsers, [both]).count == 2 else { throw CallError.unknownUser }
            let going = try connection.execute(CallStatements.going, [both]).map(Self.going)
            if let refusal = CallAdmission.refusal(of: caller, to: callee, going) { throw refusal }
            let isSilent = try BlockStore.hasBlocked(callee, caller.userId, on: connection)
            let callId = identifiers.next()
            let row = try connection.execute(
                CallStatements.insert,
                [
                    .uuid(callId), .text(kind.rawValue), .uuid(caller.userId), .uuid(caller.deviceId), .uuid(callee), .bool(isSilent),
                    .int32(Int32(limits[.callRingSeconds])),
                ])[0]
            let expiresAt = Timestamp(milliseconds: try row.timestamp(0))
            guard !isSilent else { return Started(callId: callId, expiresAt: expiresAt, deliveries: []) }
            let ring = CallItem(
                callId: callId, event: .ringing, kind: kind, userId: caller.userId, deviceId: caller.deviceId, offer: offer, expiresAt: expiresAt
            ).item(identifiers.next())
            let deliveries = try InboxStore.put(
                ring, channel: caller.userId, for: .users([callee]), fleeting: limits[.callRingSeconds], on: connection)
            _ = try connection.execute(CallStatements.noteRing, [.uuid(callId), .uuids(deliveries.map(\.deviceId)), .uuid(ring.messageId)])
            return Started(callId: callId, expiresAt: expiresAt, deliveries: deliveries.map(\.readFirst))
        }
    }

    func answer(_ callId: Identifier, by session: Session, _ answer: String) async throws -> [Delivery] {
        try await pool.transaction { connection in
            var (call, party) = try lock(callId, for: session, on: connection)
            guard case .callee(let deviceId) = party else { throw CallError.unknownCall }
            let actions = try call.machine.answer(by: deviceId)
            return try perform(actions, of: call, by: session, CallContent(answer: answer), on: connection)
        }
    }

    func signal(_ callId: Identifier, by session: Session, _ signal: String) async throws -> [Delivery] {
        try await pool.transaction { connection in
            let (call, party) = try lock(callId, for: session, on: connection)
            return try perform(try call.machine.signal(by: party), of: call, by: session, CallContent(signal: signal), on: connection)
        }
    }

    func end(_ callId: Identifier, by session: Session, reason: String?) async throws -> (duration: Int, deliveries: [Delivery]) {
        try await pool.transaction { connection in
            var (call, party) = try lock(callId, for: session, on: connection)
            let actions = call.machine.end(by: party, reason: reason)
            let hasPart = party == .caller || call.machine.answeredBy == session.deviceId
            return (hasPart ? call.duration : 0, try perform(actions, of: call, by: session, CallContent(), on: connection))
        }
    }

    /// Ends what is due: rings that nobody has answered, calls whose devices were removed, and those whose parties have vanished. Several nodes may
    /// sweep at once.
    ///
    /// - Parameters:
    ///   - judgesAbsence: whether who was not seen for long has vanished, or this server may have been away itself.
    ///   - deliver: brings what was put into inboxes to the polls.
    func sweep(judgesAbsence: Bool, deliver: @Sendable ([Delivery]) -> Void) async throws {
        try await inPortions(deliver) { connection in
            let due = try connection.execute(CallStatements.dueRings, [.int32(Self.portion)])
            return (due.count, try due.flatMap { try giveUp($0.uuid(0), .unanswered, on: connection) })
        }
        try await inPortions(deliver) { connection in
            let due = try connection.execute(CallStatements.dueByRemoval, [.int32(Self.portion)])
            return (due.count, try due.flatMap { try giveUp($0.uuid(0), .unreachable, on: connection) })
        }
        let parameters: [Parameter] = [
            .int32(Self.portion), .int32(Self.lookSeconds), .bool(judgesAbsence), .int32(Int32(Self.absenceSeconds)),
            .int32(Int32(limits[.callSeconds])),
        ]
        try await inPortions(deliver) { connection in
            let due = try connection.execute(CallStatements.lookAfter, parameters)
            var deliveries: [Delivery] = []
            for call in due {
                guard let reason = try call.optionalText(1).flatMap(CallMachine.Reason.init) else { continue }
                deliveries += try giveUp(call.uuid(0), reason, on: connection)
            }
            return (due.count, deliveries)
        }
    }

    /// Ends the calls of a user who goes.
    func endAll(of userId: Identifier) async throws -> [Delivery] {
        try await pool.transaction { connection in
            try connection.execute(CallStatements.going, [.uuids([userId])]).flatMap { try giveUp($0.uuid(0), .unreachable, on: connection) }
        }
    }

    /// Forgets calls that were over an hour ago.
    func forget() async throws {
        try await pool.run { _ = try $0.execute(CallStatements.forget) }
    }
}

/// What a request brings for the other side.
private struct CallContent {
    var answer: String?
    var signal: String?
}

extension CallStore {
    private static func going(_ row: Row) throws -> CallAdmission.Going {
        CallAdmission.Going(
            callId: try row.uuid(0), callerId: try row.uuid(1), callerDeviceId: try row.uuid(2), calleeId: try row.uuid(3),
            calleeDeviceId: try row.optionalUUID(4), isSilent: try row.bool(5))
    }

    private func lock(_ callId: Identifier, for session: Session, on connection: Connection) throws -> (StoredCall, CallMachine.Party) {
        guard let row = try connection.execute(CallStatements.lock, [.uuid(callId)]).first else { throw CallError.unknownCall }
        let call = try StoredCall(row)
        guard let party = call.party(of: session) else { throw CallError.unknownCall }
        return (call, party)
    }

    /// Runs transactions of this kind until one has found less than a portion.
    private func inPortions(
        _ deliver: ([Delivery]) -> Void, _ step: @escaping @Sendable (Connection) throws -> (count: Int, deliveries: [Delivery])
    ) async throws {
        var count = Int(Self.portion)
        while count == Int(Self.portion), !Task.isCancelled {
            let done = try await pool.transaction(step)
            deliver(done.deliveries)
            count = done.count
        }
    }

    private func giveUp(_ callId: Identifier, _ reason: CallMachine.Reason, on connection: Connection) throws -> [Delivery] {
        guard let row = try connection.execute(CallStatements.lock, [.uuid(callId)]).first else { return [] }
        var call = try StoredCall(row)
        return try perform(call.machine.giveUp(reason), of: call, by: nil, CallContent(), on: connection)
    }

    /// Does what the machine said, and stores what state it has come to. `session`: whose request it was; nil: the server's own doing.
    private func perform(
        _ actions: [CallMachine.Action], of call: StoredCall, by session: Session?, _ content: CallContent, on connection: Connection
    ) throws -> [Delivery] {
        guard !actions.isEmpty else { return [] }
        var deliveries: [Delivery] = []
        for action in actions {
            switch action {
            case .stopRinging(let except):
                try InboxStore.withdraw(Array(call.ringItems.prefix(1)), from: call.rung, on: connection)
                try InboxStore.withdraw(Array(call.ringItems.dropFirst()), from: call.rung.filter { $0 != except }, on: connection)
            case .tell(let audience, let event, let reason):
                deliveries += try tell(audience, event, reason, of: call, by: session, content, on: connection)
            }
        }
        _ = try connection.execute(
            CallStatements.setState,
            [.uuid(call.callId), .text(call.machine.state.rawValue), .optionalUUID(call.machine.answeredBy), .int32(Self.lookSeconds)])
        return deliveries
    }

    private func tell(
        _ audience: CallMachine.Audience, _ event: CallEvent, _ reason: String?, of call: StoredCall, by session: Session?, _ content: CallContent,
        on connection: Connection
    ) throws -> [Delivery] {
        // A missed call is the caller's, whoever let it be missed; what the server ends comes from the other side.
        let isCallers = event == .missed || session == nil && audience != .callerDevice
        let from = isCallers ? (call.callerId, Optional(call.callerDeviceId)) : (session?.userId ?? call.calleeId, session?.deviceId)
        let item = CallItem(
            callId: call.callId, event: event, kind: call.kind, userId: from.0, deviceId: from.1,
            answer: event == .answered ? content.answer : nil, signal: content.signal, reason: reason
        ).item(identifiers.next())
        let isRinging = call.machine.state == .ringing
        if isRinging, case .rung = audience { _ = try connection.execute(CallStatements.addRingItem, [.uuid(call.callId), .uuid(item.messageId)]) }
        return try InboxStore.put(
            item, channel: call.channel(audience), for: call.recipients(audience), fleeting: Self.seconds(of: event, call), on: connection)
    }

    /// How long an item is served; nil for what waits as messages do.
    private static func seconds(of event: CallEvent, _ call: StoredCall) -> Int? {
        switch event {
        case .missed: nil
        case .ended: endSeconds
        case .signal where call.machine.state == .ringing: call.secondsLeft
        default: itemSeconds
        }
    }
}

extension Delivery {
    /// The same, but not to be served without a look into the database: a ring may be over before its delivery has come to the poll.
    fileprivate var readFirst: Delivery { Delivery(deviceId: deviceId, item: item, begun: 0) }
}
