import Testing

@testable import Postgres

@Suite struct ListenerMachineTests {
    private func at(_ seconds: Double) -> Deadline { Deadline(nanoseconds: Int64((seconds * 1e9).rounded())) }

    /// Opened at 0, and its first probe returned at 1: the next one is due at 6.
    private func listening() -> ListenerMachine {
        var machine = ListenerMachine(now: at(0))
        #expect(machine.timeUp(now: at(0), random: 0) == .open(before: at(5)))
        #expect(machine.opened(now: at(0)) == .wait(until: at(2)))
        #expect(machine.probeReturned(now: at(1)) == .announce)
        return machine
    }

    private func isDrop(_ action: ListenerMachine.Action) -> Bool {
        if case .drop = action { return true }
        return false
    }

    @Test func itOpensAtOnceAndAnnouncesOnlyWhenItsProbeIsBack() {
        var machine = ListenerMachine(now: at(0))
        #expect(machine.wait == .wait(until: at(0)))
        #expect(machine.timeUp(now: at(0), random: 0) == .open(before: at(5)))
        #expect(machine.opened(now: at(1)) == .wait(until: at(3)))
        #expect(machine.probeReturned(now: at(2)) == .announce)
        #expect(machine.wait == .wait(until: at(7)))
    }

    @Test func aSessionThatDoesNotHearItselfIsNeverAnnounced() {
        var machine = ListenerMachine(now: at(0))
        _ = machine.timeUp(now: at(0), random: 0)
        _ = machine.opened(now: at(0))
        #expect(isDrop(machine.timeUp(now: at(2), random: 1)))
        #expect(machine.wait == .wait(until: at(2.05)))
        #expect(machine.timeUp(now: at(2.05), random: 0) == .open(before: at(7.05)))
    }

    @Test func itProbesEveryFiveSecondsAndAnnouncesOnce() {
        var machine = listening()
        #expect(machine.timeUp(now: at(6), random: 0) == .probe)
        #expect(machine.probeReturned(now: at(7)) == .wait(until: at(12)))
    }

    @Test func aProbeThatDoesNotReturnInTwoSecondsEndsTheSession() {
        var machine = listening()
        _ = machine.timeUp(now: at(6), random: 0)
        #expect(machine.wait == .wait(until: at(8)))
        #expect(isDrop(machine.timeUp(now: at(8), random: 0)))
    }

    @Test func notificationsThatComeBeforeTheProbeKeepTheSession() {
        var machine = listening()
        #expect(machine.heard(now: at(4)) == .wait(until: at(9)))
        #expect(machine.timeUp(now: at(9), random: 0) == .probe)
        #expect(machine.heard(now: at(10.5)) == .wait(until: at(12.5)))
        #expect(machine.probeReturned(now: at(12)) == .wait(until: at(17)))
    }

    @Test func aProbeThatReturnsUnaskedChangesNothing() {
        var machine = listening()
        #expect(machine.probeReturned(now: at(3)) == .wait(until: at(6)))
        _ = machine.fail("lost", now: at(4), random: 1)
        #expect(machine.probeReturned(now: at(4)) == .wait(until: at(4.05)))
        #expect(machine.heard(now: at(4)) == .wait(until: at(4.05)))
    }

    @Test func pausesGrowUntilAProbeReturns() {
        var machine = ListenerMachine(now: at(0))
        for pause in [0.05, 0.1, 0.2, 0.4, 0.8, 1, 1] {
            _ = machine.timeUp(now: at(0), random: 1)
            _ = machine.opened(now: at(0))
            #expect(machine.fail("lost", now: at(0), random: 1) == .drop(because: "lost"))
            #expect(machine.wait == .wait(until: at(pause)))
        }
        _ = machine.timeUp(now: at(0), random: 1)
        _ = machine.opened(now: at(0))
        #expect(machine.probeReturned(now: at(0)) == .announce)
        _ = machine.fail("lost", now: at(0), random: 1)
        #expect(machine.wait == .wait(until: at(0.05)))
    }

    @Test func anOpeningThatTakesTooLongIsAFailure() {
        var machine = ListenerMachine(now: at(0))
        _ = machine.timeUp(now: at(0), random: 0)
        #expect(isDrop(machine.timeUp(now: at(5), random: 0)))
    }
}
