import Postgres

/// The life of one call, without lock, clock or database.
///
///     ringing ── a device of the callee answers ──▶ answered ── either side ends it, or vanishes ──▶ over
///        │                                                                                            ▲
///        └── the callee declines, the caller gives up, nobody answers in time, the caller vanishes ───┘
///
/// A call is between the device that started it and, from the answer on, the one device that answered. Until then every device of the callee rings.
/// A ring is an item in their inboxes; whatever ends it takes it out of them in the same transaction, so a ring that is over is never served.
///
/// Who is told what:
///
///     event                    caller's device       callee's devices
///     answered                 answered              the others that rang: answered-elsewhere
///     declined                 ended                 the others that rang: ended
///     given up, not answered   ended (but who gave   all: missed, which waits as a message does
///                              up knows it)
///     ended while talking      the other side: ended
///
/// Everything may come twice or late, since the devices race and answers get lost: the first answer wins and may be repeated by its device; an end
/// after the end changes nothing; an answer or a signal after it is refused.
struct CallMachine: Equatable, Sendable {
    enum State: String, Sendable {
        case ringing, answered, over
    }

    /// Whose request it is.
    enum Party: Equatable, Sendable {
        case caller
        case callee(deviceId: Identifier)
    }

    /// Whose inboxes an item goes into.
    enum Audience: Equatable, Sendable {
        case callerDevice
        case calleeDevice(Identifier)
        /// The devices that rang, without this one.
        case rung(except: Identifier?)
        /// All devices that the callee has now.
        case allOfCallee
    }

    enum Action: Equatable, Sendable {
        /// Takes the ring out of the inboxes, and what the caller signalled while it rang out of all but this device's.
        case stopRinging(except: Identifier?)
        case tell(Audience, CallEvent, reason: String? = nil)
    }

    /// Why the server ends a call; a client may give reasons of its own.
    enum Reason: String, Sendable {
        case declined, unanswered, unreachable
        case tooLong = "too-long"
    }

    private(set) var state = State.ringing
    /// The device that answered.
    private(set) var answeredBy: Identifier?

    init() {}

    /// As it was stored.
    init(state: State, answeredBy: Identifier?) {
        self.state = state
        self.answeredBy = answeredBy
    }

    mutating func answer(by deviceId: Identifier) throws(CallError) -> [Action] {
        switch state {
        case .ringing:
            state = .answered
            answeredBy = deviceId
            return [.stopRinging(except: deviceId), .tell(.callerDevice, .answered), .tell(.rung(except: deviceId), .answeredElsewhere)]
        case .answered where answeredBy == deviceId: return []
        case .answered, .over: throw .over
        }
    }

    func signal(by party: Party) throws(CallError) -> [Action] {
        switch (state, party) {
        case (.ringing, .caller): return [.tell(.rung(except: nil), .signal)]
        case (.ringing, .callee): return [.tell(.callerDevice, .signal)]
        case (.answered, .caller): return answeredBy.map { [.tell(.calleeDevice($0), .signal)] } ?? []
        case (.answered, .callee(answeredBy)): return [.tell(.callerDevice, .signal)]
        case (.answered, .callee), (.over, _): throw .over
        }
    }

    /// Ends the call for who may end it; for a device that it does not concern any more, nothing happens.
    mutating func end(by party: Party, reason: String?) -> [Action] {
        switch (state, party) {
        case (.ringing, .caller):
            state = .over
            return [.stopRinging(except: nil), .tell(.allOfCallee, .missed)]
        case (.ringing, .callee(let deviceId)):
            state = .over
            let reason = reason ?? Reason.declined.rawValue
            return [
                .stopRinging(except: nil), .tell(.callerDevice, .ended, reason: reason), .tell(.rung(except: deviceId), .ended, reason: reason),
            ]
        case (.answered, .caller):
            state = .over
            return answeredBy.map { [.tell(.calleeDevice($0), .ended, reason: reason)] } ?? []
        case (.answered, .callee(answeredBy)):
            state = .over
            return [.tell(.callerDevice, .ended, reason: reason)]
        case (.answered, .callee), (.over, _): return []
        }
    }

    /// The server ends the call: nobody answered in time, or a party has vanished.
    mutating func giveUp(_ reason: Reason) -> [Action] {
        switch state {
        case .ringing:
            state = .over
            return [
                .stopRinging(except: nil), .tell(.callerDevice, .ended, reason: reason.rawValue), .tell(.allOfCallee, .missed),
            ]
        case .answered:
            state = .over
            let toCallee = answeredBy.map { [Action.tell(.calleeDevice($0), .ended, reason: reason.rawValue)] } ?? []
            return [.tell(.callerDevice, .ended, reason: reason.rawValue)] + toCallee
        case .over: return []
        }
    }
}
