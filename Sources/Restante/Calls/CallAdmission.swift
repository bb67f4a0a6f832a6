import Postgres

/// Whether somebody may start a call, by the calls that are going on.
///
/// Two who call each other have one call: the later one is told which, and answers it. A user who rings or talks with somebody else is busy. A device
/// that is in a call starts no other. A call that rings nowhere, because the callee has blocked the caller, is known to its caller only: it makes the caller
/// busy, but never the callee, and nobody is told to answer it.
enum CallAdmission {
    /// A call that is not over.
    struct Going: Sendable {
        let callId: Identifier
        let callerId: Identifier
        let callerDeviceId: Identifier
        let calleeId: Identifier
        let calleeDeviceId: Identifier?
        let isSilent: Bool

        func isKnown(to userId: Identifier) -> Bool {
            callerId == userId || calleeId == userId && !isSilent
        }
    }

    /// Nil where the call may start.
    static func refusal(of caller: Session, to callee: Identifier, _ going: [Going]) -> CallError? {
        let own = going.filter { $0.isKnown(to: caller.userId) }
        if let both = own.first(where: { $0.callerId == callee || $0.calleeId == callee }) { return .inProgress(both.callId) }
        if let same = own.first(where: { $0.callerDeviceId == caller.deviceId || $0.calleeDeviceId == caller.deviceId }) {
            return .inProgress(same.callId)
        }
        return going.contains { $0.isKnown(to: callee) } ? .busy : nil
    }
}
