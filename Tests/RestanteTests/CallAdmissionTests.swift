import Postgres
import Testing

@testable import Restante

@Suite struct CallAdmissionTests {
    private static func session(_ user: UInt64, device: UInt64 = 0) -> Session {
        Session(
            userId: Identifier(high: 1, low: user), deviceId: Identifier(high: 2, low: user * 10 + device), sessionId: Identifier(high: 3, low: 0))
    }

    private let anna = session(1)
    private let bert = session(2)
    private let carl = session(3)
    private let callId = Identifier(high: 9, low: 1)

    private func going(_ caller: Session, _ callee: Session, isAnswered: Bool = false, isSilent: Bool = false) -> CallAdmission.Going {
        CallAdmission.Going(
            callId: callId, callerId: caller.userId, callerDeviceId: caller.deviceId, calleeId: callee.userId,
            calleeDeviceId: isAnswered ? callee.deviceId : nil, isSilent: isSilent)
    }

    private func refusal(of caller: Session, to callee: Session, _ calls: CallAdmission.Going...) -> CallError? {
        CallAdmission.refusal(of: caller, to: callee.userId, calls)
    }

    @Test func whereNothingGoesOnACallMayStart() {
        #expect(refusal(of: anna, to: bert) == nil)
    }

    @Test(arguments: [false, true])
    func aCallOfTheTwoIsNamed(isAnswered: Bool) {
        #expect(refusal(of: anna, to: bert, going(bert, anna, isAnswered: isAnswered)) == .inProgress(callId))
        #expect(refusal(of: anna, to: bert, going(anna, bert, isAnswered: isAnswered)) == .inProgress(callId))
        #expect(refusal(of: Self.session(1, device: 5), to: bert, going(anna, bert, isAnswered: isAnswered)) == .inProgress(callId))
    }

    @Test(arguments: [false, true])
    func whoRingsOrTalksWithSomebodyElseIsBusy(isAnswered: Bool) {
        #expect(refusal(of: anna, to: bert, going(carl, bert, isAnswered: isAnswered)) == .busy)
        #expect(refusal(of: anna, to: bert, going(bert, carl, isAnswered: isAnswered)) == .busy)
    }

    @Test func aDeviceIsInOneCallAtATimeAndItsUserMayUseAnother() {
        #expect(refusal(of: anna, to: bert, going(anna, carl)) == .inProgress(callId))
        #expect(refusal(of: anna, to: bert, going(carl, anna, isAnswered: true)) == .inProgress(callId))
        #expect(refusal(of: anna, to: bert, going(carl, anna)) == nil, "it rings, and may go on ringing")
        #expect(refusal(of: Self.session(1, device: 5), to: bert, going(anna, carl)) == nil)
    }

    @Test func aCallThatRingsNowhereIsKnownToItsCallerAlone() {
        let silent = going(anna, bert, isSilent: true)
        #expect(refusal(of: anna, to: bert, silent) == .inProgress(callId), "as it would be if it rang")
        #expect(refusal(of: carl, to: bert, silent) == nil, "Bert is free")
        #expect(refusal(of: bert, to: anna, silent) == .busy, "and is not told to answer what he never heard")
        #expect(refusal(of: carl, to: anna, silent) == .busy)
    }
}
