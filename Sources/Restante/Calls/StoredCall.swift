import Postgres

/// A call as its row has it, held by the transaction that has read it.
struct StoredCall {
    let callId: Identifier
    let kind: CallKind
    let callerId: Identifier
    let callerDeviceId: Identifier
    let calleeId: Identifier
    /// It rings nowhere, and the callee does not know of it.
    let isSilent: Bool
    let rung: [Identifier]
    let ringItems: [Identifier]
    /// Until the ring is over; at least 1.
    let secondsLeft: Int
    /// Whole seconds from the answer to the end, or until now.
    let duration: Int
    var machine: CallMachine

    init(_ row: Row) throws {
        callId = try row.uuid(0)
        kind = CallKind(rawValue: try row.text(1)) ?? .voice
        callerId = try row.uuid(3)
        callerDeviceId = try row.uuid(4)
        calleeId = try row.uuid(5)
        isSilent = try row.bool(7)
        rung = try row.uuids(8)
        ringItems = try row.uuids(9)
        secondsLeft = Int(try row.int32(10))
        duration = Int(try row.int32(11))
        machine = CallMachine(state: CallMachine.State(rawValue: try row.text(2)) ?? .over, answeredBy: try row.optionalUUID(6))
    }

    /// Nil for who has no part in the call; the caller's other devices have none.
    func party(of session: Session) -> CallMachine.Party? {
        if session.deviceId == callerDeviceId { return .caller }
        if session.userId == calleeId, !isSilent { return .callee(deviceId: session.deviceId) }
        return nil
    }

    func recipients(_ audience: CallMachine.Audience) -> InboxStore.Recipients {
        switch audience {
        case .callerDevice: .devices([callerDeviceId])
        case .calleeDevice(let deviceId): .devices([deviceId])
        case .rung(let except): .devices(rung.filter { $0 != except })
        case .allOfCallee: isSilent ? .devices([]) : .users([calleeId])
        }
    }

    /// The conversation that an item for this audience belongs to: that with the other side.
    func channel(_ audience: CallMachine.Audience) -> Identifier {
        audience == .callerDevice ? calleeId : callerId
    }
}
