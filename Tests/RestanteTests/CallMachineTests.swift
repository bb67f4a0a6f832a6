import Postgres
import Testing

@testable import Restante

@Suite struct CallMachineTests {
    private typealias Machine = CallMachine
    private static let phone = Identifier(high: 1, low: 1)
    private static let laptop = Identifier(high: 1, low: 2)

    private func answered() throws -> CallMachine {
        var call = CallMachine()
        _ = try call.answer(by: Self.phone)
        return call
    }

    @Test func theFirstAnswerWins() throws {
        var call = CallMachine()
        #expect(
            try call.answer(by: Self.phone) == [
                .stopRinging(except: Self.phone), .tell(.callerDevice, .answered), .tell(.rung(except: Self.phone), .answeredElsewhere),
            ])
        #expect(throws: CallError.over) { try call.answer(by: Self.laptop) }
        #expect(try call.answer(by: Self.phone) == [], "its answer was lost on the way")
        #expect((call.state, call.answeredBy) == (.answered, Self.phone))
    }

    @Test func decliningStopsAllDevices() {
        var call = CallMachine()
        #expect(
            call.end(by: .callee(deviceId: Self.phone), reason: nil) == [
                .stopRinging(except: nil), .tell(.callerDevice, .ended, reason: "declined"),
                .tell(.rung(except: Self.phone), .ended, reason: "declined"),
            ])
        #expect(call.state == .over)
    }

    @Test func givingUpLeavesItMissed() {
        var call = CallMachine()
        #expect(call.end(by: .caller, reason: "changed my mind") == [.stopRinging(except: nil), .tell(.allOfCallee, .missed)])
        #expect(call.state == .over)
    }

    @Test func aRingThatNobodyAnswersIsMissedAndTheCallerTold() {
        var call = CallMachine()
        #expect(
            call.giveUp(.unanswered) == [
                .stopRinging(except: nil), .tell(.callerDevice, .ended, reason: "unanswered"), .tell(.allOfCallee, .missed),
            ])
    }

    @Test func bothSidesLearnThatTheServerGaveUp() throws {
        var call = try answered()
        #expect(
            call.giveUp(.unreachable) == [
                .tell(.callerDevice, .ended, reason: "unreachable"), .tell(.calleeDevice(Self.phone), .ended, reason: "unreachable"),
            ])
    }

    @Test func signalsGoToTheOneOtherSide() throws {
        let (ringing, call) = (CallMachine(), try answered())
        #expect(try ringing.signal(by: .caller) == [.tell(.rung(except: nil), .signal)])
        #expect(try ringing.signal(by: .callee(deviceId: Self.laptop)) == [.tell(.callerDevice, .signal)])
        #expect(try call.signal(by: .caller) == [.tell(.calleeDevice(Self.phone), .signal)])
        #expect(try call.signal(by: .callee(deviceId: Self.phone)) == [.tell(.callerDevice, .signal)])
        #expect(throws: CallError.over) { try call.signal(by: .callee(deviceId: Self.laptop)) }
    }

    @Test func whoLostTheRaceEndsNothing() throws {
        var call = try answered()
        #expect(call.end(by: .callee(deviceId: Self.laptop), reason: nil) == [])
        #expect(call.state == .answered)
    }

    @Test(arguments: CallMachine.Event.all)
    fileprivate func whatIsOverStaysOver(event: CallMachine.Event) {
        var call = CallMachine(state: .over, answeredBy: Self.phone)
        #expect((event.apply(to: &call) ?? []) == [])
        #expect(call == CallMachine(state: .over, answeredBy: Self.phone))
    }

    /// Every order of up to six events.
    @Test func everyOrderOfEventsKeepsThePromises() {
        var orders = 0
        func explore(_ call: CallMachine, _ history: History, depth: Int) {
            for event in CallMachine.Event.all {
                var (next, history) = (call, history)
                let actions = event.apply(to: &next)
                history.note(actions ?? [], before: call, after: next)
                if actions == nil { #expect(next == call, "what is refused changes nothing") }
                orders += 1
                if depth > 1 { explore(next, history, depth: depth - 1) }
            }
        }
        explore(CallMachine(), History(), depth: 6)
        #expect(orders == (1...6).reduce(0) { sum, depth in sum + Int(pow10(of: CallMachine.Event.all.count, depth)) })
    }

    private func pow10(of base: Int, _ exponent: Int) -> Int { (0..<exponent).reduce(1) { product, _ in product * base } }
}

/// What was promised about a call, whatever happens to it.
private struct History {
    private var stops = 0
    private var answers = 0
    private var missed = 0
    private var endsToCaller = 0

    mutating func note(_ actions: [CallMachine.Action], before: CallMachine, after: CallMachine) {
        let order: [CallMachine.State] = [.ringing, .answered, .over]
        #expect(order.firstIndex(of: after.state) ?? 0 >= order.firstIndex(of: before.state) ?? 0, "no way leads back")
        if let winner = before.answeredBy { #expect(after.answeredBy == winner) }
        for action in actions {
            switch action {
            case .stopRinging:
                stops += 1
                #expect(before.state == .ringing && after.state != .ringing)
            case .tell(_, .missed, _):
                missed += 1
                #expect(answers == 0, "what was answered is not missed")
            case .tell(.callerDevice, .answered, _): answers += 1
            case .tell(.callerDevice, .ended, _): endsToCaller += 1
            case .tell(.calleeDevice(let device), _, _): #expect(device == before.answeredBy)
            default: break
            }
        }
        #expect(stops <= 1 && answers <= 1 && missed <= 1 && endsToCaller <= 1, "each is told once")
        #expect((after.state == .ringing) == (stops == 0), "it rings until something stops it")
    }
}

extension CallMachine {
    fileprivate enum Event: Sendable, CaseIterable {
        case answerByPhone, answerByLaptop, signalByCaller, signalByPhone, signalByLaptop, endByCaller, endByPhone, endByLaptop, ringOver

        static let all = allCases

        /// Nil where it is refused.
        func apply(to call: inout CallMachine) -> [Action]? {
            let (phone, laptop) = (Identifier(high: 1, low: 1), Identifier(high: 1, low: 2))
            switch self {
            case .answerByPhone: return try? call.answer(by: phone)
            case .answerByLaptop: return try? call.answer(by: laptop)
            case .signalByCaller: return try? call.signal(by: .caller)
            case .signalByPhone: return try? call.signal(by: .callee(deviceId: phone))
            case .signalByLaptop: return try? call.signal(by: .callee(deviceId: laptop))
            case .endByCaller: return call.end(by: .caller, reason: nil)
            case .endByPhone: return call.end(by: .callee(deviceId: phone), reason: nil)
            case .endByLaptop: return call.end(by: .callee(deviceId: laptop), reason: nil)
            case .ringOver: return call.giveUp(.unanswered)
            }
        }
    }
}
